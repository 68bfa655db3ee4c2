//! What apalis polls: a source of jobs that never holds more than it has free slots for.
//!
//! Claiming happens in a task of its own, which outlives outages of the database; apalis only ever sees
//! jobs that are ready to start. The slot that a job fills travels with it and is free again once its
//! outcome is written, so neither claims nor acknowledgements can pile up.
//!
//! The answer to a claim can be lost, and then jobs run on this worker of which it does not know. So it compares from time
//! to time what the database says with what it has in hand, and hands the rest back.

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
    sync::{OwnedSemaphorePermit, mpsc, watch},
    task::JoinHandle,
    time::{self, Instant},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub use super::slots::Slot;
use super::{
    Alarm, ClaimedJob, QueueName, Run,
    deadline::{ANSWERED_WITHIN, answer},
    place::{Claimed, Drained, Place, Position},
    slots::Slots,
    store::{
        self, Demand,
        outcomes::{self, Fences},
    },
};

/// How long to wait before asking a database again that did not answer.
const OUTAGE_PAUSE: Duration = Duration::from_millis(500);

/// How often what runs is compared with what is in hand.
const COMPARED_EVERY: Duration = Duration::from_secs(10);

/// How often jobs are spoken of that nobody knows here.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// How long closing waits for a database that does not answer.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// A claimed job on its way through a worker.
#[derive(Debug)]
pub struct Claim {
    /// The job.
    pub job: Arc<ClaimedJob>,
    /// The queue in which it waited.
    pub queue: QueueName,
    /// The attempt.
    pub run: Run,
    /// How many leases the process had lost when this was claimed.
    pub losses: u64,
    /// Its slot, free again when this is dropped.
    pub slot: Slot,
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
    /// The kinds of jobs that the process knows; it leaves the others to those that do.
    pub kinds: Arc<[String]>,
    /// How many jobs at once.
    pub slots: usize,
    /// What to sleep by while there are none.
    pub alarm: Alarm,
    /// How many leases the process has lost.
    pub losses: watch::Receiver<u64>,
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
        let now = Instant::now();
        let claimer = Claimer {
            slots: Slots::new(source.queue, source.slots),
            source: Source { stop: stop.clone(), ..source },
            place: Place::front(now.into_std()),
            sender,
            compared: now,
            told: None,
        };
        let claiming = Some(tokio::spawn(claimer.run()));
        Self { claims, claiming, closing: None, pool, worker, _stop_on_drop: stop.clone().drop_guard(), stop }
    }
}

struct Claimer {
    source: Source,
    slots: Slots,
    place: Place,
    sender: mpsc::Sender<Claim>,
    /// When what runs was last compared with what is in hand.
    compared: Instant,
    /// When jobs of unknown kinds were last spoken of.
    told: Option<Instant>,
}

impl Claimer {
    async fn run(mut self) {
        // A claim that has begun is finished, so that nothing is claimed which nobody knows of.
        while let Some(free) = self.free_slots().await {
            match self.take(free).await {
                Ok(Drained::No) => {}
                Ok(Drained::Yes) => {
                    self.source.stop.clone().run_until_cancelled(self.source.alarm.wait()).await;
                }
                Err(error) => {
                    let queue = self.source.queue.as_str();
                    tracing::warn!(%error, queue, "no jobs could be claimed; trying again");
                    self.source.stop.run_until_cancelled(time::sleep(OUTAGE_PAUSE)).await;
                }
            }
        }
    }

    /// All slots that are free, once there is one; `None` when there is nothing to claim for any more.
    async fn free_slots(&mut self) -> Option<OwnedSemaphorePermit> {
        loop {
            let due = time::sleep_until(self.compared + COMPARED_EVERY);
            tokio::select! {
                biased;
                () = self.source.stop.cancelled() => return None,
                () = due => self.compare().await,
                free = self.slots.free() => return free,
            }
        }
    }

    /// Claims as many jobs as there are free slots, and passes them on.
    async fn take(&mut self, mut free: OwnedSemaphorePermit) -> Result<Drained, sqlx::Error> {
        let wanted = free.num_permits();
        let losses = *self.source.losses.borrow();
        let (began, begin) = (Instant::now(), self.place.begin(Instant::now().into_std()));
        let jobs = self.claim(wanted, begin).await?;
        let newest = jobs.iter().map(|job| Position { due_at: job.due_at, id: job.id }).max();
        let claimed = Claimed { newest, full: jobs.len() == wanted, took: began.elapsed() };
        let drained = self.place.move_on(begin, claimed, Instant::now().into_std());
        self.pass_on(jobs, losses, &mut free).await;
        if drained == Drained::Yes {
            self.tell_of_unknown_kinds().await?;
        }
        Ok(drained)
    }

    async fn claim(&self, wanted: usize, begin: Option<Position>) -> Result<Vec<ClaimedJob>, sqlx::Error> {
        let Source { pool, queue, worker, kinds, .. } = &self.source;
        let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
        let demand = Demand { queue: *queue, worker, kinds, limit, begin };
        let mut connection = pool.acquire().await?;
        let claimed = time::timeout(ANSWERED_WITHIN, store::claim(&mut connection, &demand)).await;
        answer(connection, claimed)
    }

    /// Hands jobs to apalis, each with its slot, and those that it does not take any more back.
    async fn pass_on(&self, jobs: Vec<ClaimedJob>, losses: u64, free: &mut OwnedSemaphorePermit) {
        let mut unstarted = Vec::new();
        for job in jobs {
            let claimed = (job.id, job.claim);
            // There is room for one job a slot.
            let passed = !self.source.stop.is_cancelled()
                && self
                    .slots
                    .fill(free, &job)
                    .is_some_and(|slot| self.sender.try_send(self.start(job, losses, slot)).is_ok());
            if !passed {
                unstarted.push(claimed);
            }
        }
        hand_back(&self.source.pool, &self.source.worker, &unstarted.into_iter().collect()).await;
    }

    fn start(&self, job: ClaimedJob, losses: u64, slot: Slot) -> Claim {
        let run = Run {
            job_id: job.id,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            worker: Arc::clone(&self.source.worker),
            claim: job.claim,
        };
        Claim { job: Arc::new(job), queue: self.source.queue, run, losses, slot }
    }

    /// Hands back what runs here as the database has it, but is not in hand. No claim is under way meanwhile.
    async fn compare(&mut self) {
        self.compared = Instant::now();
        let Source { pool, queue, worker, .. } = &self.source;
        let running = async {
            let mut connection = pool.acquire().await?;
            let running =
                time::timeout(ANSWERED_WITHIN, outcomes::running(&mut connection, *queue, worker)).await;
            answer(connection, running)
        };
        match running.await {
            Ok(running) => {
                let lost: Fences = running.into_iter().filter(|claimed| !self.slots.holds(claimed)).collect();
                if !lost.is_empty() {
                    tracing::warn!(?lost, "jobs were claimed without our knowing it; they are handed back");
                }
                hand_back(pool, worker, &lost).await;
            }
            Err(error) => tracing::debug!(%error, "what runs could not be looked at"),
        }
    }

    /// Says from time to time that jobs wait here for a worker of another release.
    async fn tell_of_unknown_kinds(&mut self) -> Result<(), sqlx::Error> {
        if self.told.is_some_and(|told| told.elapsed() < TOLD_EVERY) {
            return Ok(());
        }
        self.told = Some(Instant::now());
        let Source { pool, queue, kinds, .. } = &self.source;
        let mut connection = pool.acquire().await?;
        let unknown =
            time::timeout(ANSWERED_WITHIN, store::unknown_kind(&mut connection, *queue, kinds)).await;
        if let Some(kind) = answer(connection, unknown)? {
            let queue = queue.as_str();
            tracing::warn!(
                kind,
                queue,
                "jobs of a kind that this worker does not know wait for one that does"
            );
        }
        Ok(())
    }
}

async fn hand_back(pool: &PgPool, worker: &str, unstarted: &Fences) {
    if unstarted.is_empty() {
        return;
    }
    let handing_back = async {
        let mut connection = pool.acquire().await?;
        let handed_back =
            time::timeout(ANSWERED_WITHIN, outcomes::hand_back(&mut connection, worker, unstarted)).await;
        answer(connection, handed_back)
    };
    // They are handed back once more when what runs is compared with what is in hand, or the lease ends.
    if let Err(error) = handing_back.await {
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
                unstarted.push((claim.job.id, claim.job.claim));
            }
            let unstarted: Fences = unstarted.into_iter().collect();
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
