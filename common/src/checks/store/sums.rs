//! I2: what an order costs.

use sqlx::PgConnection;

use super::super::model::{AT_MOST, Found};

/// Orders whose total is not the sum of their parts, or that have none.
pub(in super::super) async fn wrong_totals(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'order ' || o.id as "subject!",
            format(
                'total_minor is %s; its %s parts add up to %s', o.total_minor, count(p.id),
                coalesce(sum(p.subtotal_minor), 0)
            ) as "detail!"
        from orders o
        left join supplier_orders p on p.order_id = o.id
        group by o.id
        having count(p.id) = 0 or sum(p.subtotal_minor) <> o.total_minor
        order by o.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Parts whose subtotal is not the sum of their lines, or that have none.
pub(in super::super) async fn wrong_subtotals(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier order ' || p.id as "subject!",
            format(
                'subtotal_minor is %s; its %s lines add up to %s', p.subtotal_minor, count(l.offer_id),
                coalesce(sum(l.sum_minor), 0)
            ) as "detail!"
        from supplier_orders p
        left join order_lines l on l.supplier_order_id = p.id
        group by p.id
        having count(l.offer_id) = 0 or sum(l.sum_minor) <> p.subtotal_minor
        order by p.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Lines whose sum is not their price times what was accepted.
pub(in super::super) async fn wrong_line_sums(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier order ' || l.supplier_order_id as "subject!",
            format(
                'sum_minor of offer %s is %s; %s accepted at %s make %s', l.offer_id, l.sum_minor, l.accepted,
                l.price_minor, l.price_minor::numeric * l.accepted
            ) as "detail!"
        from order_lines l
        where l.sum_minor <> l.price_minor::numeric * l.accepted
        order by l.supplier_order_id, l.offer_id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}
