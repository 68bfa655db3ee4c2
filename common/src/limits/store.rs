//! All SQL of limits.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::Keys;

/// How often it was tried in the window that runs.
pub(super) struct Counted {
    pub(super) count: i32,
    pub(super) until: OffsetDateTime,
}

/// Counts one more, in the caller's own window where the caller is remembered; a window that has ended begins anew.
pub(super) async fn count(
    conn: &mut PgConnection,
    keys: &Keys,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Counted, sqlx::Error> {
    sqlx::query_as!(
        Counted,
        r#"
        insert into attempts as a (key, count, until)
        select
            case when exists (select from attempts where key = $3 and until > $4) then $2::bytea else $1::bytea end,
            1, $5
        on conflict (key) do update
        set count = case when a.until > $4 then least(a.count, 1000000000) + 1 else 1 end,
            until = case when a.until > $4 then a.until else excluded.until end
        returning count, until
        "#,
        keys.shared,
        keys.own,
        keys.known,
        now,
        until,
    )
    .fetch_one(conn)
    .await
}

/// Drops a few rows that mean nothing any more: more than one window adds, so that the table stays small.
pub(super) async fn drop_ended(conn: &mut PgConnection, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        delete from attempts
        where key in (select key from attempts where until < $1 order by until limit 3 for update skip locked)
        "#,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn remember(
    conn: &mut PgConnection,
    key: &[u8],
    until: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into attempts (key, count, until)
        values ($1, 0, $2)
        on conflict (key) do update
        set until = excluded.until
        "#,
        key,
        until,
    )
    .execute(conn)
    .await?;
    Ok(())
}
