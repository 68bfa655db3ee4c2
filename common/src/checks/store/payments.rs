//! I4: what was paid.

use sqlx::PgConnection;

use super::super::model::{AT_MOST, Found};
use crate::{
    payments::jobs::{ExpireOrder, FinalizePayment, RefundPayment},
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

/// Parts that a card pays and that were sent though their money is not ours.
pub(in super::super) async fn unpaid_shipments(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier order ' || p.id as "subject!",
            format('is %s, and no capture pays for it', p.status) as "detail!"
        from supplier_orders p
        join orders o on o.id = p.order_id and o.payment_method = 'card'
        where p.status in ('sent', 'delivered')
          and not exists (
            select
            from payment_allocations a
            join payments y on y.id = a.payment_id and y.status = 'captured'
            where a.supplier_order_id = p.id and a.wanted
          )
        order by p.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Orders that a card is to pay, of which something is left, whose money is neither held nor ours, and that nobody will
/// call off: they do not wait for it, or no job sees to their time.
pub(in super::super) async fn forgotten_orders(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'order ' || o.id as "subject!",
            case
                when o.pay_until is null then 'its money is neither held nor ours, and it does not wait for it'
                else format('it waits for its money until %s, and has no job %s', o.pay_until, $1::text)
            end as "detail!"
        from orders o
        where o.payment_method = 'card'
          and exists (
            select from supplier_orders p where p.order_id = o.id and p.status not in ('refused', 'canceled')
          )
          and not exists (
            select from payments y where y.order_id = o.id and y.status in ('authorized', 'captured')
          )
          and (
            o.pay_until is null
            or not exists (
                select
                from jobs j
                where j.kind = $1 and j.state in ('ready', 'running', 'dead') and j.payload ->> 'order_id' = o.id::text
            )
          )
        order by o.id
        limit $2
        "#,
        ExpireOrder::KIND,
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
            where r.payment_id = y.id and r.status <> 'failed'
        ) as r
        where a.wanted
          and r.returned < a.amount_minor and r.of_all < y.captured_minor
          and not exists (
            select
            from jobs j
            where j.kind = $1 and j.state in ('ready', 'running') and j.payload ->> 'payment_id' = y.id::text
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
