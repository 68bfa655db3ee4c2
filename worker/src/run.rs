//! The run loop: one apalis worker for each queue, over our persistence.
//!
//! apalis polls our [`Backend`] and drives the handler; an attempt's deadline and panics are caught inside the
//! handler, where its outcome is acknowledged whatever it was.

use std::{collections::BTreeMap, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use apalis::prelude::{Data, Monitor, WorkerBuilder};
use common::{
    db::Db,
    queue::{
        Alarm, Failure, Kinds, Outcome, QueueName,
        acknowledge::{Acknowledgement, Acknowledger},
        backend::{Backend, Claim},
        lease::{Lease, LeaseSettings, unique_name},
    },
    request,
};
use futures_util::FutureExt;
use tokio::{sync::watch, time};
use tracing::Instrument;

use crate::{deps::Deps, registry::Registry};

/// How a worker process runs.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// Which queues, and how many jobs of each at once.
    pub queues: BTreeMap<String, usize>,
    /// How long jobs may go on running when the process is told to stop.
    pub grace: Duration,
    /// How long the process may be silent before others take over.
    pub lease: LeaseSettings,
}

impl RunSettings {
    /// Reads `mail=16,imports=1`: a queue, and how many of its jobs may run at once.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_queues(text: &str) -> Result<BTreeMap<String, usize>, String> {
        let mut queues = BTreeMap::new();
        for part in text.split(',').map(str::trim) {
            let (name, slots) = part.split_once('=').unwrap_or((part, "1"));
            let known = QueueName::parse(name).ok_or_else(|| {
                let names: Vec<_> = QueueName::ALL.iter().map(|queue| queue.as_str()).collect();
                format!("there is no queue {name:?}; expected some of {}", names.join(", "))
            })?;
            let slots = slots.parse().ok().filter(|slots| (1..=1_000).contains(slots));
            let slots = slots.ok_or_else(|| format!("{name}: expected 1 to 1000 slots"))?;
            if queues.insert(known.as_str().to_owned(), slots).is_some() {
                return Err(format!("the queue {name} is there twice"));
            }
        }
        Ok(queues)
    }
}

/// What every handler of a process shares.
#[derive(Clone)]
struct Shared {
    registry: Arc<Registry>,
    deps: Arc<Deps>,
    acknowledger: Acknowledger,
    aborted: watch::Receiver<bool>,
}

/// Takes jobs until `stop` is done. Jobs that run then may finish within the grace; what does not is handed
/// back without charge.
///
/// # Errors
/// When the database is away at the start; later outages are waited for.
pub async fn run(
    db: Db,
    registry: Arc<Registry>,
    deps: Arc<Deps>,
    settings: RunSettings,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let worker = unique_name();
    let queues: Vec<QueueName> = settings.queues.keys().filter_map(|name| QueueName::parse(name)).collect();
    let kinds: Arc<dyn Kinds> = registry.clone();
    let lease = Lease::take(db.clone(), Arc::clone(&worker), &queues, settings.lease, Arc::clone(&kinds))
        .await
        .context("the database is away")?;
    let (acknowledger, writing) = Acknowledger::start(db.clone(), Arc::clone(&worker), kinds);
    let (abort, aborted) = watch::channel(false);
    let shared = Shared { registry, deps, acknowledger, aborted };
    let alarm = Alarm::start(db.pool().clone());
    let mut monitor = Monitor::new();
    for queue in queues {
        let slots = settings.queues.get(queue.as_str()).copied().unwrap_or(1);
        let (pool, worker, alarm, shared) =
            (db.pool().clone(), Arc::clone(&worker), alarm.clone(), shared.clone());
        monitor = monitor.register(move |_| {
            let backend = Backend::start(pool.clone(), queue, Arc::clone(&worker), slots, alarm.clone());
            let name = format!("{worker}/{}", queue.as_str());
            WorkerBuilder::new(name.as_str()).backend(backend).data(shared.clone()).build(attempt)
        });
    }
    tracing::info!(worker = &*worker, queues = ?settings.queues, "taking jobs");
    let grace = settings.grace;
    let stopping = async move {
        stop.await;
        tracing::info!(grace_s = grace.as_secs(), "stopping; jobs that run may finish");
        tokio::spawn(async move {
            time::sleep(grace).await;
            abort.send_replace(true);
            // Kept until the last handler has seen it.
            abort.closed().await;
        });
        Ok::<_, std::io::Error>(())
    };
    monitor.run_with_signal(stopping).await.map_err(|error| anyhow!("the workers stopped: {error}"))?;
    drop(shared);
    writing.await.context("writing outcomes broke off")?;
    match lease.end().await {
        Ok(handed_back) => tracing::info!(handed_back, "stopped"),
        Err(error) => {
            tracing::warn!(%error, "stopped; the database is away, so the lease runs out by itself")
        }
    }
    Ok(())
}

/// One attempt at one job, however it ends.
async fn attempt(claim: Claim, shared: Data<Shared>) {
    let Claim { job, run, slot } = claim;
    let request_id = job.request_id.clone().unwrap_or_else(|| job.id.to_string());
    let span =
        tracing::info_span!("job", request_id, job_id = %job.id, kind = job.kind, attempt = job.attempt);
    let performing = shared.registry.perform(&job.kind, &job.payload, &run, &shared.deps);
    let bounded = bounded(performing, shared.registry.timeout(&job.kind), shared.aborted.clone());
    let outcome = request::scope(request_id, bounded).instrument(span.clone()).await;
    let Some(outcome) = outcome else {
        span.in_scope(|| tracing::info!("handed back, since the process stops"));
        return;
    };
    if outcome.is_ok() {
        span.in_scope(|| tracing::info!("the job is done"));
    }
    let result = if outcome.is_ok() { "done" } else { "failed" };
    metrics::counter!("jobs_finished_total", "kind" => job.kind.clone(), "result" => result).increment(1);
    shared.acknowledger.acknowledge(Acknowledgement { job, outcome, slot }).await;
}

/// Runs an attempt within its deadline, and catches its panic. `None` when the process ends first.
async fn bounded(
    performing: impl Future<Output = Outcome>,
    timeout: Duration,
    mut aborted: watch::Receiver<bool>,
) -> Option<Outcome> {
    let caught = AssertUnwindSafe(time::timeout(timeout, performing)).catch_unwind();
    let ended = async {
        // Closed without a word: nobody will abort any more.
        if aborted.wait_for(|aborted| *aborted).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        outcome = caught => Some(match outcome {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failure::Retry(anyhow!("the attempt took longer than {} s", timeout.as_secs()))),
            Err(panic) => Err(Failure::Retry(anyhow!("the attempt panicked: {}", message(&*panic)))),
        }),
        () = ended => None,
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}
