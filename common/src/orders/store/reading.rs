//! Reading orders: buyers by their organization, suppliers by theirs.

use std::collections::HashMap;

use sqlx::{PgConnection, types::Json};

use super::super::{
    Filter, HistoryEntry, Order, OrderLine, OrderStatus, OrderSummary, PaymentMethod, SupplierOrder,
    SupplierOrderStatus, SupplierOrderSummary,
};
use crate::{
    addresses::Address,
    basket::Quantity,
    ids::{OfferId, OrderId, OrganizationId, SupplierId, SupplierOrderId},
    money::Money,
    page::Limit,
    payments::{self, OrderPaymentStatus, Standing},
    vat::VatRate,
};

/// One of an organization's orders, with all its parts.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    id: OrderId,
) -> Result<Option<Order>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select
            number, created_at, total_minor as "total: Money", currency, address as "address: Json<Address>",
            comment, deliver_on, purchase_number, payment_method as "payment_method: PaymentMethod",
            pay_until
        from orders
        where id = $1 and organization_id = $2
        "#,
        id as OrderId,
        organization_id as OrganizationId,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Order {
        id,
        number: row.number,
        created_at: row.created_at,
        total: row.total,
        currency: row.currency,
        address: row.address.0,
        comment: row.comment,
        deliver_on: row.deliver_on,
        purchase_number: row.purchase_number,
        payment_method: row.payment_method,
        pay_until: row.pay_until,
        parts: parts_of(conn, id).await?,
        payments: payments::of_order(conn, id).await?,
    }))
}

/// The parts of an order that its reader may see whole.
async fn parts_of(conn: &mut PgConnection, id: OrderId) -> Result<Vec<SupplierOrder>, sqlx::Error> {
    let parts = sqlx::query!(
        r#"
        select
            p.id as "id: SupplierOrderId", p.supplier_id as "supplier_id: SupplierId", g.name as supplier_name,
            p.status as "status: SupplierOrderStatus", p.subtotal_minor as "subtotal: Money"
        from supplier_orders p
        join organizations g on g.id = p.supplier_id
        where p.order_id = $1
        order by p.id
        "#,
        id as OrderId,
    )
    .fetch_all(&mut *conn)
    .await?;
    let part_ids: Vec<SupplierOrderId> = parts.iter().map(|part| part.id).collect();
    let mut inside = insides(conn, &part_ids).await?;
    let parts = parts.into_iter().map(|part| {
        let (lines, history) = inside.remove(&part.id).unwrap_or_default();
        SupplierOrder {
            id: part.id,
            order_id: id,
            supplier_id: part.supplier_id,
            supplier_name: part.supplier_name,
            status: part.status,
            subtotal: part.subtotal,
            lines,
            history,
        }
    });
    Ok(parts.collect())
}

/// What was ordered with one of an organization's orders: offers and pieces, in the order in which [`find`] has
/// its lines; nothing when it has no such order.
///
/// # Errors
/// When the database refuses.
pub async fn ordered_lines(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    id: OrderId,
) -> Result<Vec<(OfferId, Quantity)>, sqlx::Error> {
    let lines = sqlx::query!(
        r#"
        select l.offer_id as "offer_id: OfferId", l.ordered as "ordered: Quantity"
        from orders o
        join supplier_orders p on p.order_id = o.id
        join order_lines l on l.supplier_order_id = p.id
        where o.id = $1 and o.organization_id = $2
        order by p.id, l.position
        "#,
        id as OrderId,
        organization_id as OrganizationId,
    )
    .fetch_all(conn)
    .await?;
    Ok(lines.into_iter().map(|line| (line.offer_id, line.ordered)).collect())
}

type Inside = (Vec<OrderLine>, Vec<HistoryEntry>);

/// The lines and the history of parts.
async fn insides(
    conn: &mut PgConnection,
    parts: &[SupplierOrderId],
) -> Result<HashMap<SupplierOrderId, Inside>, sqlx::Error> {
    let mut insides: HashMap<SupplierOrderId, Inside> = HashMap::new();
    let lines = sqlx::query!(
        r#"
        select
            supplier_order_id as "part: SupplierOrderId", offer_id as "offer_id: OfferId", product_name, sku,
            price_minor as "price: Money", vat_rate as "vat_rate: VatRate", unit, accepted,
            sum_minor as "sum: Money"
        from order_lines
        where supplier_order_id = any ($1)
        order by supplier_order_id, position
        "#,
        parts as &[SupplierOrderId],
    )
    .fetch_all(&mut *conn)
    .await?;
    for line in lines {
        insides.entry(line.part).or_default().0.push(OrderLine {
            offer_id: line.offer_id,
            product_name: line.product_name,
            sku: line.sku,
            price: line.price,
            vat_rate: line.vat_rate,
            unit: line.unit,
            quantity: line.accepted,
            sum: line.sum,
        });
    }
    let history = sqlx::query!(
        r#"
        select
            supplier_order_id as "part: SupplierOrderId", status as "status: SupplierOrderStatus", at, by_role,
            comment
        from supplier_order_history
        where supplier_order_id = any ($1)
        order by supplier_order_id, position
        "#,
        parts as &[SupplierOrderId],
    )
    .fetch_all(conn)
    .await?;
    for entry in history {
        insides.entry(entry.part).or_default().1.push(HistoryEntry {
            status: entry.status,
            at: entry.at,
            by: entry.by_role,
            comment: entry.comment,
        });
    }
    Ok(insides)
}

/// A page of an organization's orders, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    filter: &Filter<OrderStatus>,
    before: Option<OrderId>,
    limit: Limit,
) -> Result<Vec<OrderSummary>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            o.id as "id: OrderId", o.number, o.created_at, o.total_minor as "total: Money", o.currency,
            s.status as "status!: OrderStatus",
            (
                select coalesce(sum(p.subtotal_minor), 0)
                from supplier_orders p
                where p.order_id = o.id and p.status not in ('refused', 'canceled')
            )::bigint as "wanted!: Money",
            money.*
        from orders o
        cross join lateral (
            select order_status(array(select p.status from supplier_orders p where p.order_id = o.id)) as status
        ) as s
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
        where o.organization_id = $1
          and ($2::uuid is null or o.id < $2)
          and ($3::text is null or s.status = $3)
          and ($4::timestamptz is null or o.created_at >= $4)
          and ($5::timestamptz is null or o.created_at < $5)
          and ($6::text is null or strpos(lower(o.number || ' ' || coalesce(o.purchase_number, '')), lower($6)) > 0)
        order by o.id desc
        limit $7
        "#,
        organization_id as OrganizationId,
        before as Option<OrderId>,
        filter.status as Option<OrderStatus>,
        filter.created_from,
        filter.created_to,
        filter.q,
        limit.and_one(),
    )
    .fetch_all(conn)
    .await?;
    let orders = rows.into_iter().map(|row| OrderSummary {
        id: row.id,
        number: row.number,
        created_at: row.created_at,
        total: row.total,
        currency: row.currency,
        status: row.status,
        payment_status: OrderPaymentStatus::of(&Standing {
            wanted: row.wanted,
            captured: row.captured,
            refunded: row.refunded,
            authorized: row.authorized,
            invoiced: row.invoiced,
            overdue: row.overdue,
        }),
    });
    Ok(orders.collect())
}

/// One of a supplier's parts.
///
/// # Errors
/// When the database refuses.
pub async fn find_part(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    id: SupplierOrderId,
) -> Result<Option<SupplierOrderSummary>, sqlx::Error> {
    let filter = Filter::default();
    let wanted = Wanted { only: Some(id), before: None, unreleased: false, filter: &filter, limit: 1 };
    Ok(read_parts(conn, supplier_id, &wanted).await?.pop())
}

/// The same for staff, who sees it before its supplier does.
///
/// # Errors
/// When the database refuses.
pub async fn find_part_for_staff(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    id: SupplierOrderId,
) -> Result<Option<SupplierOrderSummary>, sqlx::Error> {
    let filter = Filter::default();
    let wanted = Wanted { only: Some(id), before: None, unreleased: true, filter: &filter, limit: 1 };
    Ok(read_parts(conn, supplier_id, &wanted).await?.pop())
}

/// A page of a supplier's parts, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn list_parts(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    filter: &Filter<SupplierOrderStatus>,
    before: Option<SupplierOrderId>,
    limit: Limit,
) -> Result<Vec<SupplierOrderSummary>, sqlx::Error> {
    let wanted = Wanted { only: None, before, unreleased: false, filter, limit: limit.and_one() };
    read_parts(conn, supplier_id, &wanted).await
}

/// Which of a supplier's parts to read.
struct Wanted<'a> {
    only: Option<SupplierOrderId>,
    before: Option<SupplierOrderId>,
    /// Those too that their supplier does not see yet.
    unreleased: bool,
    filter: &'a Filter<SupplierOrderStatus>,
    limit: i64,
}

async fn read_parts(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    wanted: &Wanted<'_>,
) -> Result<Vec<SupplierOrderSummary>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            p.id as "id: SupplierOrderId", p.order_id as "order_id: OrderId",
            p.status as "status: SupplierOrderStatus", p.subtotal_minor as "subtotal: Money",
            s.name as supplier_name, o.number, o.created_at, o.currency, o.address as "address: Json<Address>",
            o.comment, o.deliver_on, b.name as buyer_name
        from supplier_orders p
        join organizations s on s.id = p.supplier_id
        join orders o on o.id = p.order_id
        join organizations b on b.id = o.organization_id
        where p.supplier_id = $1
          and ($2::uuid is null or p.id = $2)
          and ($3::uuid is null or p.id < $3)
          and ($4::text is null or p.status = $4)
          and ($9 or o.released_at is not null)
          and ($5::timestamptz is null or o.created_at >= $5)
          and ($6::timestamptz is null or o.created_at < $6)
          and ($7::text is null or strpos(lower(o.number), lower($7)) > 0)
        order by p.id desc
        limit $8
        "#,
        supplier_id as SupplierId,
        wanted.only as Option<SupplierOrderId>,
        wanted.before as Option<SupplierOrderId>,
        wanted.filter.status as Option<SupplierOrderStatus>,
        wanted.filter.created_from,
        wanted.filter.created_to,
        wanted.filter.q,
        wanted.limit,
        wanted.unreleased,
    )
    .fetch_all(&mut *conn)
    .await?;
    let part_ids: Vec<SupplierOrderId> = rows.iter().map(|row| row.id).collect();
    let mut inside = insides(conn, &part_ids).await?;
    let parts = rows.into_iter().map(|row| {
        let (lines, history) = inside.remove(&row.id).unwrap_or_default();
        SupplierOrderSummary {
            part: SupplierOrder {
                id: row.id,
                order_id: row.order_id,
                supplier_id,
                supplier_name: row.supplier_name,
                status: row.status,
                subtotal: row.subtotal,
                lines,
                history,
            },
            order_number: row.number,
            created_at: row.created_at,
            currency: row.currency,
            buyer_name: row.buyer_name,
            address: row.address.0,
            comment: row.comment,
            deliver_on: row.deliver_on,
        }
    });
    Ok(parts.collect())
}
