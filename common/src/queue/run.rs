//! One attempt at a job, and how it can end.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use serde_json::Value;
use sqlx::PgConnection;

use super::store::{self, Attempt};
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
        if store::hold(conn, self.fence()).await? { Ok(()) } else { Err(Failure::LeaseLost) }
    }

    /// Marks the job done in the transaction of its effect, and commits both.
    ///
    /// # Errors
    /// [`Failure::LeaseLost`], and then nothing is kept, when the job is no longer this worker's. An error at
    /// the commit itself leaves it open whether it happened; the job's state will tell the next attempt.
    pub async fn finish(&self, mut tx: Tx) -> Outcome {
        if !store::finish(&mut tx, self.fence()).await? {
            return Err(Failure::LeaseLost);
        }
        tx.commit().await?;
        Ok(Finished::Marked)
    }

    fn fence(&self) -> Attempt<'_> {
        Attempt { worker: &self.worker, job: self.job_id, number: self.attempt }
    }
}

/// The kinds of jobs a process knows: what the queue needs of them when a job dies without running.
pub trait Kinds: Send + Sync + 'static {
    /// Runs [`Job::on_dead`](super::Job::on_dead) of a job; does nothing for a kind or payload that is unknown.
    fn on_dead<'a>(
        &'a self,
        kind: &'a str,
        payload: &'a Value,
        conn: &'a mut PgConnection,
        error: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<(), sqlx::Error>> + Send + 'a>>;
}
