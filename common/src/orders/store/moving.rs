//! Moving the parts of orders along. Buyers and suppliers reach only what is theirs; staff reaches all.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::{Actor, Step, SupplierOrderStatus, model::StockEffect};
use crate::{
    ids::{OrderId, OrganizationId, SupplierOrderId, UserId},
    locale::Locale,
};

/// Locks the stock of a part's lines, in offer order; nothing when the part is not its actor's.
pub(in super::super) async fn lock_stock_of_part(
    conn: &mut PgConnection,
    actor: Actor,
    part_id: SupplierOrderId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        select
        from offer_stock s
        join order_lines l on l.offer_id = s.offer_id
        join supplier_orders p on p.id = l.supplier_order_id
        join orders o on o.id = p.order_id
        where p.id = $1
          and case $2
            when 'buyer' then o.organization_id = $3
            when 'supplier' then p.supplier_id = $3 and o.released_at is not null
            when 'staff' then true
          end
        order by s.offer_id
        for no key update of s
        "#,
        part_id as SupplierOrderId,
        actor.role.as_str(),
        actor.organization_id as OrganizationId,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// A part that its actor may move.
pub(in super::super) struct LockedPart {
    pub(in super::super) status: SupplierOrderStatus,
}

pub(in super::super) async fn lock_part(
    conn: &mut PgConnection,
    actor: Actor,
    part_id: SupplierOrderId,
) -> Result<Option<LockedPart>, sqlx::Error> {
    sqlx::query_as!(
        LockedPart,
        r#"
        select p.status as "status: SupplierOrderStatus"
        from supplier_orders p
        join orders o on o.id = p.order_id
        where p.id = $1
          and case $2
            when 'buyer' then o.organization_id = $3
            when 'supplier' then p.supplier_id = $3 and o.released_at is not null
            when 'staff' then true
          end
        for update of p
        "#,
        part_id as SupplierOrderId,
        actor.role.as_str(),
        actor.organization_id as OrganizationId,
    )
    .fetch_optional(conn)
    .await
}

/// Compare-and-set (decision 6).
pub(in super::super) async fn set_status(
    conn: &mut PgConnection,
    part_id: SupplierOrderId,
    from: SupplierOrderStatus,
    to: SupplierOrderStatus,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query!(
        "update supplier_orders set status = $3 where id = $1 and status = $2",
        part_id as SupplierOrderId,
        from as SupplierOrderStatus,
        to as SupplierOrderStatus,
    )
    .execute(conn)
    .await?;
    Ok(moved.rows_affected() == 1)
}

pub(in super::super) async fn insert_history(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    actor: Actor,
    step: &Step,
) -> Result<Uuid, sqlx::Error> {
    let id = Uuid::now_v7();
    sqlx::query!(
        r#"
        insert into supplier_order_history (id, supplier_order_id, position, status, at, by_user, by_role, comment)
        select $1, $2, max(position) + 1, $3, $4, $5, $6, $7
        from supplier_order_history
        where supplier_order_id = $2
        "#,
        id,
        step.part_id as SupplierOrderId,
        step.to as SupplierOrderStatus,
        now,
        actor.user_id as UserId,
        actor.role.as_str(),
        step.comment,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Ends the reservation of a part's lines: shipped goods leave the stock too, which stops at zero where the
/// supplier's list said less meanwhile; the ledger keeps what really left.
pub(in super::super) async fn give_up_reservation(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    part_id: SupplierOrderId,
    effect: StockEffect,
) -> Result<(), sqlx::Error> {
    let (kind, ships) = match effect {
        StockEffect::Ship => ("shipped", true),
        StockEffect::Release => ("released", false),
    };
    sqlx::query!(
        r#"
        with given as (
            select s.offer_id, l.accepted, case when $2 then least(s.stock, l.accepted) else 0 end as leaves
            from order_lines l
            join offer_stock s on s.offer_id = l.offer_id
            where l.supplier_order_id = $1
        ),
        changed as (
            update offer_stock s
            set stock = s.stock - g.leaves, reserved = s.reserved - g.accepted
            from given g
            where s.offer_id = g.offer_id
            returning s.offer_id, s.stock, s.reserved, g.leaves, g.accepted
        ),
        lines as (
            update order_lines set shipped = accepted where supplier_order_id = $1 and $2
        )
        insert into stock_movements (
            id, offer_id, at, kind, cause, stock_delta, reserved_delta, stock_after, reserved_after
        )
        select uuid_v7(), offer_id, $3, $4, $1, -leaves, -accepted, stock, reserved
        from changed
        "#,
        part_id as SupplierOrderId,
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
    pub(in super::super) order_id: OrderId,
    pub(in super::super) number: String,
    pub(in super::super) supplier_name: String,
    pub(in super::super) first_name: String,
    pub(in super::super) email: String,
    pub(in super::super) locale: Locale,
}

pub(in super::super) async fn buyer_of_part(
    conn: &mut PgConnection,
    part_id: SupplierOrderId,
) -> Result<Told, sqlx::Error> {
    sqlx::query_as!(
        Told,
        r#"
        select
            o.id as "order_id: OrderId", o.number, g.name as supplier_name, u.first_name, u.email,
            u.locale as "locale: Locale"
        from supplier_orders p
        join orders o on o.id = p.order_id
        join users u on u.id = o.user_id
        join organizations g on g.id = p.supplier_id
        where p.id = $1
        "#,
        part_id as SupplierOrderId,
    )
    .fetch_one(conn)
    .await
}
