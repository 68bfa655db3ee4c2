//! I3: the histories of supplier orders, price lists and messages.

use sqlx::PgConnection;

use super::super::model::{AT_MOST, Found, Machine};

/// Steps of supplier orders that the state machine does not have.
pub(in super::super) async fn illegal_part_moves(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    let machine = Machine::of_parts();
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier order ' || h.part as "subject!",
            case
                when h.before is null then format('its history begins with %s; it should with %s', h.status, $1::text)
                else format('its history goes from %s to %s; that move is not legal', h.before, h.status)
            end as "detail!"
        from (
            select
                supplier_order_id as part, status, position,
                lag(status) over (partition by supplier_order_id order by position) as before
            from supplier_order_history
        ) as h
        where case
            when h.before is null then h.status <> $1
            else (h.before, h.status) not in (select m.before, m.after from unnest($2::text[], $3::text[]) as m (before, after))
        end
        order by h.part, h.position
        limit $4
        "#,
        machine.start,
        &machine.from,
        &machine.to,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Supplier orders that do not stand where their history ends, or that have none.
pub(in super::super) async fn misplaced_parts(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier order ' || p.id as "subject!",
            format('its status is %s; its history %s', p.status, coalesce('ends with ' || h.status, 'is empty'))
                as "detail!"
        from supplier_orders p
        left join (
            select distinct on (supplier_order_id) supplier_order_id, status
            from supplier_order_history
            order by supplier_order_id, position desc
        ) as h on h.supplier_order_id = p.id
        where h.status is distinct from p.status
        order by p.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Steps of imports that the state machine does not have.
pub(in super::super) async fn illegal_import_moves(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    let machine = Machine::of_imports();
    sqlx::query_as!(
        Found,
        r#"
        select
            'import ' || h.import_id as "subject!",
            case
                when h.before is null then format('its history begins with %s; it should with %s', h.status, $1::text)
                else format('its history goes from %s to %s; that move is not legal', h.before, h.status)
            end as "detail!"
        from (
            select
                import_id, status, position,
                lag(status) over (partition by import_id order by position) as before
            from price_import_history
        ) as h
        where case
            when h.before is null then h.status <> $1
            else (h.before, h.status) not in (select m.before, m.after from unnest($2::text[], $3::text[]) as m (before, after))
        end
        order by h.import_id, h.position
        limit $4
        "#,
        machine.start,
        &machine.from,
        &machine.to,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Imports that do not stand where their history ends, or that have none.
pub(in super::super) async fn misplaced_imports(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'import ' || i.id as "subject!",
            format('its status is %s; its history %s', i.status, coalesce('ends with ' || h.status, 'is empty'))
                as "detail!"
        from price_imports i
        left join (
            select distinct on (import_id) import_id, status
            from price_import_history
            order by import_id, position desc
        ) as h on h.import_id = i.id
        where h.status is distinct from i.status
        order by i.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Steps of messages that the state machine does not have, or that are not in their place.
pub(in super::super) async fn illegal_message_moves(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    let machine = Machine::of_messages();
    sqlx::query_as!(
        Found,
        r#"
        select
            'message ' || h.message_id as "subject!",
            case
                when h.position <> h.place then format('its story has entry %s in place %s', h.position, h.place)
                when h.before is null then format('its story begins with %s; it should with %s', h.status, $1::text)
                else format('its story goes from %s to %s; that move is not legal', h.before, h.status)
            end as "detail!"
        from (
            select
                message_id, status, position,
                row_number() over (partition by message_id order by position) as place,
                lag(status) over (partition by message_id order by position) as before
            from email_message_history
        ) as h
        where h.position <> h.place or case
            when h.before is null then h.status <> $1
            else (h.before, h.status) not in (select m.before, m.after from unnest($2::text[], $3::text[]) as m (before, after))
        end
        order by h.message_id, h.position
        limit $4
        "#,
        machine.start,
        &machine.from,
        &machine.to,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Messages that do not stand where their story ends, or that have none.
pub(in super::super) async fn misplaced_messages(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'message ' || m.id as "subject!",
            format(
                'its status is %s after %s entries; its story has %s, and %s', m.status, m.entries,
                coalesce(h.position, 0), coalesce('ends with ' || h.status, 'is empty')
            ) as "detail!"
        from email_messages m
        left join (
            select distinct on (message_id) message_id, status, position
            from email_message_history
            order by message_id, position desc
        ) as h on h.message_id = m.id
        where h.status is distinct from m.status or h.position is distinct from m.entries
        order by m.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}
