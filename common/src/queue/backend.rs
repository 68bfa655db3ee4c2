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
    task::JoinHandle,
    time,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{Alarm, ClaimedJob, QueueName, Run, store};
use crate::ids::JobId;

/// How long to wait before asking a database again that did not answer.
const OUTAGE_PAUSE: Duration = Duration::from_millis(500);

/// How long closing waits for a database that does not answer.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// A claimed job on its way through a worker.
#[derive(Debug)]
pub struct Claim {
    /// The job.
    pub job: Arc<ClaimedJob>,
    /// The attempt.
    pub run: Run,
    /// Its slot, free again when this is dropped.
    pub slot: OwnedSemaphorePermit,
}

/// What one worker process takes from one queue.
#[derive(Clone, Debug)]
pub struct Source {
    /// The database.
    pub pool: PgPool,
    /// Which queue.
    pub queue: QueueName,
    /// The process's unique name.
    pub worker: Arc<str>,
    /// How many jobs at once.
    pub slots: usize,
    /// What to sleep by while there are none.
    pub alarm: Alarm,
    /// From then on nothing is claimed.
    pub stop: CancellationToken,
}

/// One queue as one worker process takes from it.
pub struct Backend {
    claims: mpsc::Receiver<Claim>,
    claiming: Option<JoinHandle<()>>,
    closing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    pool: PgPool,
    worker: Arc<str>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Backend {
    /// Starts claiming jobs, until it is told to stop, closed or dropped.
    #[must_use]
    pub fn start(source: Source) -> Self {
        let (sender, claims) = mpsc::channel(source.slots);
        let stop = source.stop.child_token();
        let (pool, worker) = (source.pool.clone(), Arc::clone(&source.worker));
        let slots = Arc::new(Semaphore::new(source.slots));
        let claimer = Claimer { source: Source { stop: stop.clone(), ..source }, slots, sender };
        let claiming = Some(tokio::spawn(claimer.run()));
        Self { claims, claiming, closing: None, pool, worker, _stop_on_drop: stop.clone().drop_guard(), stop }
    }
}

struct Claimer {
    source: Source,
    slots: Arc<Semaphore>,
    sender: mpsc::Sender<Claim>,
}

impl Claimer {
    async fn run(mut self) {
        // A claim that has begun is finished, so that nothing is claimed which nobody knows of.
        while let Some(mut free) = self.free_slots().await {
            let wanted = free.num_permits();
            let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
            let Source { pool, queue, worker, .. } = &self.source;
            match store::claim(pool, *queue, worker, limit).await {
                Ok(jobs) => {
                    let drained = jobs.len() < wanted;
                    self.pass_on(jobs, &mut free).await;
                    drop(free);
                    if drained {
                        self.source.stop.clone().run_until_cancelled(self.source.alarm.wait()).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, queue = queue.as_str(), "no jobs could be claimed; trying again");
                    drop(free);
                    self.source.stop.run_until_cancelled(time::sleep(OUTAGE_PAUSE)).await;
                }
            }
        }
    }

    /// All slots that are free, once there is one; `None` when there is nothing to claim for any more.
    async fn free_slots(&self) -> Option<OwnedSemaphorePermit> {
        let one = Arc::clone(&self.slots).acquire_owned();
        let mut free = self.source.stop.run_until_cancelled(one).await?.ok()?;
        let more = u32::try_from(self.slots.available_permits()).unwrap_or(0);
        if let Ok(rest) = Arc::clone(&self.slots).try_acquire_many_owned(more) {
            free.merge(rest);
        }
        Some(free)
    }

    /// Hands jobs to apalis, each with its slot, and those that it does not take any more back.
    async fn pass_on(&self, jobs: Vec<ClaimedJob>, free: &mut OwnedSemaphorePermit) {
        let mut unstarted = Vec::new();
        for job in jobs {
            let id = job.id;
            // There is room for one job a slot.
            let passed = !self.source.stop.is_cancelled()
                && free.split(1).is_some_and(|slot| self.sender.try_send(self.claim(job, slot)).is_ok());
            if !passed {
                unstarted.push(id);
            }
        }
        hand_back(&self.source.pool, &self.source.worker, &unstarted).await;
    }

    fn claim(&self, job: ClaimedJob, slot: OwnedSemaphorePermit) -> Claim {
        let run = Run {
            job_id: job.id,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            worker: Arc::clone(&self.source.worker),
        };
        Claim { job: Arc::new(job), run, slot }
    }
}

async fn hand_back(pool: &PgPool, worker: &str, unstarted: &[JobId]) {
    if unstarted.is_empty() {
        return;
    }
    let handed_back = async { store::hand_back(&mut *pool.acquire().await?, worker, Some(unstarted)).await };
    // They are handed back once more when the lease ends.
    if let Err(error) = handed_back.await {
        tracing::warn!(%error, "unstarted jobs could not be handed back yet");
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
                // The attempt's, not the job's: apalis must never see the same one twice.
                let id = TaskId::from_uuid(Uuid::now_v7());
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
            let (pool, worker, claiming) =
                (self.pool.clone(), Arc::clone(&self.worker), self.claiming.take());
            Box::pin(async move {
                let all = async {
                    hand_back(&pool, &worker, &unstarted).await;
                    if let Some(claiming) = claiming {
                        _ = claiming.await;
                    }
                };
                if time::timeout(CLOSED_WITHIN, all).await.is_err() {
                    tracing::warn!(
                        "the database does not answer; what was just claimed waits for the lease's end"
                    );
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
