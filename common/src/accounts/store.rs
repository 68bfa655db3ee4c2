//! All SQL of accounts.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    Credentials, EmailAddress, NewStaff, OrganizationKind, PasswordHash, Profile, Purpose, Registration,
    TokenHash,
};
use crate::{
    ids::{OrganizationId, SessionId, UserId},
    locale::Locale,
};

/// Who holds an address.
pub(super) struct Holder {
    pub(super) id: UserId,
    pub(super) organization_id: OrganizationId,
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) locale: Locale,
    pub(super) confirmed: bool,
}

/// Finds who holds an address, and keeps registrations of the same address apart until the transaction ends.
pub(super) async fn lock_address(
    conn: &mut PgConnection,
    email: &EmailAddress,
) -> Result<Option<Holder>, sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended(lower($1), 0))", email.as_str())
        .execute(&mut *conn)
        .await?;
    sqlx::query_as!(
        Holder,
        r#"
        select
            id as "id: UserId", organization_id as "organization_id: OrganizationId", email, first_name,
            locale as "locale: Locale", email_confirmed_at is not null as "confirmed!"
        from users
        where lower(email) = lower($1)
        for update
        "#,
        email.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Removes a user who never confirmed, with the organization they founded and all their messages.
pub(super) async fn delete_user_and_organization(
    conn: &mut PgConnection,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from users where id = $1 and email_confirmed_at is null", user_id as UserId)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from organizations where id = $1", organization_id as OrganizationId)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn insert_organization(
    conn: &mut PgConnection,
    id: OrganizationId,
    registration: &Registration,
    approved_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let kind = registration.organization_kind();
    sqlx::query!(
        "insert into organizations (id, kind, name, approved_at, created_at) values ($1, $2, $3, $4, $5)",
        id as OrganizationId,
        kind as OrganizationKind,
        registration.organization_name(),
        approved_at,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if kind == OrganizationKind::Supplier {
        sqlx::query!("insert into suppliers (id, updated_at) values ($1, $2)", id as OrganizationId, now)
            .execute(conn)
            .await?;
    }
    Ok(())
}

pub(super) async fn insert_user(
    conn: &mut PgConnection,
    id: UserId,
    organization_id: OrganizationId,
    registration: &Registration,
    password_hash: &PasswordHash,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into users (
            id, organization_id, email, password_hash, first_name, last_name, company, position, locale, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        id as UserId,
        organization_id as OrganizationId,
        registration.email.as_str(),
        password_hash as &PasswordHash,
        registration.first_name.as_str(),
        registration.last_name.as_str(),
        registration.company.as_ref().map(|company| company.as_str()),
        registration.position.as_ref().map(|position| position.as_str()),
        registration.locale as Locale,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The organization that runs the installation; it is founded by the first who asks.
pub(super) async fn find_or_found_operator(
    conn: &mut PgConnection,
    now: OffsetDateTime,
) -> Result<OrganizationId, sqlx::Error> {
    sqlx::query!(
        r#"
        insert into organizations (id, kind, name, approved_at, created_at)
        values ($1, 'operator', 'Postavka', $2, $2)
        on conflict (kind) where kind = 'operator' do nothing
        "#,
        OrganizationId::new() as OrganizationId,
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(r#"select id as "id: OrganizationId" from organizations where kind = 'operator'"#)
        .fetch_one(conn)
        .await
}

pub(super) async fn insert_staff(
    conn: &mut PgConnection,
    id: UserId,
    organization_id: OrganizationId,
    staff: &NewStaff,
    password_hash: &PasswordHash,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into users (
            id, organization_id, email, password_hash, first_name, last_name, locale, email_confirmed_at, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        "#,
        id as UserId,
        organization_id as OrganizationId,
        staff.email.as_str(),
        password_hash as &PasswordHash,
        staff.first_name.as_str(),
        staff.last_name.as_str(),
        staff.locale as Locale,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert_token(
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
pub(super) async fn lock_token_owner(conn: &mut PgConnection, hash: &TokenHash) -> Result<(), sqlx::Error> {
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
pub(super) async fn use_token(
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

pub(super) async fn confirm_user(
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

pub(super) async fn find_credentials(
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

pub(super) async fn insert_session(
    conn: &mut PgConnection,
    id: SessionId,
    user_id: UserId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into sessions (id, user_id, created_at) values ($1, $2, $3)",
        id as SessionId,
        user_id as UserId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert_refresh_token(
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
pub(super) enum Spent {
    /// It was good, and is used up now.
    Now { session_id: SessionId, owner: Credentials },
    /// It had been used up already.
    Before { session_id: SessionId, at: OffsetDateTime },
    /// There is no such token, or it or its session has ended.
    Unknown,
}

pub(super) async fn spend_refresh_token(
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

pub(super) async fn end_session(
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

pub(super) async fn end_session_of_token(
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

pub(super) async fn find_profile(
    conn: &mut PgConnection,
    user_id: UserId,
) -> Result<Option<Profile>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select
            u.id as "id: UserId", u.email, u.first_name, u.last_name, u.company, u.position,
            u.locale as "locale: Locale", o.kind as "kind: OrganizationKind"
        from users u
        join organizations o on o.id = u.organization_id
        where u.id = $1 and u.closed_at is null
        "#,
        user_id as UserId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Profile {
        id: row.id,
        email: row.email,
        first_name: row.first_name,
        last_name: row.last_name,
        company: row.company,
        position: row.position,
        role: row.kind.into(),
        locale: row.locale,
    }))
}
