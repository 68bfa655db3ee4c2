//! Writing what became of jobs: in batches, fenced by the lease, and through outages of the database.

use std::{sync::Arc, time::Duration};

use sqlx::Connection;
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinHandle, JoinSet},
    time,
};

use super::{
    ClaimedJob, Failure, Finished, Kinds, Outcome,
    backend::Slot,
    deadline::{ANSWERED_WITHIN, BURIED_WITHIN, answer},
    death, delay_after,
    store::outcomes::{self, Fence, Fences},
};
use crate::db::Db;

/// How many outcomes one statement writes.
const BATCH: usize = 500;

/// How many failures are written at once. Each is a transaction of its own, which may wait for a row that somebody
/// else holds; they take turns so that they leave connections to the jobs that run.
const FAILURES_AT_ONCE: usize = 4;

/// How long to wait before writing again to a database that did not answer.
const OUTAGE_PAUSE: Duration = Duration::from_millis(500);

/// How much of an error is kept with its job.
const ERROR_CHARS: usize = 2_000;

/// The longest that a job waits for something else.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 3600);

/// What became of one job.
#[derive(Debug)]
pub struct Acknowledgement {
    /// The job.
    pub job: Arc<ClaimedJob>,
    /// How the attempt ended.
    pub outcome: Outcome,
    /// Its slot, free once this is written.
    pub slot: Slot,
}

/// Where outcomes are handed in. There is room for all: there are no more of them than slots.
#[derive(Clone, Debug)]
pub struct Acknowledger(mpsc::UnboundedSender<Acknowledgement>);

impl Acknowledger {
    /// Starts the task that writes them; it ends, with all of them written, when the last clone is dropped.
    #[must_use]
    pub fn start(db: Db, worker: Arc<str>, kinds: Arc<dyn Kinds>) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let writer = Writer { db, worker, kinds, turns: Semaphore::new(FAILURES_AT_ONCE) };
        (Self(sender), tokio::spawn(Arc::new(writer).run(receiver)))
    }

    /// Hands in one outcome.
    pub fn acknowledge(&self, acknowledgement: Acknowledgement) {
        if self.0.send(acknowledgement).is_err() {
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
    turns: Semaphore,
}

impl Writer {
    async fn run(self: Arc<Self>, mut receiver: mpsc::UnboundedReceiver<Acknowledgement>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut failures = JoinSet::new();
        while receiver.recv_many(&mut batch, BATCH).await > 0 {
            let (done, failed): (Vec<_>, Vec<_>) =
                batch.drain(..).partition(|acknowledgement| acknowledgement.outcome.is_ok());
            // Apart, so that one that cannot be written holds up no other.
            for acknowledgement in failed {
                failures.spawn(Arc::clone(&self).write_failed(acknowledgement));
            }
            self.write_done(done).await;
            while failures.try_join_next().is_some() {}
        }
        failures.join_all().await;
    }

    async fn write_done(&self, done: Vec<Acknowledgement>) {
        let unmarked = done.iter().filter(|a| matches!(a.outcome, Ok(Finished::Unmarked)));
        let fences: Fences = unmarked.map(|a| (a.job.id, a.job.claim)).collect();
        if fences.is_empty() {
            return;
        }
        while let Err(error) = self.finish(&fences).await {
            pause(&error).await;
        }
    }

    async fn finish(&self, fences: &Fences) -> Result<u64, sqlx::Error> {
        let mut connection = self.db.pool().acquire().await?;
        let finishing = outcomes::finish_all(&mut connection, &self.worker, fences);
        let finished = time::timeout(ANSWERED_WITHIN, finishing).await;
        answer(connection, finished)
    }

    async fn write_failed(self: Arc<Self>, acknowledgement: Acknowledgement) {
        let Acknowledgement { job, outcome: Err(failure), slot: _slot } = acknowledgement else { return };
        let (text, error) = (error_text(&failure), failure.in_short());
        let (job_id, kind, attempt) = (job.id, job.kind.as_str(), job.attempt);
        match failure {
            Failure::LeaseLost => {
                tracing::warn!(%job_id, kind, "the attempt lost its job, and kept nothing of it");
                // Unless it did not, and nobody else took it over.
                while let Err(error) = self.postpone(&job, Duration::ZERO).await {
                    pause(&error).await;
                }
            }
            Failure::NotYet(delay) => {
                while let Err(error) = self.postpone(&job, delay.min(LONGEST_WAIT)).await {
                    pause(&error).await;
                }
            }
            Failure::Retry(_) if attempt < job.max_attempts => {
                let delay = delay_after(attempt);
                tracing::warn!(%job_id, kind, attempt, error, "the job failed and will be tried again");
                while let Err(error) = self.retry(&job, delay, &text).await {
                    pause(&error).await;
                }
            }
            Failure::Retry(_) | Failure::GiveUp(_) => {
                tracing::error!(%job_id, kind, attempt, error, "the job is dead");
                while let Err(error) = self.bury(&job, &text).await {
                    pause(&error).await;
                }
            }
        }
    }

    fn fence(&self, job: &ClaimedJob) -> Fence<'_> {
        Fence { worker: &self.worker, job: job.id, claim: job.claim }
    }

    async fn retry(&self, job: &ClaimedJob, delay: Duration, error: &str) -> Result<(), sqlx::Error> {
        let _turn = self.turns.acquire().await;
        let mut connection = self.db.pool().acquire().await?;
        let writing = outcomes::retry(&mut connection, self.fence(job), delay, error);
        let written = time::timeout(ANSWERED_WITHIN, writing).await;
        answer(connection, written)
    }

    async fn postpone(&self, job: &ClaimedJob, delay: Duration) -> Result<(), sqlx::Error> {
        let _turn = self.turns.acquire().await;
        let mut connection = self.db.pool().acquire().await?;
        let writing = outcomes::postpone(&mut connection, self.fence(job), delay);
        let written = time::timeout(ANSWERED_WITHIN, writing).await;
        answer(connection, written)
    }

    async fn bury(&self, job: &ClaimedJob, error: &str) -> Result<(), sqlx::Error> {
        let _turn = self.turns.acquire().await;
        let mut connection = self.db.pool().acquire().await?;
        let burying = async {
            let mut tx = connection.begin().await?;
            death::bury(&mut tx, self.kinds.as_ref(), &self.worker, job, error).await?;
            tx.commit().await
        };
        let buried = time::timeout(BURIED_WITHIN, burying).await;
        answer(connection, buried)?;
        // What its death did may have left jobs.
        self.db.wake();
        Ok(())
    }
}

/// An error as it is kept: bounded, and without NUL, which PostgreSQL refuses in text.
fn error_text(failure: &Failure) -> String {
    let kept = |c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c };
    failure.to_string().chars().map(kept).take(ERROR_CHARS).collect()
}

async fn pause(error: &sqlx::Error) {
    tracing::warn!(%error, "an outcome could not be written; trying again");
    time::sleep(OUTAGE_PAUSE).await;
}
