//! Orders that wait for a card.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    ids::{OrderId, OrganizationId, UserId},
    locale::Locale,
    money::Money,
};

/// Marks an order released, and that it waits no more; tells who placed it, and nothing when it was released before or
/// when nothing is left.
pub(in super::super) async fn release(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: OrderId,
) -> Result<Option<(OrganizationId, UserId)>, sqlx::Error> {
    // The lock first: an order whose time is up is called off under the same one, and what is left must be seen after.
    let before = sqlx::query_scalar!(
        r#"select released_at is not null as "released!" from orders where id = $1 for no key update"#,
        id as OrderId,
    )
    .fetch_one(&mut *conn)
    .await?;
    let row = sqlx::query!(
        r#"
        update orders o
        set released_at = coalesce(released_at, $2), pay_until = null
        where o.id = $1 and (o.released_at is null or o.pay_until is not null)
          and exists (
            select from supplier_orders p where p.order_id = o.id and p.status not in ('refused', 'canceled')
          )
        returning organization_id as "organization_id: OrganizationId", user_id as "user_id: UserId"
        "#,
        id as OrderId,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.filter(|_| !before).map(|row| (row.organization_id, row.user_id)))
}

/// Locks an order; until when it waits for its card, if it does.
pub(in super::super) async fn lock_waiting(
    conn: &mut PgConnection,
    id: OrderId,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    let found =
        sqlx::query_scalar!("select pay_until from orders where id = $1 for no key update", id as OrderId,)
            .fetch_optional(conn)
            .await?;
    Ok(found.flatten())
}

/// Has an order wait (again) until then, unless nothing of it is left; whether it does.
pub(in super::super) async fn wait_again(
    conn: &mut PgConnection,
    id: OrderId,
    until: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    // The lock first, as when it is released.
    sqlx::query!("select from orders where id = $1 for no key update", id as OrderId)
        .fetch_one(&mut *conn)
        .await?;
    let waits = sqlx::query!(
        r#"
        update orders o
        set pay_until = $2
        where o.id = $1
          and exists (
            select from supplier_orders p where p.order_id = o.id and p.status not in ('refused', 'canceled')
          )
        "#,
        id as OrderId,
        until,
    )
    .execute(conn)
    .await?;
    Ok(waits.rows_affected() == 1)
}

/// Has an order wait no more.
pub(in super::super) async fn wait_no_more(conn: &mut PgConnection, id: OrderId) -> Result<(), sqlx::Error> {
    sqlx::query!("update orders set pay_until = null where id = $1", id as OrderId).execute(conn).await?;
    Ok(())
}

/// Who is told that an order was called off.
pub(in super::super) struct Told {
    pub(in super::super) number: String,
    pub(in super::super) total: Money,
    pub(in super::super) currency: String,
    pub(in super::super) first_name: String,
    pub(in super::super) email: String,
    pub(in super::super) locale: Locale,
}

pub(in super::super) async fn buyer_of_order(
    conn: &mut PgConnection,
    id: OrderId,
) -> Result<Told, sqlx::Error> {
    sqlx::query_as!(
        Told,
        r#"
        select
            o.number, o.total_minor as "total: Money", o.currency, u.first_name, u.email, u.locale as "locale: Locale"
        from orders o
        join users u on u.id = o.user_id
        where o.id = $1
        "#,
        id as OrderId,
    )
    .fetch_one(conn)
    .await
}
