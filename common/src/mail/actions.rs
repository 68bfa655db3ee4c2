//! The life of a message.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{NewMessage, OutgoingMessage, jobs::SendEmail, store};
use crate::{accounts, config::TradeSettings, ids::EmailMessageId, queue};

/// Writes messages to the outbox, each with the job that will send it, in the transaction that causes them.
///
/// # Errors
/// When the database refuses. A message that its cause has already is left as it is.
pub async fn post(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    messages: &[NewMessage],
) -> Result<(), sqlx::Error> {
    let posted = store::insert(conn, now, messages).await?;
    let jobs: Vec<SendEmail> = posted.into_iter().map(|message_id| SendEmail { message_id }).collect();
    queue::enqueue_all(conn, &jobs).await?;
    Ok(())
}

/// What there is to do for a message.
#[derive(Debug)]
pub enum Attempted {
    /// It is marked `sending`; send it.
    Send(OutgoingMessage),
    /// It was sent, or given up, before.
    Ended,
}

/// Marks a message as being sent, and makes the secret link that it carries, if it does.
///
/// # Errors
/// When the database refuses.
pub async fn begin_sending(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: EmailMessageId,
) -> Result<Attempted, sqlx::Error> {
    store::lock_owner(conn, id).await?;
    let Some(mut message) = store::begin_sending(conn, id).await? else { return Ok(Attempted::Ended) };
    if let (Some((purpose, page, name)), Some(user_id)) = (message.kind.secret_link(), message.user_id) {
        let token = accounts::mint_token(conn, now, user_id, purpose).await?;
        let link = trade.link(&format!("{page}?token={}", token.reveal()));
        if let Value::Object(data) = &mut message.data {
            data.insert(name.to_owned(), json!(link));
        }
    }
    Ok(Attempted::Send(message))
}

/// Notes that the server took a message.
///
/// # Errors
/// When the database refuses.
pub async fn mark_sent(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: EmailMessageId,
    response: &str,
) -> Result<(), sqlx::Error> {
    store::mark_sent(conn, id, now, &storable(response)).await
}

/// Notes that a message waits for its next attempt, and why.
///
/// # Errors
/// When the database refuses.
pub async fn defer(conn: &mut PgConnection, id: EmailMessageId, reason: &str) -> Result<(), sqlx::Error> {
    store::defer(conn, id, &storable(reason)).await
}

/// A server's words, without what PostgreSQL cannot hold in a text.
fn storable(words: &str) -> String {
    words.replace('\0', "\u{fffd}")
}
