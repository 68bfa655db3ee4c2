//! Leases: how a process shows that it lives, and how others take over when it does not.
//!
//! Renewing and rescuing are tasks of their own, so that neither a long job nor a full buffer delays them.
//! The clock is the database's: those of the machines may differ.

use std::{
    process,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::{sync::watch, task::JoinHandle, time};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{
    Kinds, QueueName,
    deadline::no_answer,
    death,
    store::{
        outcomes,
        workers::{self, Tenure},
    },
};
use crate::db::Db;

/// How often every worker looks for leases that ended: what a dead worker ran is taken over within a second of its
/// lease's end, also by one who lives alone.
const RESCUE_EVERY: Duration = Duration::from_millis(500);

/// The least time that a renewal has, however short the heartbeat is.
const RENEWED_WITHIN: Duration = Duration::from_secs(1);

/// How soon a renewal that failed is tried again.
const OUTAGE_PAUSE: Duration = Duration::from_millis(500);

/// What is noted on a job whose worker died.
const WORKER_DIED: &str = "the worker that ran it died or lost its lease";

/// How long a worker may be silent, and how often it speaks.
#[derive(Clone, Copy, Debug)]
pub struct LeaseSettings {
    /// After this, others take its jobs over.
    pub lease: Duration,
    /// It renews its lease this often.
    pub heartbeat: Duration,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self { lease: Duration::from_secs(30), heartbeat: Duration::from_secs(5) }
    }
}

/// A name that no other start of a worker has: host, process, and a unique id.
#[must_use]
pub fn unique_name() -> Arc<str> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let host = if host.is_empty() { "worker" } else { host };
    format!("{host}/{}/{}", process::id(), Uuid::now_v7().simple()).into()
}

/// This process's lease. Ended with [`end`](Lease::end), or by its silence.
#[derive(Debug)]
pub struct Lease {
    db: Db,
    worker: Arc<str>,
    stop: DropGuard,
    keeping: JoinHandle<()>,
    losses: watch::Receiver<u64>,
    pulse: watch::Receiver<Pulse>,
    lasts: Duration,
}

impl Lease {
    /// Takes the lease, and starts to keep it and to watch those of others.
    ///
    /// # Errors
    /// When the database is away: a worker without a lease must not claim.
    pub async fn take(
        db: Db,
        worker: Arc<str>,
        queues: &[QueueName],
        settings: LeaseSettings,
        kinds: Arc<dyn Kinds>,
    ) -> Result<Self, sqlx::Error> {
        let stop = CancellationToken::new();
        let queues = queues.iter().map(|queue| queue.as_str().to_owned()).collect();
        let (pulse, felt) = watch::channel(Pulse::first());
        let (losses, lost) = watch::channel(0);
        let mut keeper = Keeper {
            options: db.pool().connect_options().as_ref().clone(),
            connection: None,
            worker: Arc::clone(&worker),
            queues,
            settings,
            pulse,
            tenure: None,
            losses,
            stop: stop.clone(),
        };
        keeper.renew().await?;
        let keeping = tokio::spawn(keeper.run());
        let watching = watch(db.clone(), kinds, felt.clone(), settings);
        tokio::spawn(stop.clone().run_until_cancelled_owned(watching));
        let lasts = settings.lease;
        Ok(Self { db, worker, stop: stop.drop_guard(), keeping, losses: lost, pulse: felt, lasts })
    }

    /// How many leases this process has lost so far: others took its jobs over before it could renew one. Whatever was
    /// claimed before is no longer its own.
    #[must_use]
    pub fn losses(&self) -> watch::Receiver<u64> {
        self.losses.clone()
    }

    /// Tells, whenever it is asked, whether the lease is kept: it was renewed within its time.
    pub fn is_kept(&self) -> impl Fn() -> bool + Send + use<> {
        let (pulse, lasts) = (self.pulse.clone(), self.lasts);
        move || pulse.borrow().last.elapsed() < lasts
    }

    /// Hands back what this worker still holds, without charging an attempt, and gives up the lease.
    ///
    /// # Errors
    /// When the database is away; then the lease runs out by itself.
    pub async fn end(self) -> Result<u64, sqlx::Error> {
        drop(self.stop);
        // A renewal under way would bring the lease back.
        _ = self.keeping.await;
        let mut tx = self.db.begin().await?;
        // The lease first: a claim under way is waited for, and what it claimed is handed back with the rest.
        workers::end_lease(&mut tx, &self.worker).await?;
        let handed_back = outcomes::hand_back_all(&mut tx, &self.worker).await?;
        tx.commit().await?;
        Ok(handed_back)
    }
}

/// How well a process keeps its lease.
///
/// After an outage of the database every lease has ended, while all the workers live. Whoever has just been cut off
/// itself therefore takes nothing over until the others have had the time to renew theirs.
#[derive(Clone, Copy, Debug)]
struct Pulse {
    /// When the lease was renewed last.
    last: Instant,
    /// Since when that went without a gap.
    steady_since: Instant,
}

impl Pulse {
    fn first() -> Self {
        let now = Instant::now();
        Self { last: now, steady_since: now }
    }

    fn beat(&mut self, heartbeat: Duration) {
        let now = Instant::now();
        if now - self.last > heartbeat * 2 {
            self.steady_since = now;
        }
        self.last = now;
    }

    fn is_steady(&self, heartbeat: Duration) -> bool {
        self.last.elapsed() <= heartbeat * 2 && self.steady_since.elapsed() >= heartbeat * 2
    }
}

/// Keeps the lease, over a connection of its own: what keeps the process alive must not wait for what jobs do.
struct Keeper {
    options: PgConnectOptions,
    /// None until the next renewal where the last one failed: it may be dead without having said so.
    connection: Option<PgConnection>,
    worker: Arc<str>,
    queues: Vec<String>,
    settings: LeaseSettings,
    pulse: watch::Sender<Pulse>,
    tenure: Option<Tenure>,
    losses: watch::Sender<u64>,
    stop: CancellationToken,
}

impl Keeper {
    async fn run(mut self) {
        let heartbeat = self.settings.heartbeat;
        let mut ticks = time::interval(heartbeat);
        ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let stop = self.stop.clone();
        // A renewal that has begun is finished.
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            match self.renew().await {
                Ok(()) => self.pulse.send_modify(|pulse| pulse.beat(heartbeat)),
                Err(error) => {
                    tracing::warn!(%error, "the lease could not be renewed; trying again");
                    ticks.reset_after(heartbeat.min(OUTAGE_PAUSE));
                }
            }
        }
    }

    /// Renews the lease within a heartbeat, so that a lease outlives a connection that has died in silence.
    async fn renew(&mut self) -> Result<(), sqlx::Error> {
        let kept = self.connection.take();
        let renewing = async {
            let mut connection = match kept {
                Some(connection) => connection,
                None => PgConnection::connect_with(&self.options).await?,
            };
            let lease = self.settings.lease;
            let tenure = workers::renew_lease(&mut connection, &self.worker, &self.queues, lease).await?;
            Ok((connection, tenure))
        };
        let within = self.settings.heartbeat.max(RENEWED_WITHIN);
        let (connection, tenure) =
            time::timeout(within, renewing).await.unwrap_or_else(|_| Err(no_answer()))?;
        self.connection = Some(connection);
        if self.tenure.replace(tenure).is_some_and(|before| before != tenure) {
            tracing::error!("the lease was lost: others have taken this worker's jobs over");
            self.losses.send_modify(|losses| *losses += 1);
        }
        Ok(())
    }
}

async fn watch(db: Db, kinds: Arc<dyn Kinds>, pulse: watch::Receiver<Pulse>, settings: LeaseSettings) {
    loop {
        time::sleep(RESCUE_EVERY).await;
        let expired = match expired_workers(db.pool()).await {
            Ok(expired) => expired,
            Err(error) => {
                tracing::debug!(%error, "leases could not be looked at; trying again");
                continue;
            }
        };
        for worker in expired {
            if !pulse.borrow().is_steady(settings.heartbeat) {
                break;
            }
            match rescue(&db, &worker, kinds.as_ref()).await {
                Ok(0) => {}
                Ok(jobs) => tracing::warn!(worker, jobs, "took over the jobs of a worker that died"),
                Err(error) => {
                    tracing::warn!(%error, worker, "its jobs could not be taken over; trying again")
                }
            }
        }
    }
}

async fn expired_workers(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    workers::register_unknown_workers(pool).await?;
    workers::expired_workers(pool).await
}

/// Puts back what an expired worker ran; what has no attempt left dies, each in a transaction of its own so that one
/// that cannot die now keeps no other from being taken over.
async fn rescue(db: &Db, worker: &str, kinds: &dyn Kinds) -> Result<u64, sqlx::Error> {
    let mut rescued = 0;
    loop {
        let mut tx = db.begin().await?;
        if !workers::lock_expired(&mut tx, worker).await? {
            return Ok(rescued);
        }
        workers::note_rescue(&mut tx, worker).await?;
        let put_back = workers::put_back(&mut tx, worker, WORKER_DIED).await?;
        rescued += put_back;
        if put_back == 0 {
            let Some(job) = workers::next_exhausted(&mut tx, worker).await? else {
                // Should it come back, its next heartbeat registers it anew; until then it claims nothing.
                workers::end_lease(&mut tx, worker).await?;
                tx.commit().await?;
                return Ok(rescued);
            };
            death::bury(&mut tx, kinds, worker, &job, WORKER_DIED).await?;
            rescued += 1;
        }
        tx.commit().await?;
    }
}
