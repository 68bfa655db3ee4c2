//! Writing what became of jobs: in batches, fenced by the lease, and through outages of the database.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::JoinHandle,
    time,
};

use super::{ClaimedJob, Failure, Finished, Kinds, Outcome, delay_after, store};
use crate::{db::Db, ids::JobId};

/// How many outcomes one statement writes.
const BATCH: usize = 500;

/// How long to wait before writing again to a database that did not answer.
const OUTAGE_PAUSE: Duration = Duration::from_millis(500);

/// How much of an error is kept with its job.
const ERROR_CHARS: usize = 2_000;

/// What became of one job.
#[derive(Debug)]
pub struct Acknowledgement {
    /// The job.
    pub job: ClaimedJob,
    /// How the attempt ended.
    pub outcome: Outcome,
    /// Its slot, free once this is written.
    pub slot: OwnedSemaphorePermit,
}

/// Where outcomes are handed in.
#[derive(Clone, Debug)]
pub struct Acknowledger(mpsc::Sender<Acknowledgement>);

impl Acknowledger {
    /// Starts the task that writes them; it ends, with all of them written, when the last clone is dropped.
    #[must_use]
    pub fn start(db: Db, worker: Arc<str>, kinds: Arc<dyn Kinds>) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(BATCH);
        let writer = Writer { db, worker, kinds };
        (Self(sender), tokio::spawn(writer.run(receiver)))
    }

    /// Hands in one outcome.
    pub async fn acknowledge(&self, acknowledgement: Acknowledgement) {
        if self.0.send(acknowledgement).await.is_err() {
            tracing::error!(
                "an outcome came after its writer had ended; the lease will end and the job run again"
            );
        }
    }
}

struct Writer {
    db: Db,
    worker: Arc<str>,
    kinds: Arc<dyn Kinds>,
}

impl Writer {
    async fn run(self, mut receiver: mpsc::Receiver<Acknowledgement>) {
        let mut batch = Vec::with_capacity(BATCH);
        while receiver.recv_many(&mut batch, BATCH).await > 0 {
            let (done, failed): (Vec<_>, Vec<_>) =
                batch.iter().partition(|acknowledgement| acknowledgement.outcome.is_ok());
            self.write_done(&done).await;
            for acknowledgement in failed {
                self.write_failed(acknowledgement).await;
            }
            batch.clear();
        }
    }

    async fn write_done(&self, done: &[&Acknowledgement]) {
        let unmarked = |a: &&&Acknowledgement| matches!(a.outcome, Ok(Finished::Unmarked));
        let ids: Vec<JobId> = done.iter().filter(unmarked).map(|a| a.job.id).collect();
        if ids.is_empty() {
            return;
        }
        while let Err(error) = self.finish(&ids).await {
            pause(&error).await;
        }
    }

    async fn finish(&self, ids: &[JobId]) -> Result<u64, sqlx::Error> {
        store::finish(&mut *self.db.pool().acquire().await?, &self.worker, ids).await
    }

    async fn write_failed(&self, acknowledgement: &Acknowledgement) {
        let job = &acknowledgement.job;
        let Err(failure) = &acknowledgement.outcome else { return };
        let text: String = failure.to_string().chars().take(ERROR_CHARS).collect();
        let (job_id, kind, attempt) = (job.id, job.kind.as_str(), job.attempt);
        match failure {
            Failure::LeaseLost => {
                tracing::warn!(%job_id, kind, "the job went to another worker; this attempt kept nothing");
            }
            Failure::NotYet(delay) => {
                while let Err(error) = self.postpone(job, *delay).await {
                    pause(&error).await;
                }
            }
            Failure::Retry(_) if attempt < job.max_attempts => {
                let delay = delay_after(attempt);
                tracing::warn!(%job_id, kind, attempt, error = text, "the job failed and will be tried again");
                while let Err(error) = self.retry(job, delay, &text).await {
                    pause(&error).await;
                }
            }
            Failure::Retry(_) | Failure::GiveUp(_) => {
                tracing::error!(%job_id, kind, attempt, error = text, "the job is dead");
                while let Err(error) = self.bury(job, &text).await {
                    pause(&error).await;
                }
            }
        }
    }

    async fn retry(&self, job: &ClaimedJob, delay: Duration, error: &str) -> Result<u64, sqlx::Error> {
        store::retry(&mut *self.db.pool().acquire().await?, &self.worker, job.id, delay, error).await
    }

    async fn postpone(&self, job: &ClaimedJob, delay: Duration) -> Result<u64, sqlx::Error> {
        store::postpone(&mut *self.db.pool().acquire().await?, &self.worker, job.id, delay).await
    }

    async fn bury(&self, job: &ClaimedJob, error: &str) -> Result<(), sqlx::Error> {
        let mut tx = self.db.begin().await?;
        if store::bury(&mut tx, &self.worker, job.id, error).await? {
            self.kinds.on_dead(&job.kind, &job.payload, &mut tx, error).await?;
        }
        tx.commit().await
    }
}

async fn pause(error: &sqlx::Error) {
    tracing::warn!(%error, "an outcome could not be written; trying again");
    time::sleep(OUTAGE_PAUSE).await;
}
