//! What apalis polls: a source of jobs that never holds more than it has free slots for.
//!
//! Claiming happens in a task of its own, which outlives outages of the database; apalis only ever sees
//! jobs that are ready to start. The slot that a job fills travels with it and is free again once its
//! outcome is written, so neither claims nor acknowledgements can pile up.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use apalis_core::{
    backend::{self, BackendConfig, finalize::Ephemeral},
    task::{Task, builder::TaskBuilder, task_id::TaskId},
    worker::context::WorkerContext,
};
use sqlx::PgPool;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Alarm, ClaimedJob, QueueName, Run, store};

/// How long to wait before asking a database again that did not answer.
const OUTAGE_PAUSE: Duration = Duration::from_millis(500);

/// A claimed job on its way through a worker.
#[derive(Debug)]
pub struct Claim {
    /// The job.
    pub job: ClaimedJob,
    /// The attempt.
    pub run: Run,
    /// Its slot, free again when this is dropped.
    pub slot: OwnedSemaphorePermit,
}

/// One queue as one worker process takes from it.
pub struct Backend {
    claims: mpsc::Receiver<Claim>,
    stop: CancellationToken,
    closing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    pool: PgPool,
    worker: Arc<str>,
}

impl Backend {
    /// Starts claiming jobs of `queue`, at most `slots` at a time, until it is closed.
    #[must_use]
    pub fn start(pool: PgPool, queue: QueueName, worker: Arc<str>, slots: usize, alarm: Alarm) -> Self {
        let (sender, claims) = mpsc::channel(slots);
        let stop = CancellationToken::new();
        let claimer = Claimer {
            pool: pool.clone(),
            queue,
            worker: Arc::clone(&worker),
            slots: Arc::new(Semaphore::new(slots)),
            sender,
            alarm,
        };
        tokio::spawn(stop.clone().run_until_cancelled_owned(claimer.run()));
        Self { claims, stop, closing: None, pool, worker }
    }
}

struct Claimer {
    pool: PgPool,
    queue: QueueName,
    worker: Arc<str>,
    slots: Arc<Semaphore>,
    sender: mpsc::Sender<Claim>,
    alarm: Alarm,
}

impl Claimer {
    async fn run(mut self) {
        // Ends when the semaphore is closed, which it never is, or when nobody receives any more.
        while let Ok(mut free) = Arc::clone(&self.slots).acquire_owned().await {
            let more = self.slots.available_permits();
            if let Ok(rest) = Arc::clone(&self.slots).try_acquire_many_owned(u32::try_from(more).unwrap_or(0))
            {
                free.merge(rest);
            }
            let wanted = free.num_permits();
            let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
            match store::claim(&self.pool, self.queue, &self.worker, limit).await {
                Ok(jobs) => {
                    let drained = jobs.len() < wanted;
                    for job in jobs {
                        let Some(slot) = free.split(1) else { break };
                        if self.sender.send(self.claim(job, slot)).await.is_err() {
                            return;
                        }
                    }
                    drop(free);
                    if drained {
                        self.alarm.wait().await;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, queue = self.queue.as_str(), "no jobs could be claimed; trying again");
                    drop(free);
                    time::sleep(OUTAGE_PAUSE).await;
                }
            }
        }
    }

    fn claim(&self, job: ClaimedJob, slot: OwnedSemaphorePermit) -> Claim {
        let run = Run {
            job_id: job.id,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            worker: Arc::clone(&self.worker),
        };
        Claim { job, run, slot }
    }
}

impl backend::Backend for Backend {
    type Task = Task<Claim>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<Claim>, Infallible>>> {
        self.claims.poll_recv(cx).map(|claim| {
            claim.map(|claim| {
                let id = TaskId::from_uuid(claim.job.id.0);
                Ok(TaskBuilder::new(claim).task_id(id).build())
            })
        })
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        let closing = self.closing.get_or_insert_with(|| {
            self.stop.cancel();
            self.claims.close();
            let mut unstarted = Vec::new();
            while let Ok(claim) = self.claims.try_recv() {
                unstarted.push(claim.job.id);
            }
            let (pool, worker) = (self.pool.clone(), Arc::clone(&self.worker));
            Box::pin(async move {
                // Those claimed in this very moment are handed back with the lease.
                if let Err(error) = store::hand_back(&pool, &worker, Some(&unstarted)).await {
                    tracing::warn!(%error, "unstarted jobs could not be handed back; the lease will end");
                }
            })
        });
        closing.as_mut().poll(cx).map(Ok)
    }
}

impl BackendConfig for Backend {
    type Args = Claim;
    type Id = Uuid;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = tower_layer::Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> tower_layer::Identity {
        tower_layer::Identity::new()
    }
}
