//! Looking at messages and their stories.

use sqlx::PgConnection;

use crate::{
    ids::{EmailMessageId, UserId},
    locale::Locale,
    mail::{MessageEvent, MessageFilter, MessageKind, MessageStatus, MessageSummary},
    page::Limit,
};

/// How many entries of a story are shown: the last ones.
const LONGEST_STORY: i64 = 500;

/// A page of messages, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &mut PgConnection,
    filter: &MessageFilter,
    before: Option<EmailMessageId>,
    limit: Limit,
) -> Result<Vec<MessageSummary>, sqlx::Error> {
    sqlx::query_as!(
        MessageSummary,
        r#"
        select
            id as "id: EmailMessageId", cause, kind as "kind: MessageKind", recipient, locale as "locale: Locale",
            status as "status: MessageStatus", attempts, copy, last_response, created_at, sent_at
        from email_messages
        where ($1::text is null or lower(recipient) = lower($1))
          and ($2::text is null or status = $2)
          and ($3::text is null or kind = $3)
          and ($4::uuid is null or id < $4)
        order by id desc
        limit $5
        "#,
        filter.recipient,
        filter.status.map(MessageStatus::as_str),
        filter.kind.map(MessageKind::as_str),
        before as Option<EmailMessageId>,
        limit.and_one(),
    )
    .fetch_all(conn)
    .await
}

/// One message.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    conn: &mut PgConnection,
    id: EmailMessageId,
) -> Result<Option<MessageSummary>, sqlx::Error> {
    sqlx::query_as!(
        MessageSummary,
        r#"
        select
            id as "id: EmailMessageId", cause, kind as "kind: MessageKind", recipient, locale as "locale: Locale",
            status as "status: MessageStatus", attempts, copy, last_response, created_at, sent_at
        from email_messages
        where id = $1
        "#,
        id as EmailMessageId,
    )
    .fetch_optional(conn)
    .await
}

/// What became of a message, from its first entry on; of a very long story the last 500.
///
/// # Errors
/// When the database refuses.
pub async fn story(conn: &mut PgConnection, id: EmailMessageId) -> Result<Vec<MessageEvent>, sqlx::Error> {
    let mut story = sqlx::query_as!(
        MessageEvent,
        r#"
        select status as "status: MessageStatus", at, response, by_user as "by_user: UserId"
        from email_message_history
        where message_id = $1
        order by position desc
        limit $2
        "#,
        id as EmailMessageId,
        LONGEST_STORY,
    )
    .fetch_all(conn)
    .await?;
    story.reverse();
    Ok(story)
}
