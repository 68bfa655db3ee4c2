//! What staff sees of all orders.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    OrderOverview, OrderStatus, OverviewFilter, PartOverview, PaymentMethod, SupplierOrderStatus,
};
use crate::{
    ids::{OrderId, OrganizationId, SupplierId, SupplierOrderId},
    money::Money,
    page::Limit,
    payments::{OrderPaymentStatus, Standing},
};

/// A page of all orders, the newest first. What is looked for says where to begin: a number names one order; a supplier, a
/// buyer and a status lead to orders by an index each; without any of them the newest are the page.
///
/// # Errors
/// When the database refuses.
pub async fn list_all(
    conn: &mut PgConnection,
    filter: &OverviewFilter,
    before: Option<OrderId>,
    limit: Limit,
) -> Result<Vec<OrderOverview>, sqlx::Error> {
    let page = Page { filter, before: before.unwrap_or(OrderId(Uuid::max())), limit: limit.and_one() };
    if let Some(number) = &filter.number {
        let ids = with_number(conn, number).await?;
        let mut found = overviews(conn, &ids).await?;
        found.retain(|order| order.id < page.before && filter.fits(order));
        return Ok(found);
    }
    let ids = match (filter.supplier_id, filter.buyer_id) {
        (Some(supplier_id), _) => of_supplier(conn, supplier_id, &page).await?,
        (None, Some(buyer_id)) => of_buyer(conn, buyer_id, &page).await?,
        (None, None) => match (filter.part_status, filter.status) {
            (Some(status), _) => with_parts_at(conn, &[status], &page).await?,
            (None, Some(status)) => with_parts_at(conn, status.of_some_part(), &page).await?,
            (None, None) => newest(conn, &page).await?,
        },
    };
    overviews(conn, &ids).await
}

/// Which page of what.
struct Page<'a> {
    filter: &'a OverviewFilter,
    before: OrderId,
    limit: i64,
}

async fn with_number(conn: &mut PgConnection, number: &str) -> Result<Vec<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(r#"select id as "id: OrderId" from orders where number = $1"#, number)
        .fetch_all(conn)
        .await
}

async fn of_supplier(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    page: &Page<'_>,
) -> Result<Vec<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select o.id as "id: OrderId"
        from supplier_orders s
        join orders o on o.id = s.order_id
        cross join lateral (select array(select status from supplier_orders where order_id = o.id)) as p (statuses)
        where s.supplier_id = $1 and s.order_id < $5
          and ($2::text is null or $2 = any (p.statuses))
          and ($3::text is null or order_status(p.statuses) = $3)
          and ($4::uuid is null or o.organization_id = $4)
        order by s.order_id desc
        limit $6
        "#,
        supplier_id as SupplierId,
        page.filter.part_status as Option<SupplierOrderStatus>,
        page.filter.status as Option<OrderStatus>,
        page.filter.buyer_id as Option<OrganizationId>,
        page.before as OrderId,
        page.limit,
    )
    .fetch_all(conn)
    .await
}

async fn of_buyer(
    conn: &mut PgConnection,
    buyer_id: OrganizationId,
    page: &Page<'_>,
) -> Result<Vec<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select o.id as "id: OrderId"
        from orders o
        cross join lateral (select array(select status from supplier_orders where order_id = o.id)) as p (statuses)
        where o.organization_id = $1 and o.id < $4
          and ($2::text is null or $2 = any (p.statuses))
          and ($3::text is null or order_status(p.statuses) = $3)
        order by o.id desc
        limit $5
        "#,
        buyer_id as OrganizationId,
        page.filter.part_status as Option<SupplierOrderStatus>,
        page.filter.status as Option<OrderStatus>,
        page.before as OrderId,
        page.limit,
    )
    .fetch_all(conn)
    .await
}

/// Orders of which some part stands at one of these, each by the index of parts: a page of each, and of these the newest.
async fn with_parts_at(
    conn: &mut PgConnection,
    statuses: &[SupplierOrderStatus],
    page: &Page<'_>,
) -> Result<Vec<OrderId>, sqlx::Error> {
    let words: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
    sqlx::query_scalar!(
        r#"
        select distinct found.order_id as "id: OrderId"
        from unnest($1::text[]) as wanted (status)
        cross join lateral (
            select s.order_id
            from supplier_orders s
            cross join lateral (
                select array(select status from supplier_orders where order_id = s.order_id)
            ) as p (statuses)
            where s.status = wanted.status and s.order_id < $3
              and ($2::text is null or order_status(p.statuses) = $2)
            group by s.order_id
            order by s.order_id desc
            limit $4
        ) as found
        order by found.order_id desc
        limit $4
        "#,
        &words as &[&str],
        page.filter.status as Option<OrderStatus>,
        page.before as OrderId,
        page.limit,
    )
    .fetch_all(conn)
    .await
}

async fn newest(conn: &mut PgConnection, page: &Page<'_>) -> Result<Vec<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id as "id: OrderId" from orders where id < $1 order by id desc limit $2"#,
        page.before as OrderId,
        page.limit,
    )
    .fetch_all(conn)
    .await
}

/// These orders at a glance, the newest first.
async fn overviews(conn: &mut PgConnection, ids: &[OrderId]) -> Result<Vec<OrderOverview>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            o.id as "id: OrderId", o.number, o.created_at, o.total_minor as "total: Money", o.currency,
            o.payment_method as "payment_method: PaymentMethod", g.id as "buyer_id: OrganizationId",
            g.name as buyer_name,
            (
                select coalesce(sum(p.subtotal_minor), 0)
                from supplier_orders p
                where p.order_id = o.id and p.status not in ('refused', 'canceled')
            )::bigint as "wanted!: Money",
            money.*
        from orders o
        join organizations g on g.id = o.organization_id
        cross join lateral (
            select
                coalesce(sum(y.captured_minor), 0)::bigint as "captured!: Money",
                coalesce(sum(y.refunded_minor), 0)::bigint as "refunded!: Money",
                coalesce(bool_or(y.status = 'authorized'), false) as "authorized!",
                coalesce(bool_or(y.status = 'invoiced'), false) as "invoiced!",
                coalesce(bool_or(y.status = 'invoiced' and y.overdue_at is not null), false) as "overdue!",
                max(y.disagreement) as disagreement
            from payments y
            where y.order_id = o.id
        ) as money
        where o.id = any ($1)
        order by o.id desc
        "#,
        ids as &[OrderId],
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut parts = parts_of(conn, ids).await?;
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
        disagreement: row.disagreement,
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
