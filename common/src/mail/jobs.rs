//! The job that sends a message.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::store;
use crate::{
    ids::EmailMessageId,
    queue::{Death, Job, QueueName, Retrial},
};

/// Sends one message of the outbox.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendEmail {
    /// Which one.
    pub message_id: EmailMessageId,
}

impl Job for SendEmail {
    const KIND: &'static str = "send_email";
    const QUEUE: QueueName = QueueName::MAIL;
    // Twelve doublings and then one an hour: three days at the least. A server that is away over a weekend, or a
    // setting that nobody mends before Monday, loses nothing.
    const MAX_ATTEMPTS: u16 = 108;
    // The conversation with the server has a deadline of its own, 20 s. The rest is for noting its answer, however
    // long the database is away: a message that was accepted and not noted would be sent again.
    const TIMEOUT: Duration = Duration::from_secs(10 * 60);

    async fn on_dead(&self, conn: &mut PgConnection, death: Death<'_>) -> Result<(), sqlx::Error> {
        store::fail(conn, death.now, self.message_id, death.error).await
    }

    async fn on_retry(&self, conn: &mut PgConnection, now: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        // The message as it was: under its Message-ID, since it may have arrived without our knowing.
        let queued = store::requeue_for_its_job(conn, now, self.message_id).await?;
        Ok(if queued { Retrial::Again } else { Retrial::Pointless("its message was sent, or is on its way") })
    }

    async fn preview(&self, conn: &mut PgConnection) -> Result<String, sqlx::Error> {
        let message = store::find(conn, self.message_id).await?;
        Ok(message.map_or_else(
            || "find no message to send".to_owned(),
            |message| format!("send {} ({}) to its recipient", message.kind, message.status.as_str()),
        ))
    }
}
