//! All SQL of the outbox. Each statement that changes a message's status writes the entry of its story too.

mod reading;

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

pub use reading::{find, list, story};

use super::{FailedFilter, MessageKind, NewMessage, OutgoingMessage};
use crate::{
    accounts::EmailAddress,
    ids::{EmailMessageId, UserId},
    locale::Locale,
};

/// Writes messages; where they are not meant, the same statement leaves nothing behind.
pub(super) async fn insert(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    messages: &[NewMessage],
    meant: bool,
) -> Result<Vec<EmailMessageId>, sqlx::Error> {
    let ids: Vec<EmailMessageId> = messages.iter().map(|_| EmailMessageId::new()).collect();
    let causes: Vec<uuid::Uuid> = messages.iter().map(|message| message.cause).collect();
    let kinds: Vec<String> = messages.iter().map(|message| message.kind.as_str().to_owned()).collect();
    let recipients: Vec<String> = messages.iter().map(|message| message.recipient.clone()).collect();
    let locales: Vec<String> = messages.iter().map(|message| message.locale.to_string()).collect();
    let data: Vec<Value> = messages.iter().map(|message| message.data.clone()).collect();
    let users: Vec<Option<UserId>> = messages.iter().map(|message| message.user_id).collect();
    sqlx::query_scalar!(
        r#"
        with posted as (
            insert into email_messages (id, cause, kind, recipient, locale, data, user_id, created_at, entries)
            select n.*, $8, 1
            from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::uuid[]) as n
            where $9
            on conflict on constraint email_messages_once do nothing
            returning id
        ), noted as (
            insert into email_message_history (message_id, position, status, at)
            select id, 1, 'queued', $8 from posted
        )
        select id as "id!: EmailMessageId" from posted
        "#,
        &ids as &[EmailMessageId],
        &causes,
        &kinds,
        &recipients,
        &locales,
        &data,
        &users as &[Option<UserId>],
        now,
        meant,
    )
    .fetch_all(conn)
    .await
}

/// Locks the user whose secret link a message carries: before the message, as a new registration does that
/// removes both.
pub(super) async fn lock_owner(conn: &mut PgConnection, id: EmailMessageId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        select
        from users u
        where u.id = (select user_id from email_messages where id = $1)
        for key share of u
        "#,
        id as EmailMessageId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

pub(super) async fn begin_sending(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: EmailMessageId,
) -> Result<Option<OutgoingMessage>, sqlx::Error> {
    sqlx::query_as!(
        OutgoingMessage,
        r#"
        with begun as (
            update email_messages
            set status = 'sending', attempts = attempts + 1, entries = entries + 1
            where id = $1 and status in ('queued', 'sending')
            returning id, copy, kind, recipient, locale, data, user_id, entries
        ), noted as (
            insert into email_message_history (message_id, position, status, at)
            select id, entries, 'sending', $2 from begun
        )
        select
            id as "id!: EmailMessageId", copy as "copy!", kind as "kind!: MessageKind", recipient as "recipient!",
            locale as "locale!: Locale", data as "data!", user_id as "user_id: UserId"
        from begun
        "#,
        id as EmailMessageId,
        now,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn mark_sent(
    conn: &mut PgConnection,
    id: EmailMessageId,
    now: OffsetDateTime,
    response: &str,
) -> Result<bool, sqlx::Error> {
    let marked = sqlx::query!(
        r#"
        with sent as (
            update email_messages
            set status = 'sent', sent_at = $2, last_response = $3, entries = entries + 1
            where id = $1 and status = 'sending'
            returning id, entries
        )
        insert into email_message_history (message_id, position, status, at, response)
        select id, entries, 'sent', $2, $3 from sent
        "#,
        id as EmailMessageId,
        now,
        response,
    )
    .execute(conn)
    .await?;
    Ok(marked.rows_affected() == 1)
}

pub(super) async fn defer(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: EmailMessageId,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with deferred as (
            update email_messages
            set status = 'queued', last_response = $3, entries = entries + 1
            where id = $1 and status = 'sending'
            returning id, entries
        )
        insert into email_message_history (message_id, position, status, at, response)
        select id, entries, 'queued', $2, $3 from deferred
        "#,
        id as EmailMessageId,
        now,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn fail(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: EmailMessageId,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with failed as (
            update email_messages
            set status = 'failed', last_response = $3, entries = entries + 1
            where id = $1 and status in ('queued', 'sending')
            returning id, entries
        )
        insert into email_message_history (message_id, position, status, at, response)
        select id, entries, 'failed', $2, $3 from failed
        "#,
        id as EmailMessageId,
        now,
        error,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Queues a message again that has ended, as a new copy if it was sent. `false` when it has not ended.
pub(super) async fn requeue(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: EmailMessageId,
    by: UserId,
) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        r#"
        with requeued as (
            update email_messages
            set status = 'queued', entries = entries + 1, copy = case when status = 'sent' then copy + 1 else copy end
            where id = $1 and status in ('sent', 'failed')
            returning id, entries
        )
        insert into email_message_history (message_id, position, status, at, by_user)
        select id, entries, 'queued', $2, $3 from requeued
        "#,
        id as EmailMessageId,
        now,
        by as UserId,
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// Queues a message again that failed, since its job is tried again. `false` when it has not failed.
pub(super) async fn requeue_for_its_job(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: EmailMessageId,
) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        r#"
        with requeued as (
            update email_messages
            set status = 'queued', entries = entries + 1
            where id = $1 and status = 'failed'
            returning id, entries
        )
        insert into email_message_history (message_id, position, status, at)
        select id, entries, 'queued', $2 from requeued
        "#,
        id as EmailMessageId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// Queues failed messages again, the oldest first, and says which. Those to nobody stay as they are.
pub(super) async fn requeue_failed(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    which: &FailedFilter,
    by: UserId,
) -> Result<Vec<EmailMessageId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with failed as (
            select id
            from email_messages
            where status = 'failed' and right(recipient, length($5)) <> $5
              and ($1::text is null or lower(recipient) = lower($1))
              and ($2::text is null or kind = $2)
            order by id
            limit $6
            for no key update skip locked
        ), requeued as (
            update email_messages m
            set status = 'queued', entries = m.entries + 1
            from failed f
            where m.id = f.id
            returning m.id, m.entries
        ), noted as (
            insert into email_message_history (message_id, position, status, at, by_user)
            select id, entries, 'queued', $3, $4 from requeued
        )
        select id as "id!: EmailMessageId" from requeued order by id
        "#,
        which.recipient,
        which.kind.map(MessageKind::as_str),
        now,
        by as UserId,
        EmailAddress::NOBODY,
        FailedFilter::AT_ONCE,
    )
    .fetch_all(conn)
    .await
}

/// Takes everything personal out of the messages to an address, and says which they are.
pub(super) async fn forget(
    conn: &mut PgConnection,
    address: &str,
    nobody: &EmailAddress,
) -> Result<Vec<EmailMessageId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with forgotten as (
            update email_messages
            set recipient = $2, data = '{}', last_response = null
            where lower(recipient) = lower($1)
            returning id
        ), silenced as (
            update email_message_history h
            set response = null
            from forgotten f
            where h.message_id = f.id
        )
        select id as "id!: EmailMessageId" from forgotten
        "#,
        address,
        nobody.as_str(),
    )
    .fetch_all(conn)
    .await
}
