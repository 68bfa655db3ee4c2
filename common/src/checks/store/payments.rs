//! I4: what was paid, and I3: the histories of payments.

use sqlx::PgConnection;

use super::super::model::{AT_MOST, Found, Machine};
use crate::{
    payments::{
        PaymentKind,
        jobs::{FinalizePayment, RefundPayment},
    },
    queue::Job,
};

/// Payments whose figures do not add up: what came is what is allocated, what went back is what refunds say, and no
/// more goes back than came.
pub(in super::super) async fn unbalanced_payments(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'payment ' || y.id as "subject!",
            format(
                'is %s with captured_minor %s and refunded_minor %s; %s is allocated, %s went back, %s is on its way',
                y.status, y.captured_minor, y.refunded_minor, a.allocated, r.back, r.pending
            ) as "detail!"
        from payments y
        cross join lateral (
            select coalesce(sum(a.amount_minor), 0) as allocated
            from payment_allocations a
            where a.payment_id = y.id and a.wanted
        ) as a
        cross join lateral (
            select
                coalesce(sum(r.amount_minor) filter (where r.status = 'succeeded'), 0) as back,
                coalesce(sum(r.amount_minor) filter (where r.status = 'pending'), 0) as pending
            from refunds r
            where r.payment_id = y.id
        ) as r
        where case when y.status = 'captured' then y.captured_minor <> a.allocated else y.captured_minor <> 0 end
           or y.refunded_minor <> r.back
           or r.back + r.pending > y.captured_minor
        order by y.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Parts that are paid, but not by what they cost: twice, by another order's payment, or by another amount.
pub(in super::super) async fn mispaid_parts(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier order ' || p.id as "subject!",
            format(
                'costs %s; %s captures pay %s for it, %s of them of another order', p.subtotal_minor, count(*),
                sum(a.amount_minor), count(*) filter (where y.order_id <> p.order_id)
            ) as "detail!"
        from payment_allocations a
        join payments y on y.id = a.payment_id and y.status = 'captured'
        join supplier_orders p on p.id = a.supplier_order_id
        where a.wanted
        group by p.id
        having sum(a.amount_minor) <> p.subtotal_minor or bool_or(y.order_id <> p.order_id)
        order by p.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Parts of orders paid by invoice that have no invoice over what they cost, or one that waits for money though they
/// were called off, or one that was canceled though they were not.
pub(in super::super) async fn misinvoiced_parts(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier order ' || p.id as "subject!",
            case
                when y.id is null then 'has no invoice; its order is paid by invoice'
                else format(
                    'is %s and costs %s; its invoice is %s over %s', p.status, p.subtotal_minor, y.status, y.amount_minor
                )
            end as "detail!"
        from supplier_orders p
        join orders o on o.id = p.order_id and o.payment_method = 'invoice'
        left join payments y on y.supplier_order_id = p.id
        where y.id is null
           or y.amount_minor <> p.subtotal_minor
           or (p.status in ('refused', 'canceled') and y.status = 'invoiced')
           or (p.status not in ('refused', 'canceled') and y.status = 'canceled')
        order by p.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Orders paid by card that suppliers saw before their money was held, or did not see though it is.
pub(in super::super) async fn misreleased_orders(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'order ' || o.id as "subject!",
            case
                when o.released_at is null then 'its money is ours, and its suppliers never saw it'
                else 'its suppliers saw it, though its money was never held'
            end as "detail!"
        from orders o
        where o.payment_method = 'card'
          and case
            when o.released_at is null then exists (
                select
                from payments y
                join supplier_orders p on p.order_id = y.order_id and p.status not in ('refused', 'canceled')
                where y.order_id = o.id and y.status = 'captured'
            )
            else not exists (
                select
                from payments y
                join payment_history h on h.payment_id = y.id
                where y.order_id = o.id and h.status = 'authorized'
            )
          end
        order by o.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// What a card paid for parts that were called off since, and that does not go back.
pub(in super::super) async fn unreturned_money(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'payment ' || y.id as "subject!",
            format(
                'paid %s for supplier order %s, which is %s; %s of it goes back, and no job sees to the rest',
                a.amount_minor, p.id, p.status, r.returned
            ) as "detail!"
        from payment_allocations a
        join payments y on y.id = a.payment_id and y.status = 'captured' and y.kind = 'card'
        join supplier_orders p on p.id = a.supplier_order_id and p.status in ('refused', 'canceled')
        cross join lateral (
            select
                coalesce(sum(r.amount_minor) filter (where r.supplier_order_id = p.id), 0) as returned,
                coalesce(sum(r.amount_minor), 0) as of_all
            from refunds r
            where r.payment_id = y.id
        ) as r
        where a.wanted
          and r.returned < a.amount_minor and r.of_all < y.captured_minor
          and not exists (
            select
            from jobs j
            where j.kind = $1 and j.state in ('ready', 'running', 'dead') and j.payload ->> 'payment_id' = y.id::text
          )
        order by y.id, p.id
        limit $2
        "#,
        FinalizePayment::KIND,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Refunds on their way that no job sees to.
pub(in super::super) async fn forgotten_refunds(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'refund ' || r.id as "subject!",
            format('is pending, and has %s jobs %s', count(j.id), $1::text) as "detail!"
        from refunds r
        left join jobs j
            on j.kind = $1 and j.state in ('ready', 'running', 'dead') and j.payload ->> 'refund_id' = r.id::text
        where r.status = 'pending'
        group by r.id
        having count(j.id) = 0
        order by r.id
        limit $2
        "#,
        RefundPayment::KIND,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Steps of payments of a kind that the state machine does not have.
pub(in super::super) async fn illegal_payment_moves(
    conn: &mut PgConnection,
    kind: PaymentKind,
) -> Result<Vec<Found>, sqlx::Error> {
    let machine = Machine::of_payments(kind);
    sqlx::query_as!(
        Found,
        r#"
        select
            'payment ' || h.payment_id as "subject!",
            case
                when h.before is null then format('its history begins with %s; it should with %s', h.status, $1::text)
                else format('its history goes from %s to %s; that move is not legal', h.before, h.status)
            end as "detail!"
        from (
            select
                h.payment_id, h.status, h.position,
                lag(h.status) over (partition by h.payment_id order by h.position) as before
            from payment_history h
            join payments y on y.id = h.payment_id and y.kind = $5
        ) as h
        where case
            when h.before is null then h.status <> $1
            else (h.before, h.status) not in (select m.before, m.after from unnest($2::text[], $3::text[]) as m (before, after))
        end
        order by h.payment_id, h.position
        limit $4
        "#,
        machine.start,
        &machine.from,
        &machine.to,
        AT_MOST,
        kind as PaymentKind,
    )
    .fetch_all(conn)
    .await
}

/// Payments that do not stand where their history ends, or that have none.
pub(in super::super) async fn misplaced_payments(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'payment ' || y.id as "subject!",
            format('its status is %s; its history %s', y.status, coalesce('ends with ' || h.status, 'is empty'))
                as "detail!"
        from payments y
        left join (
            select distinct on (payment_id) payment_id, status
            from payment_history
            order by payment_id, position desc
        ) as h on h.payment_id = y.id
        where h.status is distinct from y.status
        order by y.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}
