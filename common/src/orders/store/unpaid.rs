//! Orders that wait for a card.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    ids::{OrderId, OrganizationId, SupplierOrderId, UserId},
    locale::Locale,
    money::Money,
};

/// Marks an order released; tells who placed it, and nothing when it was released before or when nothing is left.
pub(in super::super) async fn release(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: OrderId,
) -> Result<Option<(OrganizationId, UserId)>, sqlx::Error> {
    // The lock first: an order whose time is up is called off under the same one, and what is left must be seen after.
    sqlx::query!("select from orders where id = $1 for no key update", id as OrderId)
        .fetch_one(&mut *conn)
        .await?;
    let row = sqlx::query!(
        r#"
        update orders o
        set released_at = $2
        where o.id = $1 and o.released_at is null
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
    Ok(row.map(|row| (row.organization_id, row.user_id)))
}

/// Locks the stock of what an order still reserves, in offer order.
pub(in super::super) async fn lock_stock_of_order(
    conn: &mut PgConnection,
    id: OrderId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        select
        from offer_stock s
        join order_lines l on l.offer_id = s.offer_id
        join supplier_orders p on p.id = l.supplier_order_id
        where p.order_id = $1 and p.status in ('new', 'confirmed', 'assembled')
        order by s.offer_id
        for no key update of s
        "#,
        id as OrderId,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Locks an order; whether it still waits to be released.
pub(in super::super) async fn lock_unreleased(
    conn: &mut PgConnection,
    id: OrderId,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query!(
        "select from orders where id = $1 and released_at is null for no key update",
        id as OrderId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Cancels the parts of an order that still can be, by nobody; returns which.
pub(in super::super) async fn cancel_parts(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: OrderId,
) -> Result<Vec<SupplierOrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with canceled as (
            update supplier_orders
            set status = 'canceled'
            where order_id = $1 and status in ('new', 'confirmed', 'assembled')
            returning id
        )
        insert into supplier_order_history (id, supplier_order_id, position, status, at, by_role)
        select
            uuid_v7(), c.id,
            (select max(h.position) + 1 from supplier_order_history h where h.supplier_order_id = c.id),
            'canceled', $2, 'system'
        from canceled c
        returning supplier_order_id as "id: SupplierOrderId"
        "#,
        id as OrderId,
        now,
    )
    .fetch_all(conn)
    .await
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
