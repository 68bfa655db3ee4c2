//! I3: the histories of everything that has a status. The views `status_histories` and `current_statuses` have them all.

use sqlx::PgConnection;

use super::super::model::{AT_MOST, Found, Machine};

/// Steps that the state machine does not have, or that are not in their place.
pub(in super::super) async fn illegal_moves(
    conn: &mut PgConnection,
    machine: &Machine,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            $5 || ' ' || h.subject_id as "subject!",
            case
                when h.position <> h.place then format('its history has entry %s in place %s', h.position, h.place)
                when h.before is null then format('its history begins with %s; it should with %s', h.status, $1::text)
                else format('its history goes from %s to %s; that move is not legal', h.before, h.status)
            end as "detail!"
        from (
            select
                subject_id, status, position, row_number() over story as place, lag(status) over story as before
            from status_histories
            where kind = $5
            window story as (partition by subject_id order by position)
        ) as h
        where h.position <> h.place or case
            when h.before is null then h.status <> $1
            else (h.before, h.status) not in (select m.before, m.after from unnest($2::text[], $3::text[]) as m (before, after))
        end
        order by h.subject_id, h.position
        limit $4
        "#,
        machine.start,
        &machine.from,
        &machine.to,
        AT_MOST,
        machine.kind,
    )
    .fetch_all(conn)
    .await
}

/// Things that do not stand where their history ends, or that have none.
pub(in super::super) async fn misplaced(
    conn: &mut PgConnection,
    machine: &Machine,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            $1 || ' ' || c.subject_id as "subject!",
            format(
                'its status is %s%s; its history has %s, and %s', c.status, ' after ' || c.entries || ' entries',
                coalesce(h.position, 0), coalesce('ends with ' || h.status, 'is empty')
            ) as "detail!"
        from current_statuses c
        left join (
            select distinct on (subject_id) subject_id, status, position
            from status_histories
            where kind = $1
            order by subject_id, position desc
        ) as h on h.subject_id = c.subject_id
        where c.kind = $1 and (h.status is distinct from c.status or h.position <> c.entries)
        order by c.subject_id
        limit $2
        "#,
        machine.kind,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}
