//! What staff sees of all orders.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::super::{OrderOverview, OverviewFilter, PartOverview, PaymentMethod, SupplierOrderStatus};
use crate::{
    ids::{OrderId, OrganizationId, SupplierId, SupplierOrderId},
    money::Money,
    page::Limit,
    payments::{OrderPaymentStatus, Standing},
};

/// A page of all orders, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn list_all(
    conn: &mut PgConnection,
    filter: &OverviewFilter,
    before: Option<OrderId>,
    limit: Limit,
) -> Result<Vec<OrderOverview>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            o.id as "id: OrderId", o.number, o.created_at, o.total_minor as "total: Money", o.currency,
            o.payment_method as "payment_method: PaymentMethod", g.id as "buyer_id: OrganizationId",
            g.name as buyer_name, parts.wanted as "wanted!: Money", money.*
        from orders o
        join organizations g on g.id = o.organization_id
        cross join lateral (
            select
                case
                    when bool_and(p.status = 'new') then 'new'
                    when bool_and(p.status in ('canceled', 'refused')) then 'canceled'
                    when bool_and(p.status in ('delivered', 'canceled', 'refused')) then 'delivered'
                    else 'in_progress'
                end as status,
                bool_or(p.status = $2) as has_part_status,
                bool_or(p.supplier_id = $3) as has_supplier,
                coalesce(sum(p.subtotal_minor) filter (where p.status not in ('refused', 'canceled')), 0)::bigint
                    as wanted
            from supplier_orders p
            where p.order_id = o.id
        ) as parts
        cross join lateral (
            select
                coalesce(sum(y.captured_minor), 0)::bigint as "captured!: Money",
                coalesce(sum(y.refunded_minor), 0)::bigint as "refunded!: Money",
                coalesce(bool_or(y.status = 'authorized'), false) as "authorized!",
                coalesce(bool_or(y.status = 'invoiced'), false) as "invoiced!",
                coalesce(bool_or(y.status = 'invoiced' and y.overdue_at is not null), false) as "overdue!"
            from payments y
            where y.order_id = o.id
        ) as money
        where ($1::text is null or parts.status = $1)
          and ($2::text is null or parts.has_part_status)
          and ($3::uuid is null or parts.has_supplier)
          and ($4::uuid is null or o.organization_id = $4)
          and ($5::text is null or o.number = $5)
          and ($6::uuid is null or o.id < $6)
        order by o.id desc
        limit $7
        "#,
        filter.status.map(|status| status.as_str()),
        filter.part_status as Option<SupplierOrderStatus>,
        filter.supplier_id as Option<SupplierId>,
        filter.buyer_id as Option<OrganizationId>,
        filter.number,
        before as Option<OrderId>,
        limit.and_one(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<OrderId> = rows.iter().map(|row| row.id).collect();
    let mut parts = parts_of(conn, &ids).await?;
    let orders = rows.into_iter().map(|row| OrderOverview {
        parts: parts.remove(&row.id).unwrap_or_default(),
        id: row.id,
        number: row.number,
        created_at: row.created_at,
        total: row.total,
        currency: row.currency,
        payment_method: row.payment_method,
        payment_status: OrderPaymentStatus::of(&Standing {
            wanted: row.wanted,
            captured: row.captured,
            refunded: row.refunded,
            authorized: row.authorized,
            invoiced: row.invoiced,
            overdue: row.overdue,
        }),
        buyer_id: row.buyer_id,
        buyer_name: row.buyer_name,
    });
    Ok(orders.collect())
}

async fn parts_of(
    conn: &mut PgConnection,
    orders: &[OrderId],
) -> Result<HashMap<OrderId, Vec<PartOverview>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            p.order_id as "order_id: OrderId", p.id as "id: SupplierOrderId", p.supplier_id as "supplier_id: SupplierId",
            g.name as supplier_name, p.status as "status: SupplierOrderStatus", p.subtotal_minor as "subtotal: Money"
        from supplier_orders p
        join organizations g on g.id = p.supplier_id
        where p.order_id = any ($1)
        order by p.id
        "#,
        orders as &[OrderId],
    )
    .fetch_all(conn)
    .await?;
    let mut parts: HashMap<OrderId, Vec<PartOverview>> = HashMap::new();
    for row in rows {
        parts.entry(row.order_id).or_default().push(PartOverview {
            id: row.id,
            supplier_id: row.supplier_id,
            supplier_name: row.supplier_name,
            status: row.status,
            subtotal: row.subtotal,
        });
    }
    Ok(parts)
}

/// Whose a supplier order is.
///
/// # Errors
/// When the database refuses.
pub async fn supplier_of_part(
    conn: &mut PgConnection,
    id: SupplierOrderId,
) -> Result<Option<SupplierId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select supplier_id as "id: SupplierId" from supplier_orders where id = $1"#,
        id as SupplierOrderId,
    )
    .fetch_optional(conn)
    .await
}
