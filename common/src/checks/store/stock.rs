//! I1: stock, reservations, and the ledger of both.

use sqlx::PgConnection;

use super::super::model::{AT_MOST, Found, reserving};

/// Offers that nobody could order, since they have no row of stock.
pub(in super::super) async fn offers_without_stock(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select 'offer ' || o.id as "subject!", 'has no row in offer_stock; every offer has one' as "detail!"
        from offers o
        where not exists (select from offer_stock s where s.offer_id = o.id)
        order by o.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Offers whose reservation is not what their open order lines hold.
pub(in super::super) async fn unfounded_reservations(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'offer ' || s.offer_id as "subject!",
            format('reserved is %s; its open order lines hold %s', s.reserved, coalesce(h.accepted, 0)) as "detail!"
        from offer_stock s
        left join (
            select l.offer_id, sum(l.accepted) as accepted
            from order_lines l
            join supplier_orders p on p.id = l.supplier_order_id
            where p.status = any ($1)
            group by l.offer_id
        ) as h on h.offer_id = s.offer_id
        where s.reserved <> coalesce(h.accepted, 0)
        order by s.offer_id
        limit $2
        "#,
        &reserving(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Offers whose movements do not add up to what they have, or of whose movements none ends there.
pub(in super::super) async fn unbalanced_ledgers(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'offer ' || s.offer_id as "subject!",
            format(
                'stock is %s and reserved %s; its %s movements add up to %s and %s, and %s of them end there',
                s.stock, s.reserved, count(m.id), coalesce(sum(m.stock_delta), 0), coalesce(sum(m.reserved_delta), 0),
                count(m.id) filter (where m.stock_after = s.stock and m.reserved_after = s.reserved)
            ) as "detail!"
        from offer_stock s
        left join stock_movements m on m.offer_id = s.offer_id
        group by s.offer_id
        having coalesce(sum(m.stock_delta), 0) <> s.stock
            or coalesce(sum(m.reserved_delta), 0) <> s.reserved
            or not coalesce(bool_or(m.stock_after = s.stock and m.reserved_after = s.reserved), true)
        order by s.offer_id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Offers whose movements do not follow from each other.
///
/// Movements of one moment have no order among themselves, so none is assumed. Instead: each state that a
/// movement comes to, another leaves, but for the one that the offer is in now; and each that a movement
/// leaves, another came to, but for the empty one that every offer begins in.
pub(in super::super) async fn broken_ledgers(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'offer ' || e.offer_id as "subject!",
            format(
                'its ledger comes to (stock %s, reserved %s) %s times and leaves it %s times, with its beginning and '
                'the present counted; it should be as often',
                e.stock, e.reserved, sum(e.comes), sum(e.leaves)
            ) as "detail!"
        from (
            select offer_id, stock_after as stock, reserved_after as reserved, 1 as comes, 0 as leaves
            from stock_movements
            union all
            select offer_id, stock_after - stock_delta, reserved_after - reserved_delta, 0, 1
            from stock_movements
            union all
            select offer_id, 0, 0, 1, 0
            from offer_stock
            union all
            select offer_id, stock, reserved, 0, 1
            from offer_stock
        ) as e
        group by e.offer_id, e.stock, e.reserved
        having sum(e.comes) <> sum(e.leaves)
        order by e.offer_id, e.stock, e.reserved
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Movements that no statement of ours can have made: of what was not there, or below nothing.
pub(in super::super) async fn impossible_movements(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'offer ' || m.offer_id as "subject!",
            format(
                'movement %s (%s) left stock %s and reserved %s; %s',
                m.id, m.kind, m.stock_after, m.reserved_after,
                case
                    when m.stock_after < 0 or m.reserved_after < 0 then 'neither is ever below 0'
                    else 'only what is available can be reserved'
                end
            ) as "detail!"
        from stock_movements m
        where m.stock_after < 0
           or m.reserved_after < 0
           or (m.kind = 'reserved' and m.reserved_after > m.stock_after)
        order by m.offer_id, m.at, m.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}
