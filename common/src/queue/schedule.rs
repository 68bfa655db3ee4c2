//! Jobs that come by the clock.
//!
//! Every worker of a queue looks at the clock, the database's, for what comes to that queue. A tick belongs to the first that moves the schedule's row on, and the
//! tick's job is enqueued by the same transaction, with the tick's time as its key.

use std::time::Duration;

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Doing, Enqueued, Job, QueueName, enqueue, store::schedules as store};
use crate::{db::Db, ids::JobId};

pub use store::list;

/// How often a worker looks at the clock.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A job that comes by the clock.
pub trait Scheduled: Job {
    /// The schedule's name; never changed once released.
    const NAME: &'static str;
    /// How often. Ticks are counted from midnight UTC of the first day of 1970.
    const EVERY: Duration;

    /// The job of a tick. Its [`key`](Job::key) names the tick.
    fn at(tick: OffsetDateTime) -> Self;
}

/// A schedule, its job's type forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    name: &'static str,
    queue: QueueName,
    every: Duration,
    enqueue: for<'a> fn(&'a mut PgConnection, OffsetDateTime) -> Doing<'a, Enqueued>,
}

impl Schedule {
    /// The schedule of a job.
    #[must_use]
    pub fn of<J: Scheduled>() -> Self {
        let enqueue: for<'a> fn(&'a mut PgConnection, OffsetDateTime) -> Doing<'a, Enqueued> =
            |conn, tick| Box::pin(async move { enqueue(conn, &J::at(tick)).await });
        Self { name: J::NAME, queue: J::QUEUE, every: J::EVERY, enqueue }
    }

    /// Where its jobs wait.
    #[must_use]
    pub fn queue(&self) -> QueueName {
        self.queue
    }

    /// Enqueues the job of the last tick, unless that was done. Returns the tick when it was this call's.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn tick(&self, db: &Db) -> Result<Option<OffsetDateTime>, sqlx::Error> {
        let mut tx = db.begin().await?;
        let every_s = i32::try_from(self.every.as_secs()).unwrap_or(i32::MAX);
        let Some(tick) = store::take_tick(&mut tx, self.name, every_s).await? else { return Ok(None) };
        let job = match (self.enqueue)(&mut tx, tick).await? {
            Enqueued::Inserted(id) => Some(id),
            Enqueued::Duplicate => None,
        };
        store::note_job(&mut tx, self.name, job).await?;
        tx.commit().await?;
        Ok(Some(tick))
    }
}

/// Looks at the clock for as long as it is polled.
pub async fn keep(db: Db, schedules: Vec<Schedule>) {
    loop {
        for schedule in &schedules {
            match schedule.tick(&db).await {
                Ok(Some(tick)) => {
                    tracing::info!(schedule = schedule.name, %tick, "a schedule's job was enqueued")
                }
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "schedules could not be looked at; trying again"),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A schedule as operators see it.
#[derive(Clone, Debug)]
pub struct ScheduleRecord {
    /// Its name.
    pub name: String,
    /// How often it ticks, in seconds.
    pub every_s: i32,
    /// When it ticked last.
    pub last_tick: OffsetDateTime,
    /// The job of that tick.
    pub last_job: Option<JobId>,
    /// Where that job stands; none when it was pruned.
    pub last_job_state: Option<String>,
    /// When it ticks next.
    pub next_tick: OffsetDateTime,
}
