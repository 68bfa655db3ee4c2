//! The run loop: one apalis worker for each queue, over our persistence.
//!
//! apalis polls our [`Backend`] and drives the handler; an attempt's deadline and panics are caught inside the
//! handler, where its outcome is acknowledged whatever it was.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use apalis::prelude::{Data, Monitor, WorkerBuilder};
use common::{
    db::Db,
    queue::{
        Alarm, Failure, Kinds, Outcome, QueueName,
        acknowledge::{Acknowledgement, Acknowledger},
        backend::{Backend, Claim, Source},
        lease::{Lease, LeaseSettings, unique_name},
    },
    request,
};
use tokio::{sync::watch, task::JoinSet, time};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{deps::Deps, registry::Registry};

/// How long a stop waits for a database that does not answer.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long the end of an attempt that took too long is waited for.
const DROPPED_WITHIN: Duration = Duration::from_secs(1);

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
/// When the database is away or not migrated at the start; later outages are waited for. And when the machinery itself broke: the
/// process should be started anew.
pub async fn run(
    db: Db,
    registry: Arc<Registry>,
    deps: Arc<Deps>,
    settings: RunSettings,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    db.check_ready().await.context("the workers cannot start")?;
    let worker = unique_name();
    let queues: Vec<QueueName> = settings.queues.keys().filter_map(|name| QueueName::parse(name)).collect();
    let kinds: Arc<dyn Kinds> = registry.clone();
    let lease = Lease::take(db.clone(), Arc::clone(&worker), &queues, settings.lease, Arc::clone(&kinds))
        .await
        .context("the lease could not be taken")?;
    let (acknowledger, mut writing) = Acknowledger::start(db.clone(), Arc::clone(&worker), kinds);
    let (abort, aborted) = watch::channel(false);
    let shared = Shared { registry, deps, acknowledger, aborted };
    let (alarm, stop_claiming, broken) =
        (Alarm::start(db.pool()), CancellationToken::new(), CancellationToken::new());
    let mut monitor = Monitor::new();
    for &queue in &queues {
        let slots = settings.queues.get(queue.as_str()).copied().unwrap_or(1);
        let (pool, worker, alarm, stop) =
            (db.pool().clone(), Arc::clone(&worker), alarm.clone(), stop_claiming.clone());
        let (name, shared) = (format!("{worker}/{}", queue.as_str()), shared.clone());
        let source = Source { pool, queue, worker, slots, alarm, stop };
        monitor = monitor.register(move |_| {
            let backend = Backend::start(source.clone());
            WorkerBuilder::new(name.as_str()).backend(backend).data(shared.clone()).build(attempt)
        });
    }
    // A queue that nobody takes from any more would go unnoticed.
    let breaks = broken.clone();
    monitor = monitor.should_restart(move |queue, error| {
        tracing::error!(queue = queue.name(), %error, "taking jobs broke off; the process stops");
        breaks.cancel();
        false
    });
    let others: Vec<_> = QueueName::ALL.into_iter().filter(|queue| !queues.contains(queue)).collect();
    let others: Vec<_> = others.iter().map(|queue| queue.as_str()).collect();
    tracing::info!(worker = &*worker, queues = ?settings.queues, left_to_others = ?others, "taking jobs");
    let grace = settings.grace;
    let stopping = async move {
        tokio::select! {
            () = stop => {}
            () = broken.cancelled() => {}
        }
        tracing::info!(grace_s = grace.as_secs(), "stopping; jobs that run may finish");
        stop_claiming.cancel();
        tokio::spawn(async move {
            time::sleep(grace).await;
            abort.send_replace(true);
            // Kept until the last handler has seen it.
            abort.closed().await;
        });
        Ok::<_, std::io::Error>(())
    };
    let ended = monitor.run_with_signal(stopping).await;
    drop(shared);
    if time::timeout(LAST_WORDS, &mut writing).await.is_err() {
        tracing::warn!("the database is away, so some outcomes stay unwritten and their jobs run again");
        writing.abort();
    }
    match time::timeout(LAST_WORDS, lease.end()).await {
        Ok(Ok(handed_back)) => tracing::info!(handed_back, "stopped"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "stopped; the database is away, so the lease runs out by itself");
        }
        Err(_) => tracing::warn!("stopped; the database does not answer, so the lease runs out by itself"),
    }
    ended.map_err(|error| anyhow!("the workers stopped: {error}"))
}

/// One attempt at one job, however it ends.
async fn attempt(claim: Claim, shared: Data<Shared>) {
    let Claim { job, run, slot } = claim;
    let request_id = job.request_id.clone().unwrap_or_else(|| job.id.to_string());
    let span =
        tracing::info_span!("job", request_id, job_id = %job.id, kind = job.kind, attempt = job.attempt);
    let timeout = shared.registry.timeout(&job.kind);
    let performing = {
        let (registry, deps, job) =
            (Arc::clone(&shared.registry), Arc::clone(&shared.deps), Arc::clone(&job));
        async move { registry.perform(&job.kind, &job.payload, &run, &deps).await }
    };
    let performing = request::scope(request_id, performing).instrument(span.clone());
    let Some(outcome) = bounded(performing, timeout, shared.aborted.clone()).await else {
        span.in_scope(|| tracing::info!("handed back, since the process stops"));
        return;
    };
    if outcome.is_ok() {
        span.in_scope(|| tracing::info!("the job is done"));
    }
    let result = match outcome {
        Ok(_) => "done",
        Err(Failure::NotYet(_)) => "postponed",
        Err(_) => "failed",
    };
    metrics::counter!("jobs_finished_total", "kind" => job.kind.clone(), "result" => result).increment(1);
    shared.acknowledger.acknowledge(Acknowledgement { job, outcome, slot });
}

/// Runs an attempt within its deadline, and catches its panic. `None` when the process ends first.
///
/// It is a task of its own: apalis polls all jobs of a process in one, where a job that computes would hold up the
/// others, and one that panics while it is dropped would end them.
async fn bounded(
    performing: impl Future<Output = Outcome> + Send + 'static,
    timeout: Duration,
    mut aborted: watch::Receiver<bool>,
) -> Option<Outcome> {
    let mut task = JoinSet::new();
    task.spawn(performing);
    let ended = async {
        // Closed without a word: nobody will abort any more.
        if aborted.wait_for(|aborted| *aborted).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let joined = tokio::select! {
        joined = time::timeout(timeout, task.join_next()) => joined,
        () = ended => {
            drop_before_others_run(task).await;
            return None;
        }
    };
    match joined {
        Ok(Some(Ok(outcome))) => Some(outcome),
        Ok(Some(Err(error))) => {
            let panic = error.try_into_panic().ok()?;
            Some(Err(Failure::Retry(anyhow!("the attempt panicked: {}", message(&*panic)))))
        }
        Ok(None) => None,
        Err(_) => {
            drop_before_others_run(task).await;
            Some(Err(Failure::Retry(anyhow!("the attempt took longer than {} s", timeout.as_secs_f32()))))
        }
    }
}

/// Ends an attempt, and waits for its end if it comes soon: it should not overlap with the next one. One that computes
/// without a pause ends later; what it does then is fenced off.
async fn drop_before_others_run(mut attempt: JoinSet<Outcome>) {
    _ = time::timeout(DROPPED_WITHIN, attempt.shutdown()).await;
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}
