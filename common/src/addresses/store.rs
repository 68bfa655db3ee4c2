//! All SQL of addresses. Each statement names the organization: somebody else's address is not there.

use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

use super::{Address, AddressLabel, SavedAddress};
use crate::{
    ids::{AddressId, OrganizationId},
    page::Limit,
};

/// How many addresses an organization may keep.
const ADDRESS_LIMIT: i64 = 500;

/// Why an address is not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The organization has as many as it may.
    #[error("delete one that is not used any more")]
    TooMany,
    /// Everybody of the organization was closed or erased meanwhile.
    #[error("the organization has nobody left")]
    Deserted,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Keeps an address.
///
/// # Errors
/// [`KeepError`]; nothing is kept then.
pub async fn insert(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    saved: &SavedAddress,
    now: OffsetDateTime,
) -> Result<(), KeepError> {
    // The organization's row keeps additions apart, so that two at once cannot pass the limit together, and none comes
    // after the erasure of the organization's last person, which removes them.
    sqlx::query!(
        "select from organizations where id = $1 for no key update",
        organization_id as OrganizationId
    )
    .fetch_optional(&mut *conn)
    .await?;
    let has_people = sqlx::query_scalar!(
        r#"select exists (select from users where organization_id = $1 and closed_at is null) as "has!""#,
        organization_id as OrganizationId,
    )
    .fetch_one(&mut *conn)
    .await?;
    if !has_people {
        return Err(KeepError::Deserted);
    }
    let kept = sqlx::query!(
        r#"
        insert into addresses (id, organization_id, label, address, created_at)
        select $1, $2, $3, $4, $5
        where (select count(*) from addresses where organization_id = $2) < $6
        "#,
        saved.id as AddressId,
        organization_id as OrganizationId,
        saved.label.as_ref() as Option<&AddressLabel>,
        Json(&saved.address) as _,
        now,
        ADDRESS_LIMIT,
    )
    .execute(conn)
    .await?;
    if kept.rows_affected() == 1 { Ok(()) } else { Err(KeepError::TooMany) }
}

/// A page of an organization's addresses, the oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    after: Option<AddressId>,
    limit: Limit,
) -> Result<Vec<SavedAddress>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select id as "id: AddressId", label as "label: AddressLabel", address as "address: Json<Address>"
        from addresses
        where organization_id = $1 and ($2::uuid is null or id > $2)
        order by id
        limit $3
        "#,
        organization_id as OrganizationId,
        after as Option<AddressId>,
        limit.and_one(),
    )
    .fetch_all(conn)
    .await?;
    let saved = |id, label, address: Json<Address>| SavedAddress { id, label, address: address.0 };
    Ok(rows.into_iter().map(|row| saved(row.id, row.label, row.address)).collect())
}

/// One of an organization's addresses.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    id: AddressId,
) -> Result<Option<SavedAddress>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select id as "id: AddressId", label as "label: AddressLabel", address as "address: Json<Address>"
        from addresses
        where id = $1 and organization_id = $2
        "#,
        id as AddressId,
        organization_id as OrganizationId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| SavedAddress { id: row.id, label: row.label, address: row.address.0 }))
}

/// Changes one of an organization's addresses; false when it has no such one. Orders keep their copies.
///
/// # Errors
/// When the database refuses.
pub async fn replace(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    saved: &SavedAddress,
) -> Result<bool, sqlx::Error> {
    let replaced = sqlx::query!(
        "update addresses set label = $3, address = $4 where id = $1 and organization_id = $2",
        saved.id as AddressId,
        organization_id as OrganizationId,
        saved.label.as_ref() as Option<&AddressLabel>,
        Json(&saved.address) as _,
    )
    .execute(conn)
    .await?;
    Ok(replaced.rows_affected() == 1)
}

/// Forgets one of an organization's addresses; false when it has no such one. Orders keep their copies.
///
/// # Errors
/// When the database refuses.
pub async fn delete(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    id: AddressId,
) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query!(
        "delete from addresses where id = $1 and organization_id = $2",
        id as AddressId,
        organization_id as OrganizationId,
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Removes all addresses of an organization.
///
/// # Errors
/// When the database refuses.
pub async fn delete_all(conn: &mut PgConnection, organization_id: OrganizationId) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from addresses where organization_id = $1", organization_id as OrganizationId)
        .execute(conn)
        .await?;
    Ok(())
}
