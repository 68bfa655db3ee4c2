//! Closing accounts, and what goes with them.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    accounts::{EmailAddress, OrganizationKind},
    ids::{OrganizationId, UserId},
};

/// Somebody whose account is about to be closed, erased or opened again.
pub(in crate::accounts) struct Member {
    pub(in crate::accounts) organization_id: OrganizationId,
    pub(in crate::accounts) kind: OrganizationKind,
    pub(in crate::accounts) email: String,
    pub(in crate::accounts) open: bool,
    /// Whether nobody else of their organization can sign in.
    pub(in crate::accounts) last: bool,
}

/// Locks somebody's organization, so that its people are closed one after the other, and finds them. Who was erased
/// is nobody any more.
pub(in crate::accounts) async fn lock_member(
    conn: &mut PgConnection,
    user_id: UserId,
) -> Result<Option<Member>, sqlx::Error> {
    sqlx::query!(
        r#"
        select
        from organizations
        where id = (select organization_id from users where id = $1)
        for no key update
        "#,
        user_id as UserId,
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query_as!(
        Member,
        r#"
        select
            u.organization_id as "organization_id: OrganizationId", o.kind as "kind: OrganizationKind", u.email,
            u.closed_at is null as "open!",
            not exists (
                select
                from users other
                where other.organization_id = u.organization_id and other.id <> u.id and other.closed_at is null
                  and other.email_confirmed_at is not null
            ) as "last!"
        from users u
        join organizations o on o.id = u.organization_id
        where u.id = $1 and u.erased_at is null
        for no key update of u
        "#,
        user_id as UserId,
    )
    .fetch_optional(conn)
    .await
}

/// Closes an account, or opens it again.
pub(in crate::accounts) async fn set_closed(
    conn: &mut PgConnection,
    user_id: UserId,
    closed_at: Option<OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update users set closed_at = $2 where id = $1", user_id as UserId, closed_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes everything personal out of an account. What orders point at stays: that there was somebody.
pub(in crate::accounts) async fn erase_user(
    conn: &mut PgConnection,
    user_id: UserId,
    address: &EmailAddress,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update users
        set email = $2, password_hash = '', first_name = '—', last_name = '—', company = null, position = null,
            closed_at = coalesce(closed_at, $3), erased_at = $3
        where id = $1
        "#,
        user_id as UserId,
        address.as_str(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from sessions where user_id = $1", user_id as UserId).execute(&mut *conn).await?;
    sqlx::query!("delete from one_time_tokens where user_id = $1", user_id as UserId).execute(conn).await?;
    Ok(())
}

/// Takes a buyer's name out of their organization, which may be a person's. Where there are orders it stays: they
/// say who bought.
pub(in crate::accounts) async fn erase_organization_name(
    conn: &mut PgConnection,
    id: OrganizationId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update organizations
        set name = '—'
        where id = $1 and kind = 'buyer' and not exists (select from orders where organization_id = $1)
        "#,
        id as OrganizationId,
    )
    .execute(conn)
    .await?;
    Ok(())
}
