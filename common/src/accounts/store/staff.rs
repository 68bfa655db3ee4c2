//! What staff sees of all accounts, and approves.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    accounts::{OrganizationFilter, OrganizationKind, OrganizationSummary, UserFilter, UserSummary},
    ids::{OrganizationId, UserId},
    locale::Locale,
    page::Limit,
};

/// A page of all users but those who were erased, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn list_users(
    conn: &mut PgConnection,
    filter: &UserFilter,
    before: Option<UserId>,
    limit: Limit,
) -> Result<Vec<UserSummary>, sqlx::Error> {
    sqlx::query_as!(
        UserSummary,
        r#"
        select
            u.id as "id: UserId", u.email, u.first_name, u.last_name, u.company, u.position,
            u.locale as "locale: Locale", o.kind as "kind: OrganizationKind",
            o.id as "organization_id: OrganizationId", o.name as organization_name, u.email_confirmed_at, u.closed_at,
            u.created_at
        from users u
        join organizations o on o.id = u.organization_id
        where u.erased_at is null
          and ($1::uuid is null or u.id = $1)
          and ($2::text is null or o.kind = $2)
          and ($3::boolean is null or (u.closed_at is null) = $3)
          and ($4::uuid is null or u.organization_id = $4)
          and (
            $5::text is null
            or position(lower($5) in lower(concat_ws(' ', u.email, u.first_name, u.last_name, u.company, o.name))) > 0
          )
          and ($6::uuid is null or u.id < $6)
        order by u.id desc
        limit $7
        "#,
        filter.id as Option<UserId>,
        filter.kind as Option<OrganizationKind>,
        filter.active,
        filter.organization_id as Option<OrganizationId>,
        filter.words,
        before as Option<UserId>,
        limit.and_one(),
    )
    .fetch_all(conn)
    .await
}

/// A page of all organizations, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn list_organizations(
    conn: &mut PgConnection,
    filter: &OrganizationFilter,
    before: Option<OrganizationId>,
    limit: Limit,
) -> Result<Vec<OrganizationSummary>, sqlx::Error> {
    sqlx::query_as!(
        OrganizationSummary,
        r#"
        select
            o.id as "id: OrganizationId", o.kind as "kind: OrganizationKind", o.name, o.approved_at, o.created_at,
            (
                select count(*)
                from users u
                where u.organization_id = o.id and u.closed_at is null and u.email_confirmed_at is not null
            ) as "people!"
        from organizations o
        where ($1::uuid is null or o.id = $1)
          and ($2::text is null or o.kind = $2)
          and ($3::boolean is null or (o.approved_at is not null) = $3)
          and ($4::text is null or position(lower($4) in lower(o.name)) > 0)
          and ($5::uuid is null or o.id < $5)
        order by o.id desc
        limit $6
        "#,
        filter.id as Option<OrganizationId>,
        filter.kind as Option<OrganizationKind>,
        filter.approved,
        filter.words,
        before as Option<OrganizationId>,
        limit.and_one(),
    )
    .fetch_all(conn)
    .await
}

/// Approves an organization that waits for it; false when there is nothing to approve.
pub(in crate::accounts) async fn approve(
    conn: &mut PgConnection,
    id: OrganizationId,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let approved = sqlx::query!(
        "update organizations set approved_at = $2 where id = $1 and approved_at is null and kind <> 'operator'",
        id as OrganizationId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(approved.rows_affected() == 1)
}

/// An organization that waits for approval.
pub(in crate::accounts) struct Waiting {
    pub(in crate::accounts) id: OrganizationId,
    pub(in crate::accounts) kind: OrganizationKind,
    pub(in crate::accounts) name: String,
}

/// Somebody's organization, if it waits for approval.
pub(in crate::accounts) async fn find_waiting(
    conn: &mut PgConnection,
    user_id: UserId,
) -> Result<Option<Waiting>, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"
        select o.id as "id: OrganizationId", o.kind as "kind: OrganizationKind", o.name
        from organizations o
        where o.id = (select organization_id from users where id = $1) and o.approved_at is null
        "#,
        user_id as UserId,
    )
    .fetch_optional(conn)
    .await
}

/// Somebody who can sign in, as they are written to.
pub(in crate::accounts) struct Recipient {
    pub(in crate::accounts) email: String,
    pub(in crate::accounts) first_name: String,
    pub(in crate::accounts) locale: Locale,
}

pub(in crate::accounts) async fn people_of(
    conn: &mut PgConnection,
    id: OrganizationId,
) -> Result<Vec<Recipient>, sqlx::Error> {
    sqlx::query_as!(
        Recipient,
        r#"
        select email, first_name, locale as "locale: Locale"
        from users
        where organization_id = $1 and closed_at is null and email_confirmed_at is not null
        order by id
        limit 1000
        "#,
        id as OrganizationId,
    )
    .fetch_all(conn)
    .await
}
