//! Founding organizations with their people.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    accounts::{EmailAddress, NewStaff, OrganizationKind, PasswordHash, Registration},
    ids::{OrganizationId, SupplierId, UserId},
    locale::Locale,
};

/// Who holds an address.
pub(in crate::accounts) struct Holder {
    pub(in crate::accounts) id: UserId,
    pub(in crate::accounts) organization_id: OrganizationId,
    pub(in crate::accounts) email: String,
    pub(in crate::accounts) first_name: String,
    pub(in crate::accounts) locale: Locale,
    /// Whether the address is theirs for good: confirmed once, or closed by staff.
    pub(in crate::accounts) settled: bool,
}

/// Finds who holds an address, and keeps registrations of the same address apart until the transaction ends.
pub(in crate::accounts) async fn lock_address(
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
            locale as "locale: Locale", (email_confirmed_at is not null or closed_at is not null) as "settled!"
        from users
        where lower(email) = lower($1)
        for update
        "#,
        email.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Removes a user who never confirmed, with the organization they founded and all their messages. A supplier that has a
/// price list all the same (0.1.0 let staff upload one) stays, since orders may name its offers: it is returned.
pub(in crate::accounts) async fn delete_deserted(
    conn: &mut PgConnection,
    deserted: Option<&Holder>,
) -> Result<Option<SupplierId>, sqlx::Error> {
    sqlx::query!(
        "delete from users where id = $1 and email_confirmed_at is null",
        deserted.map(|holder| holder.id) as Option<UserId>,
    )
    .execute(&mut *conn)
    .await?;
    let deleted = sqlx::query!(
        "delete from organizations where id = $1 and not exists (select from price_imports where supplier_id = $1)",
        deserted.map(|holder| holder.organization_id) as Option<OrganizationId>,
    )
    .execute(conn)
    .await?;
    let left = deserted.filter(|_| deleted.rows_affected() == 0);
    Ok(left.map(|holder| holder.organization_id.into()))
}

/// An organization about to be founded by its first person.
pub(in crate::accounts) struct Founding<'a> {
    pub(in crate::accounts) organization_id: OrganizationId,
    pub(in crate::accounts) user_id: UserId,
    pub(in crate::accounts) registration: &'a Registration,
    pub(in crate::accounts) password_hash: &'a PasswordHash,
    pub(in crate::accounts) approved_at: Option<OffsetDateTime>,
    /// Whether it is meant: where it is not, the same statements leave nothing behind.
    pub(in crate::accounts) meant: bool,
}

pub(in crate::accounts) async fn found(
    conn: &mut PgConnection,
    founding: &Founding<'_>,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let registration = founding.registration;
    let kind = registration.organization_kind();
    sqlx::query!(
        r#"
        insert into organizations (id, kind, name, approved_at, created_at)
        select $1, $2, $3, $4, $5
        where $6
        "#,
        founding.organization_id as OrganizationId,
        kind as OrganizationKind,
        registration.organization_name(),
        founding.approved_at,
        now,
        founding.meant,
    )
    .execute(&mut *conn)
    .await?;
    if kind == OrganizationKind::Supplier {
        sqlx::query!(
            "insert into suppliers (id, updated_at) select $1, $2 where $3",
            founding.organization_id as OrganizationId,
            now,
            founding.meant,
        )
        .execute(&mut *conn)
        .await?;
    }
    sqlx::query!(
        r#"
        insert into users (
            id, organization_id, email, password_hash, first_name, last_name, company, position, locale,
            terms_accepted, created_at
        )
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
        where $12
        "#,
        founding.user_id as UserId,
        founding.organization_id as OrganizationId,
        registration.email.as_str(),
        founding.password_hash as &PasswordHash,
        registration.first_name.as_str(),
        registration.last_name.as_str(),
        registration.company.as_ref().map(|company| company.as_str()),
        registration.position.as_ref().map(|position| position.as_str()),
        registration.locale as Locale,
        registration.terms_accepted.as_deref(),
        now,
        founding.meant,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The organization that runs the installation; it is founded by the first who asks.
pub(in crate::accounts) async fn find_or_found_operator(
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

pub(in crate::accounts) async fn insert_staff(
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
