//! Moving the parts of orders along. Buyers and suppliers reach only what is theirs; staff reaches all.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::{By, Named, StockEffect, SupplierOrderStatus};
use crate::{
    ids::{OrderId, OrganizationId, SupplierId, SupplierOrderId, UserId},
    locale::Locale,
};

/// Locks the stock of the lines of what is named, in offer order; nothing that they may not reach.
pub(in super::super) async fn lock_stock(
    conn: &mut PgConnection,
    by: By,
    named: Named,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        select
        from offer_stock s
        join order_lines l on l.offer_id = s.offer_id
        join supplier_orders p on p.id = l.supplier_order_id
        join orders o on o.id = p.order_id
        where ($1::uuid is null or p.id = $1)
          and ($2::uuid is null or p.order_id = $2)
          and case $3
            when 'buyer' then o.organization_id = $4
            when 'supplier' then p.supplier_id = $4 and o.released_at is not null
            when 'staff' then true
            when 'system' then true
          end
        order by s.offer_id
        for no key update of s
        "#,
        named.part_id() as Option<SupplierOrderId>,
        named.order_id() as Option<OrderId>,
        by.as_str(),
        by.organization_id() as Option<OrganizationId>,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Locks the order of what is named, so that it is not released meanwhile; nothing that they may not reach.
pub(in super::super) async fn lock_order(
    conn: &mut PgConnection,
    by: By,
    named: Named,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        select
        from orders o
        where o.id in (
            select p.order_id
            from supplier_orders p
            where ($1::uuid is null or p.id = $1) and ($2::uuid is null or p.order_id = $2)
              and ($3 <> 'supplier' or p.supplier_id = $4)
        )
          and ($3 <> 'buyer' or o.organization_id = $4)
        for no key update
        "#,
        named.part_id() as Option<SupplierOrderId>,
        named.order_id() as Option<OrderId>,
        by.as_str(),
        by.organization_id() as Option<OrganizationId>,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// A part that somebody may move, kept from moving otherwise until the transaction ends.
#[derive(Debug)]
pub(in super::super) struct LockedPart {
    pub(in super::super) id: SupplierOrderId,
    pub(in super::super) status: SupplierOrderStatus,
    pub(in super::super) supplier_id: SupplierId,
    pub(in super::super) order_id: OrderId,
    /// Whether its supplier was told of it.
    pub(in super::super) released: bool,
    /// Whether its money is ours, where a card pays; with net terms it is always so.
    pub(in super::super) paid: bool,
    /// Who ordered.
    pub(in super::super) organization_id: OrganizationId,
    pub(in super::super) user_id: UserId,
}

/// Locks the parts that are named, those that they may reach. Their keys stay free: others may go on pointing at them.
pub(in super::super) async fn lock_parts(
    conn: &mut PgConnection,
    by: By,
    named: Named,
) -> Result<Vec<LockedPart>, sqlx::Error> {
    sqlx::query_as!(
        LockedPart,
        r#"
        select
            p.id as "id: SupplierOrderId", p.status as "status: SupplierOrderStatus",
            p.supplier_id as "supplier_id: SupplierId", p.order_id as "order_id: OrderId",
            o.released_at is not null as "released!",
            (o.payment_method = 'invoice' or exists (
                select
                from payment_allocations a
                join payments y on y.id = a.payment_id
                where a.supplier_order_id = p.id and a.wanted and y.status = 'captured'
            )) as "paid!",
            o.organization_id as "organization_id: OrganizationId", o.user_id as "user_id: UserId"
        from supplier_orders p
        join orders o on o.id = p.order_id
        where ($1::uuid is null or p.id = $1)
          and ($2::uuid is null or p.order_id = $2)
          and case $3
            when 'buyer' then o.organization_id = $4
            when 'supplier' then p.supplier_id = $4 and o.released_at is not null
            when 'staff' then true
            when 'system' then true
          end
        order by p.id
        for no key update of p
        "#,
        named.part_id() as Option<SupplierOrderId>,
        named.order_id() as Option<OrderId>,
        by.as_str(),
        by.organization_id() as Option<OrganizationId>,
    )
    .fetch_all(conn)
    .await
}

/// Locked parts of one order, and where they go: a legal move from where each stands.
#[derive(Debug)]
pub(in super::super) struct Move<'a> {
    pub(in super::super) by: By,
    pub(in super::super) parts: &'a [LockedPart],
    pub(in super::super) to: SupplierOrderStatus,
    pub(in super::super) comment: Option<&'a str>,
}

impl Move<'_> {
    pub(in super::super) fn part_ids(&self) -> Vec<SupplierOrderId> {
        self.parts.iter().map(|part| part.id).collect()
    }
}

/// A line of a part's history.
pub(in super::super) struct Entry {
    pub(in super::super) id: Uuid,
    pub(in super::super) part_id: SupplierOrderId,
}

/// Compare-and-set of each part (decision 6), with a line of history.
pub(in super::super) async fn set_status(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    step: &Move<'_>,
) -> Result<Vec<Entry>, sqlx::Error> {
    let from: Vec<&str> = step.parts.iter().map(|part| part.status.as_str()).collect();
    let entries = sqlx::query_as!(
        Entry,
        r#"
        with moved as (
            update supplier_orders p
            set status = $3
            from unnest($1::uuid[], $2::text[]) as f (id, status)
            where p.id = f.id and p.status = f.status
            returning p.id
        )
        insert into supplier_order_history (id, supplier_order_id, position, status, at, by_user, by_role, comment)
        select
            uuid_v7(), m.id,
            (select max(h.position) + 1 from supplier_order_history h where h.supplier_order_id = m.id),
            $3, $4, $5, $6, $7
        from moved m
        returning id, supplier_order_id as "part_id: SupplierOrderId"
        "#,
        &step.part_ids() as &[SupplierOrderId],
        &from as &[&str],
        step.to as SupplierOrderStatus,
        now,
        step.by.user_id() as Option<UserId>,
        step.by.as_str(),
        step.comment,
    )
    .fetch_all(conn)
    .await?;
    // They are locked, so nobody can have moved one meanwhile.
    if entries.len() == step.parts.len() { Ok(entries) } else { Err(sqlx::Error::RowNotFound) }
}

/// Ends the reservation of the lines of parts: shipped goods leave the stock too, which stops at zero where the
/// supplier's list said less meanwhile; the ledger keeps what really left.
pub(in super::super) async fn give_up_reservations(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    part_ids: &[SupplierOrderId],
    effect: StockEffect,
) -> Result<(), sqlx::Error> {
    let (kind, ships) = match effect {
        StockEffect::Ship => ("shipped", true),
        StockEffect::Release => ("released", false),
    };
    // An offer is its supplier's, and a supplier has one part of an order: no offer is there twice.
    sqlx::query!(
        r#"
        with given as (
            select
                l.supplier_order_id as part, s.offer_id, l.accepted,
                case when $2 then least(s.stock, l.accepted) else 0 end as leaves
            from order_lines l
            join offer_stock s on s.offer_id = l.offer_id
            where l.supplier_order_id = any ($1)
        ),
        changed as (
            update offer_stock s
            set stock = s.stock - g.leaves, reserved = s.reserved - g.accepted
            from given g
            where s.offer_id = g.offer_id
            returning g.part, s.offer_id, s.stock, s.reserved, g.leaves, g.accepted
        ),
        lines as (
            update order_lines set shipped = accepted where supplier_order_id = any ($1) and $2
        )
        insert into stock_movements (
            id, offer_id, at, kind, cause, stock_delta, reserved_delta, stock_after, reserved_after
        )
        select uuid_v7(), offer_id, $3, $4, part, -leaves, -accepted, stock, reserved
        from changed
        "#,
        part_ids as &[SupplierOrderId],
        ships,
        now,
        kind,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who is told that a part moved along.
pub(in super::super) struct Told {
    pub(in super::super) part_id: SupplierOrderId,
    pub(in super::super) order_id: OrderId,
    pub(in super::super) number: String,
    pub(in super::super) supplier_name: String,
    pub(in super::super) first_name: String,
    pub(in super::super) email: String,
    pub(in super::super) locale: Locale,
}

/// The buyers of parts, each with what they know of it.
pub(in super::super) async fn buyers_of(
    conn: &mut PgConnection,
    step: &Move<'_>,
) -> Result<Vec<Told>, sqlx::Error> {
    sqlx::query_as!(
        Told,
        r#"
        select
            p.id as "part_id: SupplierOrderId", o.id as "order_id: OrderId", o.number, g.name as supplier_name,
            u.first_name, u.email, u.locale as "locale: Locale"
        from supplier_orders p
        join orders o on o.id = p.order_id
        join users u on u.id = o.user_id
        join organizations g on g.id = p.supplier_id
        where p.id = any ($1)
        "#,
        &step.part_ids() as &[SupplierOrderId],
    )
    .fetch_all(conn)
    .await
}
