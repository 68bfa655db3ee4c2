//! The JSON of jobs.

use common::{
    ids::JobId,
    queue::{
        QueueName,
        office::{AttemptRecord, JobFilter, JobRecord, JobState, OfficeError},
    },
    text::{Invalid, one_line},
};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    error::{ApiError, ApiResult, FieldProblem},
    params::{instant, page_response},
};

/// The longest name of a kind.
pub const MAX_KIND: usize = 100;

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobResponse {
    /// Its id.
    pub id: String,
    /// The queue in which it waits: `mail`, …
    pub queue: String,
    /// What kind of work it is: `send_email`, …
    pub kind: String,
    /// `ready`, `running`, `done`, `dead` or `discarded`.
    pub status: String,
    /// While it is unfinished no other job of the queue has it.
    pub key: Option<String>,
    /// How many attempts were charged.
    pub attempts: i16,
    /// How many there may be.
    pub max_attempts: i16,
    /// When it may run, or might have.
    #[serde(with = "time::serde::rfc3339")]
    pub run_at: OffsetDateTime,
    /// The worker that runs it.
    pub worker: Option<String>,
    /// When it was last begun.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// When it was enqueued.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was done, gave up or was discarded.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
}

impl From<JobRecord> for JobResponse {
    fn from(job: JobRecord) -> Self {
        Self {
            id: job.id.to_string(),
            queue: job.queue,
            kind: job.kind,
            status: job.state,
            key: job.key,
            attempts: job.attempts,
            max_attempts: job.max_attempts,
            run_at: job.run_at,
            worker: job.worker,
            started_at: job.started_at,
            last_error: job.last_error,
            request_id: job.request_id,
            created_at: job.created_at,
            finished_at: job.finished_at,
        }
    }
}

page_response! {
    /// A page of jobs, the newest first.
    JobsResponse of JobResponse
}

/// A job with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobStoryResponse {
    /// The job.
    #[serde(flatten)]
    pub job: JobResponse,
    /// What it is about: ids, as a rule.
    pub payload: Value,
    /// The attempts that failed, the earliest first.
    pub failures: Vec<FailureResponse>,
    /// Of a rehearsal: what the job would do, in words that follow on "would".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would: Option<String>,
}

/// An attempt that failed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailureResponse {
    /// Its number; they begin anew when a dead job is retried.
    pub attempt: i16,
    /// The worker that made it.
    pub worker: String,
    /// When it was begun.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// When it had failed.
    #[serde(with = "time::serde::rfc3339")]
    pub ended_at: OffsetDateTime,
    /// Of what.
    pub error: String,
}

impl JobStoryResponse {
    /// A job with its failures.
    pub fn new(job: JobRecord, failures: Vec<AttemptRecord>) -> Self {
        let payload = job.payload.clone();
        let failures = failures.into_iter().map(|failure| FailureResponse {
            attempt: failure.attempt,
            worker: failure.worker,
            started_at: failure.started_at,
            ended_at: failure.ended_at,
            error: failure.error,
        });
        Self { job: job.into(), payload, failures: failures.collect(), would: None }
    }
}

/// Which jobs, at most 100 of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSelectionRequest {
    /// Only those of this queue.
    queue: Option<String>,
    /// Only those of this kind.
    kind: Option<String>,
    /// Those that stand here; `dead` when absent.
    status: Option<String>,
    /// Only those that were enqueued then or later.
    created_from: Option<String>,
    /// Only those that were enqueued before.
    created_to: Option<String>,
    /// Only those after this one: `next_after` of the answer before.
    after: Option<String>,
}

impl JobSelectionRequest {
    /// The jobs it means.
    ///
    /// # Errors
    /// 422 with every value that is not right.
    pub fn parse(self) -> ApiResult<(JobFilter, Option<JobId>)> {
        let mut errors = Vec::new();
        let filter = JobFilter {
            queue: read(&mut errors, "/queue", self.queue, parse_queue),
            kind: read(&mut errors, "/kind", self.kind, |text| one_line(text, MAX_KIND)),
            state: read(&mut errors, "/status", self.status, parse_state).or(Some(JobState::Dead)),
            created_from: read(&mut errors, "/created_from", self.created_from, instant),
            created_to: read(&mut errors, "/created_to", self.created_to, instant),
        };
        let after = read(&mut errors, "/after", self.after, |text| {
            text.parse().map_err(|_| Invalid::new("invalid_id", format!("expected a UUID, found {text:?}")))
        });
        if errors.is_empty() { Ok((filter, after)) } else { Err(ApiError::fields(errors)) }
    }
}

fn read<T>(
    errors: &mut Vec<FieldProblem>,
    pointer: &str,
    value: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, Invalid>,
) -> Option<T> {
    let noted = |invalid: Invalid| {
        let (pointer, code) = (pointer.to_owned(), invalid.code.to_owned());
        errors.push(FieldProblem { pointer, code, detail: invalid.detail });
    };
    parse(&value?).map_err(noted).ok()
}

/// A queue by its name.
///
/// # Errors
/// `unknown_word` for anything else.
pub fn parse_queue(text: &str) -> Result<QueueName, Invalid> {
    let names = QueueName::ALL.map(QueueName::as_str).join(", ");
    QueueName::parse(text)
        .ok_or_else(|| Invalid::new("unknown_word", format!("expected one of {names}, found {text:?}")))
}

/// Where a job stands, by its word.
///
/// # Errors
/// `unknown_word` for anything else.
pub fn parse_state(text: &str) -> Result<JobState, Invalid> {
    let words = JobState::ALL.map(JobState::as_str).join(", ");
    JobState::parse(text)
        .ok_or_else(|| Invalid::new("unknown_word", format!("expected one of {words}, found {text:?}")))
}

/// What became of several jobs.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobsChangedResponse {
    /// The ids of those with which it was done.
    pub changed: Vec<String>,
    /// Those with which it could not be done.
    pub refused: Vec<JobRefusedResponse>,
    /// What to send as `after` for those that follow; null when there are no more.
    pub next_after: Option<String>,
}

/// A job that stays as it was.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobRefusedResponse {
    /// Its id.
    pub id: String,
    /// Why, for programs: the code of a problem.
    pub code: &'static str,
    /// Why, for people.
    pub detail: String,
}

impl JobsChangedResponse {
    /// What became of each; `more` says whether more follow the last one.
    pub fn new(outcomes: Vec<(JobId, Result<(), OfficeError>)>, more: bool) -> Self {
        let last = outcomes.last().map(|(id, _)| id.to_string());
        let (mut changed, mut refused) = (Vec::new(), Vec::new());
        for (id, outcome) in outcomes {
            match outcome {
                Ok(()) => changed.push(id.to_string()),
                Err(error) => {
                    let detail = error.to_string();
                    let code = ApiError::from(error).code().as_str();
                    refused.push(JobRefusedResponse { id: id.to_string(), code, detail });
                }
            }
        }
        Self { changed, refused, next_after: last.filter(|_| more) }
    }
}
