//! All SQL of idempotency keys.

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{KeptAnswer, KeyedRequest};
use crate::ids::UserId;

pub(super) async fn try_lock(conn: &mut PgConnection, request: &KeyedRequest) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended($1::text || '/' || $2, 1)) as "locked!""#,
        request.user_id.to_string(),
        request.key.0,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn find(
    conn: &mut PgConnection,
    request: &KeyedRequest,
    not_before: OffsetDateTime,
) -> Result<Option<(Vec<u8>, KeptAnswer)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select request_hash, status, location, body as "body: Value"
        from idempotency_keys
        where user_id = $1 and key = $2 and created_at > $3
        "#,
        request.user_id as UserId,
        request.key.0,
        not_before,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let status = row.status.unsigned_abs();
        (row.request_hash, KeptAnswer { status, location: row.location, body: row.body })
    }))
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    request: &KeyedRequest,
    answer: &KeptAnswer,
) -> Result<(), sqlx::Error> {
    // An expired one may still stand there until it is pruned.
    sqlx::query!(
        r#"
        insert into idempotency_keys (user_id, key, request_hash, status, location, body, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (user_id, key) do update
        set request_hash = excluded.request_hash, status = excluded.status, location = excluded.location,
            body = excluded.body, created_at = excluded.created_at
        "#,
        request.user_id as UserId,
        request.key.0,
        request.hash.0,
        i16::try_from(answer.status).unwrap_or(200),
        answer.location,
        answer.body,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets a user's keys and answers.
///
/// # Errors
/// When the database refuses.
pub async fn forget(conn: &mut PgConnection, user_id: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from idempotency_keys where user_id = $1", user_id as UserId).execute(conn).await?;
    Ok(())
}
