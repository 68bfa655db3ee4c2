//! The run loop: one apalis worker for each queue, over our persistence.
//!
//! apalis polls our [`Backend`] and drives the handler; an attempt's deadline and panics are caught inside the
//! handler, where its outcome is acknowledged whatever it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use apalis::prelude::{Data, Monitor, WorkerBuilder};
use common::{
    db::Db,
    payments,
    queue::{
        Alarm, ClaimedJob, Failure, Kinds, Outcome, QueueName,
        acknowledge::{Acknowledgement, Acknowledger},
        backend::{Backend, Claim, Source},
        lease::{Lease, LeaseSettings, unique_name},
        schedule::{self, Schedule},
    },
    request,
    supervisor::Supervisor,
    trace,
};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time,
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

pub use crate::figures::count;
use crate::{
    deps::Deps,
    figures::{self, Figures},
    imports::fetching::begin_figures,
    registry::Registry,
};

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
    /// What comes by the clock, for the queues that the process takes from.
    pub schedules: Vec<Schedule>,
    /// Who is told how the process is.
    pub supervisor: Supervisor,
}

impl RunSettings {
    /// Reads `mail=16,imports=1`: a queue, and how many of its jobs may run at once.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse_queues(text: &str) -> Result<BTreeMap<String, usize>, String> {
        let (mut queues, mut named, mut wrong) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        for part in text.split(',').map(str::trim) {
            let (name, slots) = part.split_once('=').unwrap_or((part, "1"));
            if !named.insert(name) {
                wrong.push(format!("the queue {name} is there twice"));
            }
            if QueueName::parse(name).is_none() {
                let names: Vec<_> = QueueName::ALL.iter().map(|queue| queue.as_str()).collect();
                wrong.push(format!("there is no queue {name:?}; expected some of {}", names.join(", ")));
            }
            match slots.parse() {
                Ok(slots @ 1..=1_000) => _ = queues.insert(name.to_owned(), slots),
                _ => wrong.push(format!("{name}: expected 1 to 1000 slots, found {slots:?}")),
            }
        }
        if wrong.is_empty() { Ok(queues) } else { Err(wrong.join("; ")) }
    }
}

/// What every handler of a process shares.
#[derive(Clone)]
struct Shared {
    registry: Arc<Registry>,
    deps: Arc<Deps>,
    acknowledger: Acknowledger,
    /// True once the process ends and nothing may run any more.
    aborted: watch::Receiver<bool>,
    /// How many leases the process has lost.
    losses: watch::Receiver<u64>,
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
    let (acknowledger, writing) = Acknowledger::start(db.clone(), Arc::clone(&worker), kinds);
    let (abort, aborted) = watch::channel(false);
    let shared = Shared { registry, deps, acknowledger, aborted, losses: lease.losses() };
    let (stop_claiming, broken) = (CancellationToken::new(), CancellationToken::new());
    let schedules = settings.schedules.iter().filter(|schedule| queues.contains(&schedule.queue()));
    let ticking = schedule::keep(db.clone(), schedules.copied().collect());
    tokio::spawn(stop_claiming.clone().run_until_cancelled_owned(ticking));
    let sources = sources(&db, &worker, &settings, &shared, &stop_claiming);
    for source in &sources {
        figures::begin(source.queue, &source.kinds);
        if source.queue == QueueName::PAYMENTS {
            payments::figures::begin();
        }
        if source.queue == QueueName::FETCHES {
            begin_figures();
        }
    }
    let monitor = monitor(sources, shared, broken.clone());
    let others: Vec<_> = QueueName::ALL.into_iter().filter(|queue| !queues.contains(queue)).collect();
    let others: Vec<_> = others.iter().map(|queue| queue.as_str()).collect();
    tracing::info!(worker = &*worker, queues = ?settings.queues, left_to_others = ?others, "taking jobs");
    let (grace, supervisor) = (settings.grace, settings.supervisor);
    // Whoever has lost its lease for long is better begun anew.
    let watched = tokio::spawn(supervisor.clone().watch(lease.is_kept()));
    supervisor.ready();
    let stopping = async move {
        tokio::select! {
            () = stop => {}
            () = broken.cancelled() => {}
        }
        supervisor.stopping();
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
    say_goodbye(writing, lease).await;
    watched.abort();
    ended.map_err(|error| anyhow!("the workers stopped: {error}"))
}

/// What the process takes from each of its queues.
fn sources(
    db: &Db,
    worker: &Arc<str>,
    settings: &RunSettings,
    shared: &Shared,
    stop: &CancellationToken,
) -> Vec<Source> {
    let alarm = Alarm::start(db.pool());
    let queues = settings.queues.iter().filter_map(|(name, slots)| Some((QueueName::parse(name)?, *slots)));
    queues
        .map(|(queue, slots)| Source {
            pool: db.pool().clone(),
            queue,
            kinds: shared.registry.kinds_of(queue),
            worker: Arc::clone(worker),
            slots,
            alarm: alarm.clone(),
            losses: shared.losses.clone(),
            stop: stop.clone(),
        })
        .collect()
}

/// One apalis worker for each source. Where one of them breaks off, `broken` is told: a queue that nobody takes from any
/// more would go unnoticed.
fn monitor(sources: Vec<Source>, shared: Shared, broken: CancellationToken) -> Monitor {
    let monitor = sources.into_iter().fold(Monitor::new(), |monitor, source| {
        let (name, shared) = (format!("{}/{}", source.worker, source.queue.as_str()), shared.clone());
        monitor.register(move |_| {
            let backend = Backend::start(source.clone());
            WorkerBuilder::new(name.as_str()).backend(backend).data(shared.clone()).build(attempt)
        })
    });
    monitor.should_restart(move |queue, error| {
        tracing::error!(queue = queue.name(), %error, "taking jobs broke off; the process stops");
        broken.cancel();
        false
    })
}

/// Waits for the last outcomes, hands back what is left, and gives up the lease, as far as the database lets us.
async fn say_goodbye(mut writing: JoinHandle<()>, lease: Lease) {
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
}

/// One attempt at one job, however it ends.
async fn attempt(claim: Claim, shared: Data<Shared>) {
    let Claim { job, queue, run, losses, slot } = claim;
    let figures = Figures { queue, kind: job.kind.clone() };
    let request_id = job.request_id.clone().unwrap_or_else(|| job.id.to_string());
    let span = job_span(&job, queue, &request_id);
    let timeout = shared.registry.timeout(&job.kind);
    let performing = {
        let (registry, deps, job) =
            (Arc::clone(&shared.registry), Arc::clone(&shared.deps), Arc::clone(&job));
        async move { registry.perform(&job.kind, &job.payload, &run, &deps).await }
    };
    let performing = request::scope(request_id, performing).instrument(span.clone());
    figures.started();
    let since = Instant::now();
    let ends = Ends { timeout, losses_before: losses, shared: &shared };
    let Some(outcome) = ends.bound(performing).await else {
        span.in_scope(|| tracing::info!("handed back, since the process stops"));
        return;
    };
    if outcome.is_ok() {
        span.in_scope(|| tracing::info!("the job is done"));
    }
    if let Err(failure @ (Failure::Retry(_) | Failure::GiveUp(_) | Failure::LeaseLost)) = &outcome {
        trace::fail(&span, failure.in_short());
    }
    figures.finished(&outcome, job.attempt < job.max_attempts, since.elapsed());
    shared.acknowledger.acknowledge(Acknowledgement { job, outcome, slot });
}

/// The attempt's place in its trace: it goes on from whatever enqueued the job.
fn job_span(job: &ClaimedJob, queue: QueueName, request_id: &str) -> Span {
    let span = tracing::info_span!(
        "job", otel.kind = "consumer", request_id, job_id = %job.id, kind = job.kind, attempt = job.attempt
    );
    trace::follow(&span, job.trace_parent.as_deref());
    trace::rename(&span, job.kind.clone());
    trace::note(&span, "queue", queue.as_str());
    span
}

/// What ends an attempt that does not end by itself.
struct Ends<'a> {
    /// How long it may take.
    timeout: Duration,
    /// How many leases the process had lost when the job was claimed. With the next one the job is another worker's.
    losses_before: u64,
    shared: &'a Shared,
}

impl Ends<'_> {
    /// Runs an attempt within its bounds, and catches its panic. `None` when the process ends first.
    ///
    /// It is a task of its own: apalis polls all jobs of a process in one, where a job that computes would hold up the
    /// others, and one that panics while it is dropped would end them.
    async fn bound(&self, performing: impl Future<Output = Outcome> + Send + 'static) -> Option<Outcome> {
        let mut task = JoinSet::new();
        task.spawn(performing);
        let joined = tokio::select! {
            joined = time::timeout(self.timeout, task.join_next()) => joined,
            () = self.abort() => {
                drop_before_others_run(task).await;
                return None;
            }
            () = self.loss() => {
                drop_before_others_run(task).await;
                return Some(Err(Failure::LeaseLost));
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
                let seconds = self.timeout.as_secs_f32();
                Some(Err(Failure::Retry(anyhow!("the attempt took longer than {seconds} s"))))
            }
        }
    }

    /// The process ends.
    async fn abort(&self) {
        let mut aborted = self.shared.aborted.clone();
        if aborted.wait_for(|aborted| *aborted).await.is_err() {
            never_any_more().await;
        }
    }

    /// The job went to another worker: what this attempt did now it would do beside another one.
    async fn loss(&self) {
        let mut losses = self.shared.losses.clone();
        if losses.wait_for(|losses| *losses > self.losses_before).await.is_err() {
            never_any_more().await;
        }
    }
}

/// For a channel that was closed without a word.
async fn never_any_more() {
    std::future::pending().await
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
