//! Leases: how a process shows that it lives, and how others take over when it does not.
//!
//! Renewing and rescuing are tasks of their own, so that neither a long job nor a full buffer delays them.
//! The clock is the database's: those of the machines may differ.

use std::{process, sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time};
use uuid::Uuid;

use super::{ClaimedJob, Kinds, QueueName, store};
use crate::db::Db;

/// How often every worker looks for leases that ended.
const RESCUE_EVERY: Duration = Duration::from_secs(1);

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
    tasks: [JoinHandle<()>; 2],
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
        let queues: Vec<String> = queues.iter().map(|queue| queue.as_str().to_owned()).collect();
        store::renew_lease(db.pool(), &worker, &queues, settings.lease).await?;
        let keeping = tokio::spawn(keep(db.clone(), Arc::clone(&worker), queues, settings));
        let watching = tokio::spawn(watch(db.clone(), kinds));
        Ok(Self { db, worker, tasks: [keeping, watching] })
    }

    /// Hands back what this worker still holds, without charging an attempt, and gives up the lease.
    ///
    /// # Errors
    /// When the database is away; then the lease runs out by itself.
    pub async fn end(self) -> Result<u64, sqlx::Error> {
        self.tasks.iter().for_each(JoinHandle::abort);
        let handed_back = store::hand_back(self.db.pool(), &self.worker, None).await?;
        store::end_lease(&mut *self.db.pool().acquire().await?, &self.worker).await?;
        Ok(handed_back)
    }
}

async fn keep(db: Db, worker: Arc<str>, queues: Vec<String>, settings: LeaseSettings) {
    let mut ticks = time::interval(settings.heartbeat);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = store::renew_lease(db.pool(), &worker, &queues, settings.lease).await {
            tracing::warn!(%error, "the lease could not be renewed; trying again");
        }
    }
}

async fn watch(db: Db, kinds: Arc<dyn Kinds>) {
    loop {
        time::sleep(RESCUE_EVERY).await;
        let expired = match store::expired_workers(db.pool()).await {
            Ok(expired) => expired,
            Err(error) => {
                tracing::debug!(%error, "leases could not be looked at; trying again");
                continue;
            }
        };
        for worker in expired {
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

/// Puts back what an expired worker ran; what has no attempt left dies, in the same transaction.
async fn rescue(db: &Db, worker: &str, kinds: &dyn Kinds) -> Result<u64, sqlx::Error> {
    let mut tx = db.begin().await?;
    let (put_back, exhausted) = store::rescue(&mut tx, worker, WORKER_DIED).await?;
    for ClaimedJob { id, kind, payload, .. } in &exhausted {
        store::bury(&mut tx, worker, *id, WORKER_DIED).await?;
        kinds.on_dead(kind, payload, &mut tx, WORKER_DIED).await?;
    }
    // Should it come back, its next heartbeat registers it anew; until then it claims nothing.
    store::end_lease(&mut tx, worker).await?;
    let rescued = put_back + exhausted.len() as u64;
    tx.commit().await?;
    Ok(rescued)
}
