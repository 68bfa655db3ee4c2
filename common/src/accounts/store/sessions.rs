//! Signing in, and staying so.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    accounts::{Credentials, EmailAddress, OrganizationKind, PasswordHash, TokenHash},
    ids::{OrganizationId, SessionId, UserId},
};

pub(in crate::accounts) async fn find_credentials(
    conn: &mut PgConnection,
    email: &EmailAddress,
) -> Result<Option<Credentials>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select
            u.id as "user_id: UserId", u.organization_id as "organization_id: OrganizationId",
            o.kind as "kind: OrganizationKind", u.password_hash as "password_hash: PasswordHash",
            u.email_confirmed_at
        from users u
        join organizations o on o.id = u.organization_id
        where lower(u.email) = lower($1) and u.closed_at is null
        "#,
        email.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Credentials {
        user_id: row.user_id,
        organization_id: row.organization_id,
        role: row.kind.into(),
        password_hash: row.password_hash,
        confirmed_at: row.email_confirmed_at,
    }))
}

/// Starts a session of somebody whose password was just verified; false when it was changed or the account closed
/// meanwhile. The user's row keeps it apart from both.
pub(in crate::accounts) async fn insert_session(
    conn: &mut PgConnection,
    id: SessionId,
    owner: &Credentials,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let started = sqlx::query!(
        r#"
        insert into sessions (id, user_id, created_at)
        select $1, u.id, $3
        from users u
        where u.id = $2 and u.closed_at is null and u.password_hash = $4
        for share of u
        "#,
        id as SessionId,
        owner.user_id as UserId,
        now,
        &owner.password_hash as &PasswordHash,
    )
    .execute(conn)
    .await?;
    Ok(started.rows_affected() == 1)
}

/// Whether a session goes on: one read by its key. Whoever closes an account ends its sessions.
///
/// # Errors
/// When the database refuses.
pub async fn session_goes_on(conn: &mut PgConnection, id: SessionId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from sessions where id = $1 and ended_at is null) as "goes_on!""#,
        id as SessionId,
    )
    .fetch_one(conn)
    .await
}

/// Ends the sessions of a user, all but one where one is to go on.
pub(in crate::accounts) async fn end_sessions(
    conn: &mut PgConnection,
    user_id: UserId,
    except: Option<SessionId>,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update sessions
        set ended_at = $3
        where user_id = $1 and ended_at is null and id is distinct from $2
        "#,
        user_id as UserId,
        except as Option<SessionId>,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::accounts) async fn insert_refresh_token(
    conn: &mut PgConnection,
    hash: &TokenHash,
    session_id: SessionId,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into refresh_tokens (token_hash, session_id, issued_at, expires_at) values ($1, $2, $3, $4)",
        hash as &TokenHash,
        session_id as SessionId,
        now,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What became of offering a refresh token.
pub(in crate::accounts) enum Spent {
    /// It was good, and is used up now.
    Now { session_id: SessionId, owner: Credentials },
    /// It had been used up already.
    Before { session_id: SessionId, at: OffsetDateTime },
    /// There is no such token, or it or its session has ended.
    Unknown,
}

pub(in crate::accounts) async fn spend_refresh_token(
    conn: &mut PgConnection,
    hash: &TokenHash,
    now: OffsetDateTime,
) -> Result<Spent, sqlx::Error> {
    let token = sqlx::query!(
        r#"
        select
            t.session_id as "session_id: SessionId", t.used_at,
            u.id as "user_id: UserId", u.organization_id as "organization_id: OrganizationId",
            o.kind as "kind: OrganizationKind", u.password_hash as "password_hash: PasswordHash",
            u.email_confirmed_at
        from refresh_tokens t
        join sessions s on s.id = t.session_id
        join users u on u.id = s.user_id
        join organizations o on o.id = u.organization_id
        where t.token_hash = $1 and t.expires_at > $2 and s.ended_at is null and u.closed_at is null
        for update of t
        "#,
        hash as &TokenHash,
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(token) = token else { return Ok(Spent::Unknown) };
    if let Some(at) = token.used_at {
        return Ok(Spent::Before { session_id: token.session_id, at });
    }
    sqlx::query!("update refresh_tokens set used_at = $2 where token_hash = $1", hash as &TokenHash, now)
        .execute(conn)
        .await?;
    let owner = Credentials {
        user_id: token.user_id,
        organization_id: token.organization_id,
        role: token.kind.into(),
        password_hash: token.password_hash,
        confirmed_at: token.email_confirmed_at,
    };
    Ok(Spent::Now { session_id: token.session_id, owner })
}

pub(in crate::accounts) async fn end_session(
    conn: &mut PgConnection,
    id: SessionId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update sessions set ended_at = $2 where id = $1 and ended_at is null",
        id as SessionId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::accounts) async fn end_session_of_token(
    conn: &mut PgConnection,
    hash: &TokenHash,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update sessions
        set ended_at = $2
        where id = (select session_id from refresh_tokens where token_hash = $1) and ended_at is null
        "#,
        hash as &TokenHash,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
