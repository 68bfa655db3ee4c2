//! The janitor's job.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::queue::{Job, QueueName, schedule::Scheduled};

/// Throws away what was kept long enough.
#[derive(Debug, Serialize, Deserialize)]
pub struct CleanUp {
    /// The hour for which it came.
    #[serde(with = "time::serde::rfc3339")]
    pub tick: OffsetDateTime,
}

impl Job for CleanUp {
    const KIND: &'static str = "clean_up";
    const QUEUE: QueueName = QueueName::MAINTENANCE;
    // The next hour brings another one.
    const MAX_ATTEMPTS: u16 = 5;
    const TIMEOUT: Duration = Duration::from_secs(30 * 60);

    fn key(&self) -> Option<String> {
        Some(format!("clean up {}", self.tick))
    }

    async fn preview(&self, _: &mut PgConnection) -> Result<String, sqlx::Error> {
        Ok("throw away what was kept long enough".to_owned())
    }
}

impl Scheduled for CleanUp {
    const NAME: &'static str = "clean_up";
    const EVERY: Duration = Duration::from_secs(3_600);

    fn at(tick: OffsetDateTime) -> Self {
        Self { tick }
    }
}
