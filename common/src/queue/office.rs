//! What operators see of jobs, and do about them.
//!
//! ```text
//! dead, discarded ──▶ ready       retried: from its first attempt on, at once
//! ready ──▶ ready                 retried: what waits for its time or another attempt is due now
//! ready, dead ──▶ discarded       what waited has its `Job::on_dead`, like one that gave up
//! ```
//!
//! What runs is left to its worker, and what is done is done. Everything here happens in the caller's transaction, which
//! also writes who did it into the audit log; rolled back, it was a rehearsal that told what would have happened.

use serde_json::Value;
use sqlx::{Connection, PgConnection};
use time::OffsetDateTime;

use super::{
    Kinds, QueueName, Retrial,
    store::office::{self as store, Standing},
};
use crate::{
    audit::{self, Action, Entry},
    ids::{JobId, PauseId, UserId},
};

pub use store::{attempts, find, list, matching, pauses};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It waits for its time and a free slot.
    Ready,
    /// A worker has it.
    Running,
    /// It succeeded.
    Done,
    /// It gave up: a dead letter, kept with all that is known of it.
    Dead,
    /// Somebody decided that it shall not run.
    Discarded,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Ready, Self::Running, Self::Done, Self::Dead, Self::Discarded];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Which jobs.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only those of this queue.
    pub queue: Option<QueueName>,
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those that stand here.
    pub state: Option<JobState>,
    /// Only those that were enqueued at this time or later.
    pub created_from: Option<OffsetDateTime>,
    /// Only those that were enqueued before this time.
    pub created_to: Option<OffsetDateTime>,
}

/// A job, as operators see it.
#[derive(Clone, Debug)]
pub struct JobRecord {
    /// Which one.
    pub id: JobId,
    /// Where it waits.
    pub queue: String,
    /// What it is.
    pub kind: String,
    /// Where it stands, as it is stored.
    pub state: String,
    /// While it is unfinished no other of its queue has it.
    pub key: Option<String>,
    /// How many attempts were charged.
    pub attempts: i16,
    /// How many there may be.
    pub max_attempts: i16,
    /// When it may run.
    pub run_at: OffsetDateTime,
    /// The worker that runs it.
    pub worker: Option<String>,
    /// When it was last begun.
    pub started_at: Option<OffsetDateTime>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// When it was enqueued.
    pub created_at: OffsetDateTime,
    /// When it was done, died or was discarded.
    pub finished_at: Option<OffsetDateTime>,
    /// What is known of the thing that it is about.
    pub payload: Value,
}

/// An attempt that failed.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    /// Its number; they begin anew when a dead job is retried.
    pub attempt: i16,
    /// Who made it.
    pub worker: String,
    /// When it was begun.
    pub started_at: Option<OffsetDateTime>,
    /// When it had failed.
    pub ended_at: OffsetDateTime,
    /// Of what.
    pub error: String,
}

/// Why something was not done about a job.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// There is none of this id.
    #[error("there is no such job")]
    Unknown,
    /// It runs, or has ended: what was asked for makes no sense.
    #[error("it is {}", .0.as_str())]
    Standing(JobState),
    /// An unfinished job has its key: it does the same.
    #[error("another job with its key is unfinished and does the same")]
    KeyTaken,
    /// Trying it again would do nothing.
    #[error("{0}")]
    Pointless(&'static str),
    /// The database refused or was away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What may be done about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// See [`retry`].
    Retry,
    /// See [`discard`].
    Discard,
}

/// Does the same about several jobs; one of which it cannot be done does not keep it from the others.
///
/// # Errors
/// When the database refuses or is away; whatever else was in the way stands with its job.
pub async fn each(
    conn: &mut PgConnection,
    kinds: &dyn Kinds,
    by: Desk,
    act: Act,
    ids: &[JobId],
) -> Result<Vec<(JobId, Result<(), OfficeError>)>, sqlx::Error> {
    let mut outcomes = Vec::with_capacity(ids.len());
    for &id in ids {
        let mut one = conn.begin().await?;
        let outcome = match act {
            Act::Retry => retry(&mut one, kinds, by, id).await,
            Act::Discard => discard(&mut one, kinds, by, id).await,
        };
        match outcome {
            Ok(()) => one.commit().await?,
            Err(OfficeError::Database(error)) => return Err(error),
            Err(_) => one.rollback().await?,
        }
        outcomes.push((id, outcome));
    }
    Ok(outcomes)
}

/// Makes a job ready to be run at once, and writes it down.
///
/// # Errors
/// When it runs or is done, when another one does the same, and when it would do nothing.
pub async fn retry(
    conn: &mut PgConnection,
    kinds: &dyn Kinds,
    by: Desk,
    id: JobId,
) -> Result<(), OfficeError> {
    let Standing { state, kind, payload } = store::lock(conn, id).await?.ok_or(OfficeError::Unknown)?;
    match state {
        JobState::Dead | JobState::Discarded => {
            if let Retrial::Pointless(reason) = kinds.on_retry(&kind, &payload, conn).await? {
                return Err(OfficeError::Pointless(reason));
            }
            if !store::revive(conn, id).await? {
                return Err(OfficeError::KeyTaken);
            }
        }
        JobState::Ready => store::make_due(conn, id).await?,
        JobState::Running | JobState::Done => return Err(OfficeError::Standing(state)),
    }
    let details = serde_json::json!({ "kind": kind, "from": state.as_str() });
    by.note(conn, Action::RetryJob(id), details).await
}

/// What a job would do if it ran now, in words that follow on "would"; none where nobody knows.
///
/// # Errors
/// When the database refuses.
pub async fn preview(
    conn: &mut PgConnection,
    kinds: &dyn Kinds,
    id: JobId,
) -> Result<Option<String>, sqlx::Error> {
    let Some(Standing { kind, payload, .. }) = store::lock(conn, id).await? else { return Ok(None) };
    kinds.preview(&kind, &payload, conn).await
}

/// Sees to it that a job does not run (any more), and writes it down. One that waited dies of it.
///
/// # Errors
/// When it runs, is done or was discarded before.
pub async fn discard(
    conn: &mut PgConnection,
    kinds: &dyn Kinds,
    by: Desk,
    id: JobId,
) -> Result<(), OfficeError> {
    let Standing { state, kind, payload } = store::lock(conn, id).await?.ok_or(OfficeError::Unknown)?;
    match state {
        JobState::Ready => {
            store::discard(conn, id).await?;
            kinds.on_dead(&kind, &payload, conn, DISCARDED).await?;
        }
        JobState::Dead => store::discard(conn, id).await?,
        JobState::Running | JobState::Done | JobState::Discarded => {
            return Err(OfficeError::Standing(state));
        }
    }
    let details = serde_json::json!({ "kind": kind, "from": state.as_str() });
    by.note(conn, Action::DiscardJob(id), details).await
}

/// What is noted on the thing that a discarded job was about.
const DISCARDED: &str = "an operator has discarded the job";

/// Lets nobody claim from a queue until it is resumed, and writes it down. What runs goes on. False when it pauses already.
///
/// # Errors
/// When the database refuses.
pub async fn pause(conn: &mut PgConnection, by: Desk, queue: QueueName) -> Result<bool, OfficeError> {
    let Some(pause) = store::pause(conn, queue).await? else { return Ok(false) };
    by.note(conn, Action::PauseQueue(pause), serde_json::json!({ "queue": queue.as_str() })).await?;
    Ok(true)
}

/// Lets workers claim from a queue again, and writes it down. False when it does not pause.
///
/// # Errors
/// When the database refuses.
pub async fn resume(conn: &mut PgConnection, by: Desk, queue: QueueName) -> Result<bool, OfficeError> {
    let Some(pause) = store::resume(conn, queue).await? else { return Ok(false) };
    by.note(conn, Action::ResumeQueue(pause), serde_json::json!({ "queue": queue.as_str() })).await?;
    Ok(true)
}

/// Who does something, and when.
#[derive(Clone, Copy, Debug)]
pub struct Desk {
    /// Who of the staff; nobody on the command line.
    pub by: Option<UserId>,
    /// Now.
    pub now: OffsetDateTime,
}

impl Desk {
    async fn note(self, conn: &mut PgConnection, action: Action, details: Value) -> Result<(), OfficeError> {
        Ok(audit::record(conn, self.now, &Entry { by: self.by, action, details }).await?)
    }
}

/// A queue from which nobody claims.
#[derive(Clone, Debug)]
pub struct Pause {
    /// Which queue.
    pub queue: String,
    /// Which pause.
    pub id: PauseId,
    /// Since when.
    pub since: OffsetDateTime,
}
