//! All SQL of the outbox.

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{MessageKind, NewMessage, OutgoingMessage};
use crate::{
    ids::{EmailMessageId, UserId},
    locale::Locale,
};

pub(super) async fn insert(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    messages: &[NewMessage],
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
        insert into email_messages (id, cause, kind, recipient, locale, data, user_id, created_at)
        select n.*, $8
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::uuid[]) as n
        on conflict on constraint email_messages_once do nothing
        returning id as "id: EmailMessageId"
        "#,
        &ids as &[EmailMessageId],
        &causes,
        &kinds,
        &recipients,
        &locales,
        &data,
        &users as &[Option<UserId>],
        now,
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
    id: EmailMessageId,
) -> Result<Option<OutgoingMessage>, sqlx::Error> {
    sqlx::query_as!(
        OutgoingMessage,
        r#"
        update email_messages
        set status = 'sending', attempts = attempts + 1
        where id = $1 and status in ('queued', 'sending')
        returning
            id as "id: EmailMessageId", kind as "kind: MessageKind", recipient, locale as "locale: Locale", data,
            user_id as "user_id: UserId"
        "#,
        id as EmailMessageId,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn mark_sent(
    conn: &mut PgConnection,
    id: EmailMessageId,
    now: OffsetDateTime,
    response: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update email_messages
        set status = 'sent', sent_at = $2, last_response = $3
        where id = $1 and status in ('queued', 'sending')
        "#,
        id as EmailMessageId,
        now,
        response,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn defer(
    conn: &mut PgConnection,
    id: EmailMessageId,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update email_messages set status = 'queued', last_response = $2 where id = $1 and status = 'sending'",
        id as EmailMessageId,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn fail(
    conn: &mut PgConnection,
    id: EmailMessageId,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update email_messages
        set status = 'failed', last_response = $2
        where id = $1 and status in ('queued', 'sending')
        "#,
        id as EmailMessageId,
        error,
    )
    .execute(conn)
    .await?;
    Ok(())
}
