//! Secrets that were mailed.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    accounts::{Purpose, TokenHash},
    ids::UserId,
};

pub(in crate::accounts) async fn insert_token(
    conn: &mut PgConnection,
    hash: &TokenHash,
    user_id: UserId,
    purpose: Purpose,
    expires_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into one_time_tokens (token_hash, user_id, purpose, expires_at) values ($1, $2, $3, $4)",
        hash as &TokenHash,
        user_id as UserId,
        purpose as Purpose,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the owner of a token, as a new registration of their address does, before the token itself.
pub(in crate::accounts) async fn lock_token_owner(
    conn: &mut PgConnection,
    hash: &TokenHash,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        select
        from users u
        where u.id = (select user_id from one_time_tokens where token_hash = $1)
        for update of u
        "#,
        hash as &TokenHash,
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// Uses a token up, once, and says whose it was.
pub(in crate::accounts) async fn use_token(
    conn: &mut PgConnection,
    hash: &TokenHash,
    purpose: Purpose,
    now: OffsetDateTime,
) -> Result<Option<UserId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        update one_time_tokens
        set used_at = $3
        where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3
        returning user_id as "user_id: UserId"
        "#,
        hash as &TokenHash,
        purpose as Purpose,
        now,
    )
    .fetch_optional(conn)
    .await
}

pub(in crate::accounts) async fn confirm_user(
    conn: &mut PgConnection,
    user_id: UserId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update users set email_confirmed_at = coalesce(email_confirmed_at, $2) where id = $1",
        user_id as UserId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a token would be taken.
pub(in crate::accounts) async fn is_good(
    conn: &mut PgConnection,
    hash: &TokenHash,
    purpose: Purpose,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select
            from one_time_tokens t
            join users u on u.id = t.user_id
            where t.token_hash = $1 and t.purpose = $2 and t.used_at is null and t.expires_at > $3
              and u.closed_at is null
        ) as "good!"
        "#,
        hash as &TokenHash,
        purpose as Purpose,
        now,
    )
    .fetch_one(conn)
    .await
}

/// Uses up whatever tokens for a purpose a user still has.
pub(in crate::accounts) async fn use_up_tokens(
    conn: &mut PgConnection,
    user_id: UserId,
    purpose: Purpose,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update one_time_tokens set used_at = $3 where user_id = $1 and purpose = $2 and used_at is null",
        user_id as UserId,
        purpose as Purpose,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
