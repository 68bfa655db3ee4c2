//! The life of a message.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{FailedFilter, NewMessage, OutgoingMessage, jobs::SendEmail, store};
use crate::{
    accounts::{self, EmailAddress},
    config::TradeSettings,
    ids::{EmailMessageId, UserId},
    queue,
};

/// Writes messages to the outbox, each with the job that will send it, in the transaction that causes them.
///
/// # Errors
/// When the database refuses. A message that its cause has already is left as it is.
pub async fn post(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    messages: &[NewMessage],
) -> Result<(), sqlx::Error> {
    let posted = store::insert(conn, now, messages, true).await?;
    let jobs: Vec<SendEmail> = posted.into_iter().map(|message_id| SendEmail { message_id }).collect();
    queue::enqueue_all(conn, &jobs).await?;
    Ok(())
}

/// Does all the work of posting a message, and posts none: its job will find nothing to send. For whoever must not be
/// told, not even by the time it takes, whether there was somebody to write to.
///
/// # Errors
/// When the database refuses.
pub async fn pretend(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    message: &NewMessage,
) -> Result<(), sqlx::Error> {
    store::insert(conn, now, std::slice::from_ref(message), false).await?;
    queue::enqueue_all(conn, &[SendEmail { message_id: EmailMessageId::new() }]).await?;
    Ok(())
}

/// Takes everything personal out of the messages to an address whose owner is erased, and out of what their jobs say;
/// what was not sent yet is not.
///
/// # Errors
/// When the database refuses.
pub async fn forget(
    conn: &mut PgConnection,
    address: &str,
    nobody: &EmailAddress,
) -> Result<(), sqlx::Error> {
    let forgotten = store::forget(conn, address, nobody).await?;
    let jobs: Vec<SendEmail> = forgotten.into_iter().map(|message_id| SendEmail { message_id }).collect();
    queue::forget_errors(conn, &jobs).await
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
    let Some(mut message) = store::begin_sending(conn, now, id).await? else { return Ok(Attempted::Ended) };
    if EmailAddress::is_of_nobody(&message.recipient) {
        store::fail(conn, now, id, "the recipient's account was erased").await?;
        return Ok(Attempted::Ended);
    }
    if let (Some((purpose, page, name)), Some(user_id)) = (message.kind.secret_link(), message.user_id) {
        let token = accounts::mint_token(conn, now, user_id, purpose).await?;
        let link = format!("{}&token={}", trade.link_in(message.locale, page), token.reveal());
        if let Value::Object(data) = &mut message.data {
            data.insert(name.to_owned(), json!(link));
        }
    }
    Ok(Attempted::Send(message))
}

/// Notes that the server took a message; false, and nothing is noted, when the message is not being sent.
///
/// # Errors
/// When the database refuses.
pub async fn mark_sent(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: EmailMessageId,
    response: &str,
) -> Result<bool, sqlx::Error> {
    store::mark_sent(conn, id, now, &storable(response)).await
}

/// Notes that a message waits for its next attempt, and why.
///
/// # Errors
/// When the database refuses.
pub async fn defer(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: EmailMessageId,
    reason: &str,
) -> Result<(), sqlx::Error> {
    store::defer(conn, now, id, &storable(reason)).await
}

/// Why a message is not sent again.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// There is no such message.
    #[error("there is no such message")]
    Unknown,
    /// It waits to be sent, or is being sent, as it is.
    #[error("the message is still on its way")]
    UnderWay,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Queues a message again, with a new job, because staff says so.
///
/// One that failed is the same message, under the same Message-ID: it may have arrived without our knowing. One that
/// was sent is sent as a new copy under a Message-ID of its own, or its recipient's mail program would hide it. What
/// it says is what it said; only a secret link is made anew, since no token is kept that could be sent again.
///
/// # Errors
/// [`ResendError`].
pub async fn resend(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: EmailMessageId,
    by: UserId,
) -> Result<(), ResendError> {
    if !store::requeue(conn, now, id, by).await? {
        let known = store::find(conn, id).await?.is_some();
        return Err(if known { ResendError::UnderWay } else { ResendError::Unknown });
    }
    queue::enqueue(conn, &SendEmail { message_id: id }).await?;
    Ok(())
}

/// Queues failed messages again, the oldest of them, each with a new job; says which.
///
/// # Errors
/// When the database refuses.
pub async fn resend_failed(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    which: &FailedFilter,
    by: UserId,
) -> Result<Vec<EmailMessageId>, sqlx::Error> {
    let requeued = store::requeue_failed(conn, now, which, by).await?;
    let jobs: Vec<SendEmail> = requeued.iter().map(|&message_id| SendEmail { message_id }).collect();
    queue::enqueue_all(conn, &jobs).await?;
    Ok(requeued)
}

/// A server's words, without what PostgreSQL cannot hold in a text.
fn storable(words: &str) -> String {
    words.replace('\0', "\u{fffd}")
}
