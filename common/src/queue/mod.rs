//! The job queue: our persistence behind apalis's worker traits.
//!
//! ```text
//!             enqueue (in the caller's transaction)
//!                  │
//!                  ▼       claim        done in its own effect's transaction, or acknowledged
//!   retry ──────▶ ready ──────────▶ running ─────────────────────────────▶ done
//!                  ▲                 │  │
//!                  └─────────────────┘  └──────────▶ dead ──▶ ready (retried) | discarded
//!        failed with attempts left,        gave up, or no attempts left:
//!        its worker died, handed back      `Job::on_dead` in the same transaction
//! ```
//!
//! What holds: a job whose transaction committed runs at least once or ends visibly dead; one whose
//! transaction rolled back never runs. A job's database effect happens once, since [`Run::finish`] marks the
//! job in the effect's own transaction, and only while the job is still this worker's.
//!
//! - [`enqueue`] writes a job in the transaction that causes it.
//! - [`Backend`](backend::Backend) is what apalis polls: it claims no more than there are free slots.
//! - [`lease`] keeps this process's lease and takes over the jobs of processes that died.
//! - [`acknowledge`] writes outcomes, in batches, through outages of the database.
//! - [`schedule`] enqueues what comes by the clock, once over all workers.
//! - [`office`] is what operators see and do: dead letters, pauses.

pub mod acknowledge;
pub mod backend;
mod backoff;
mod deadline;
mod death;
pub mod figures;
mod kinds;
pub mod lease;
pub mod office;
mod place;
mod run;
pub mod schedule;
mod slots;
mod store;
mod wake;

use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use sqlx::PgConnection;
use time::OffsetDateTime;

pub use backoff::delay_after;
pub use kinds::{Doing, Kinds, KnownKinds, decode};
pub use run::{Failure, Finished, Outcome, Run};
pub use store::ClaimedJob;
pub use wake::{Alarm, Wake};

use crate::{config::TradeSettings, ids::JobId, request, trace};

/// A queue: jobs that share workers' slots. Each has its own concurrency, so that none starves another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueueName(&'static str);

impl QueueName {
    /// E-mail.
    pub const MAIL: Self = Self("mail");
    /// Price lists.
    pub const IMPORTS: Self = Self("imports");
    /// Price lists on their way from their suppliers' servers, which may be slow.
    pub const FETCHES: Self = Self("fetches");
    /// Payments.
    pub const PAYMENTS: Self = Self("payments");
    /// Pruning and schedules.
    pub const MAINTENANCE: Self = Self("maintenance");
    /// Every queue.
    pub const ALL: [Self; 5] = [Self::MAIL, Self::IMPORTS, Self::FETCHES, Self::PAYMENTS, Self::MAINTENANCE];

    /// Its name, as in settings, metrics and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The queue of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.0 == text)
    }
}

/// One kind of background work: what is stored of it, and its limits. The worker says how it is done.
///
/// A payload carries ids, never state: what it names is read again when it runs. A stored payload must still
/// decode after a release, so fields are only ever added, with a default.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its name in the database; never changed once released.
    const KIND: &'static str;
    /// Where it waits.
    const QUEUE: QueueName;
    /// How often it is tried before it is dead.
    const MAX_ATTEMPTS: u16;
    /// How long one attempt may take.
    const TIMEOUT: Duration;

    /// Where set, at most one unfinished job of the queue has it.
    fn key(&self) -> Option<String> {
        None
    }

    /// What giving up means for the thing the job is about, in the transaction that marks the job dead.
    fn on_dead(
        &self,
        _conn: &mut PgConnection,
        _death: Death<'_>,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        async { Ok(()) }
    }

    /// What trying it again means for the thing that it is about, when an operator has it tried again after it gave up,
    /// in the transaction that makes it ready.
    fn on_retry(
        &self,
        _conn: &mut PgConnection,
        _now: OffsetDateTime,
    ) -> impl Future<Output = Result<Retrial, sqlx::Error>> + Send {
        async { Ok(Retrial::Again) }
    }

    /// What it would do if it ran now, in a few words that follow on "would" and name nobody: for operators who rehearse
    /// another try. It changes nothing.
    fn preview(&self, _conn: &mut PgConnection) -> impl Future<Output = Result<String, sqlx::Error>> + Send {
        async { Ok(format!("run {} again", Self::KIND)) }
    }
}

/// Whether a job that gave up is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retrial {
    /// It is.
    Again,
    /// It would do nothing, for this reason.
    Pointless(&'static str),
}

/// The circumstances in which a job gives up.
#[derive(Clone, Copy, Debug)]
pub struct Death<'a> {
    /// When.
    pub now: OffsetDateTime,
    /// The last attempt's error.
    pub error: &'a str,
    /// The rules of the installation.
    pub trade: &'a TradeSettings,
}

/// What became of an [`enqueue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It will run once the transaction commits.
    Inserted(JobId),
    /// An unfinished job has its key already.
    Duplicate,
}

/// Writes a job in the caller's transaction, to run once that commits.
///
/// # Errors
/// When the database refuses; a repeated key is no error.
pub async fn enqueue<J: Job>(conn: &mut PgConnection, job: &J) -> Result<Enqueued, sqlx::Error> {
    let ids = enqueue_all(conn, std::slice::from_ref(job)).await?;
    Ok(ids.first().map_or(Enqueued::Duplicate, |id| Enqueued::Inserted(*id)))
}

/// Like [`enqueue`], for a job that must not run before `run_at`. That is business time; the queue goes by the
/// database's clock, so a job to which it matters looks at its own when it runs.
///
/// # Errors
/// When the database refuses; a repeated key is no error.
pub async fn enqueue_at<J: Job>(
    conn: &mut PgConnection,
    job: &J,
    run_at: OffsetDateTime,
) -> Result<Enqueued, sqlx::Error> {
    let ids = insert(conn, std::slice::from_ref(job), Some(run_at)).await?;
    Ok(ids.first().map_or(Enqueued::Duplicate, |id| Enqueued::Inserted(*id)))
}

/// Writes many jobs of one kind in the caller's transaction, with one statement. Returns the ids of those
/// whose key was free.
///
/// # Errors
/// When the database refuses, or a payload cannot be written as JSON.
pub async fn enqueue_all<J: Job>(conn: &mut PgConnection, jobs: &[J]) -> Result<Vec<JobId>, sqlx::Error> {
    insert(conn, jobs, None).await
}

/// Forgets what went wrong with jobs of these payloads, where it names somebody who is to be forgotten.
///
/// # Errors
/// When the database refuses, or a payload cannot be written as JSON.
pub async fn forget_errors<J: Job>(conn: &mut PgConnection, jobs: &[J]) -> Result<(), sqlx::Error> {
    let payloads = jobs.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
    let payloads = payloads.map_err(|error| sqlx::Error::Encode(error.into()))?;
    store::forget_errors(conn, J::KIND, &payloads).await
}

async fn insert<J: Job>(
    conn: &mut PgConnection,
    jobs: &[J],
    run_at: Option<OffsetDateTime>,
) -> Result<Vec<JobId>, sqlx::Error> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let mut new = store::NewJobs::default();
    new.run_at = run_at;
    for job in jobs {
        let payload = serde_json::to_value(job).map_err(|error| sqlx::Error::Encode(error.into()))?;
        new.push(payload, job.key());
    }
    let origin = store::Origin { request_id: request::current(), trace_parent: trace::current() };
    store::insert(conn, J::QUEUE, J::KIND, J::MAX_ATTEMPTS, new, &origin).await
}
