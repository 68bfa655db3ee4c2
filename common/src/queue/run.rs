//! One attempt at a job, and how it can end.

use std::{sync::Arc, time::Duration};

use sqlx::PgConnection;

use super::store::outcomes::{self, Fence};
use crate::{
    db::{CommitError, Tx},
    ids::JobId,
};

/// One attempt at a job by one worker.
#[derive(Clone, Debug)]
pub struct Run {
    /// The job.
    pub job_id: JobId,
    /// This attempt's number, from 1.
    pub attempt: u16,
    /// The last attempt's number.
    pub max_attempts: u16,
    pub(super) worker: Arc<str>,
    pub(super) claim: i64,
}

/// What an attempt came to.
pub type Outcome = Result<Finished, Failure>;

/// The attempt succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// The job was marked done in the transaction of its effect.
    Marked,
    /// There was no effect in the database; the job is still to be marked.
    Unmarked,
}

/// The attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It may work later.
    #[error("{0:#}")]
    Retry(anyhow::Error),
    /// It never will.
    #[error("{0:#}")]
    GiveUp(anyhow::Error),
    /// Something else comes first; it is tried again after this long, and no attempt is charged.
    #[error("it waits for something else")]
    NotYet(Duration),
    /// The job is another worker's by now; nothing of this attempt was kept.
    #[error("the job is no longer this worker's")]
    LeaseLost,
}

impl Failure {
    /// What happened, in a few words that may stand in a log. The whole of it, which may be the words of somebody else's
    /// machine about somebody, stands with the job: it is what the error says below its first context.
    #[must_use]
    pub fn in_short(&self) -> String {
        match self {
            Self::Retry(error) | Self::GiveUp(error) => error.to_string(),
            Self::NotYet(_) | Self::LeaseLost => self.to_string(),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Retry(error.into())
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        Self::Retry(error.into())
    }
}

impl Run {
    /// Makes sure that the job is this worker's until the transaction ends: for effects on the way to the last one.
    ///
    /// # Errors
    /// [`Failure::LeaseLost`] when it no longer is.
    pub async fn hold(&self, conn: &mut PgConnection) -> Result<(), Failure> {
        if outcomes::hold(conn, self.fence()).await? { Ok(()) } else { Err(Failure::LeaseLost) }
    }

    /// Marks the job done in the transaction of its effect, and commits both.
    ///
    /// # Errors
    /// [`Failure::LeaseLost`], and then nothing is kept, when the job is no longer this worker's. An error at
    /// the commit itself leaves it open whether it happened; the job's state will tell the next attempt.
    pub async fn finish(&self, mut tx: Tx) -> Outcome {
        if !outcomes::finish(&mut tx, self.fence()).await? {
            return Err(Failure::LeaseLost);
        }
        tx.commit().await?;
        Ok(Finished::Marked)
    }

    fn fence(&self) -> Fence<'_> {
        Fence { worker: &self.worker, job: self.job_id, claim: self.claim }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_log_has_what_failed_and_the_job_has_the_whole() {
        let words = "550 5.1.1 <anna@example.com>: Recipient address rejected";
        let failure = Failure::GiveUp(anyhow!(words).context("the mail server refused the message"));
        assert_eq!(failure.in_short(), "the mail server refused the message");
        assert!(failure.to_string().ends_with(words));
    }
}
