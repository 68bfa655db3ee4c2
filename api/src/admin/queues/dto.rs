//! The JSON of queues.

use common::queue::{figures::QueueFigures, schedule::ScheduleRecord};
use salvo::oapi::ToSchema;
use serde::Serialize;
use time::OffsetDateTime;

/// The queues.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuesResponse {
    /// Every queue.
    pub items: Vec<QueueResponse>,
}

/// A queue, and how much waits in it. A count of 100,000 stands for that many or more.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueResponse {
    /// Its name: `mail`, …
    pub queue: String,
    /// Jobs that may run now.
    pub ready: i64,
    /// Jobs that wait for their time or another attempt.
    pub waiting: i64,
    /// Jobs that run.
    pub running: i64,
    /// Jobs that gave up.
    pub dead: i64,
    /// For how many seconds the next job has been ready.
    pub oldest_ready_s: f64,
    /// How many workers live that take from it.
    pub workers: i64,
    /// Since when nobody takes from it; null while it does not pause.
    #[serde(with = "time::serde::rfc3339::option")]
    pub paused_since: Option<OffsetDateTime>,
}

impl From<QueueFigures> for QueueResponse {
    fn from(figures: QueueFigures) -> Self {
        Self {
            queue: figures.queue,
            ready: figures.ready,
            waiting: figures.waiting,
            running: figures.running,
            dead: figures.dead,
            oldest_ready_s: figures.oldest_ready_s,
            workers: figures.workers,
            paused_since: figures.paused_since,
        }
    }
}

/// What comes by the clock.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchedulesResponse {
    /// Every schedule that ever ticked.
    pub items: Vec<ScheduleResponse>,
}

/// A schedule: each of its ticks enqueues one job, however many workers there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScheduleResponse {
    /// Its name.
    pub schedule: String,
    /// How often it ticks, in seconds.
    pub every_s: i32,
    /// When it ticked last.
    #[serde(with = "time::serde::rfc3339")]
    pub last_tick: OffsetDateTime,
    /// The id of that tick's job.
    pub last_job: Option<String>,
    /// Where that job stands; null once it was pruned.
    pub last_job_status: Option<String>,
    /// When it ticks next.
    #[serde(with = "time::serde::rfc3339")]
    pub next_tick: OffsetDateTime,
}

impl From<ScheduleRecord> for ScheduleResponse {
    fn from(schedule: ScheduleRecord) -> Self {
        Self {
            schedule: schedule.name,
            every_s: schedule.every_s,
            last_tick: schedule.last_tick,
            last_job: schedule.last_job.map(|id| id.to_string()),
            last_job_status: schedule.last_job_state,
            next_tick: schedule.next_tick,
        }
    }
}
