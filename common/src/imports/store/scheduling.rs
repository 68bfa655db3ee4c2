//! Lists that are fetched by themselves. Whatever a look came to is noted only while the address is still the one that was
//! looked at.

use serde_json::json;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::{
    ImportFailure, ImportMode,
    urls::{CheckOutcome, Checking, EveryMinutes, FetchedList, PriceListUrl, ScheduleChange, UrlSchedule},
};
use crate::ids::{PriceImportId, SupplierId};

pub(in super::super) async fn find_schedule(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<Option<UrlSchedule>, sqlx::Error> {
    let found = sqlx::query!(
        r#"
        select
            url, every_minutes as "every: EveryMinutes", mode as "mode: ImportMode", next_at, last_checked_at,
            outcome as "outcome: CheckOutcome", import_id as "import_id: PriceImportId",
            error as "error: Json<ImportFailure>", failing_since
        from price_list_urls
        where supplier_id = $1
        "#,
        supplier_id as SupplierId,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(UrlSchedule {
        url: PriceListUrl::stored(&row.url)?,
        every: row.every,
        mode: row.mode,
        next_at: row.next_at,
        last_checked_at: row.last_checked_at,
        outcome: row.outcome,
        import_id: row.import_id,
        error: row.error.map(|error| error.0),
        failing_since: row.failing_since,
    }))
}

/// Names the address, or another one.
pub(in super::super) async fn put_schedule(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    supplier_id: SupplierId,
    url: &PriceListUrl,
    change: &ScheduleChange,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into price_list_urls as u (supplier_id, url, every_minutes, mode, next_at)
        values ($1, $2, $3, $4, $5)
        on conflict (supplier_id) do update
        set url = excluded.url, next_at = excluded.next_at, last_checked_at = null, outcome = null, import_id = null,
            error = null, failing_since = null, streak = null
        where u.url <> excluded.url
        "#,
        supplier_id as SupplierId,
        url.as_str(),
        change.every.unwrap_or_default() as EveryMinutes,
        change.mode.unwrap_or_default() as ImportMode,
        now,
    )
    .execute(&mut *conn)
    .await?;
    change_schedule(conn, now, supplier_id, change).await?;
    Ok(())
}

/// Changes how and how often; false where there is no address.
pub(in super::super) async fn change_schedule(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    supplier_id: SupplierId,
    change: &ScheduleChange,
) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query!(
        r#"
        update price_list_urls
        set every_minutes = coalesce($2, every_minutes), mode = coalesce($3, mode),
            next_at = least(next_at, $4::timestamptz + make_interval(mins => coalesce($2, every_minutes))),
            import_id = case when mode = coalesce($3, mode) then import_id end
        where supplier_id = $1
        "#,
        supplier_id as SupplierId,
        change.every as Option<EveryMinutes>,
        change.mode as Option<ImportMode>,
        now,
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}

pub(in super::super) async fn end_schedule(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from price_list_urls where supplier_id = $1", supplier_id as SupplierId)
        .execute(conn)
        .await?;
    Ok(())
}

/// Moves schedules on that are due, past those that somebody holds.
pub(in super::super) async fn take_due(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    at_most: i64,
) -> Result<Vec<SupplierId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with due as (
            select supplier_id
            from price_list_urls
            where next_at <= $1
            order by next_at
            limit $2
            for update skip locked
        )
        update price_list_urls u
        set next_at = case
            when u.next_at + make_interval(mins => u.every_minutes) > $1
                then u.next_at + make_interval(mins => u.every_minutes)
            -- Nothing is made up for.
            else $1 + make_interval(mins => u.every_minutes)
        end
        from due
        where u.supplier_id = due.supplier_id
        returning u.supplier_id as "supplier_id: SupplierId"
        "#,
        now,
        at_most,
    )
    .fetch_all(conn)
    .await
}

pub(in super::super) async fn begin_check(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<Option<Checking>, sqlx::Error> {
    let found = sqlx::query!(
        r#"
        select
            u.url, u.mode as "mode: ImportMode", f.etag, f.last_modified,
            case when i.error ->> 'code' is distinct from 'internal' then i.sha256 end as last_sha256,
            coalesce(i.status in ('completed', 'completed_with_errors'), false) as "was_imported!"
        from price_list_urls u
        left join price_imports i on i.id = u.import_id
        left join price_import_fetches f on f.import_id = i.id
        where u.supplier_id = $1
        "#,
        supplier_id as SupplierId,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(Checking {
        supplier_id,
        url: PriceListUrl::stored(&row.url)?,
        mode: row.mode,
        etag: row.etag.filter(|_| row.was_imported),
        last_modified: row.last_modified.filter(|_| row.was_imported),
        last_sha256: row.last_sha256,
    }))
}

/// Notes what a look came to that did not fail; false when the address is another by now.
pub(in super::super) async fn note_checked(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    checking: &Checking,
    outcome: CheckOutcome,
    import_id: Option<PriceImportId>,
) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        r#"
        update price_list_urls
        set last_checked_at = $3, outcome = $4, import_id = coalesce($5, import_id), error = null, failing_since = null,
            streak = null
        where supplier_id = $1 and url = $2 and mode = $6
        "#,
        checking.supplier_id as SupplierId,
        checking.url.as_str(),
        now,
        outcome as CheckOutcome,
        import_id as Option<PriceImportId>,
        checking.mode as ImportMode,
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Notes where the file of an import came from.
pub(in super::super) async fn insert_scheduled(
    conn: &mut PgConnection,
    id: PriceImportId,
    checking: &Checking,
    list: &FetchedList,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into price_import_fetches (
            import_id, url, attempts, bytes_fetched, bytes_total, etag, last_modified, fetched_at, scheduled
        )
        values ($1, $2, 1, $3, $3, $4, $5, $6, true)
        "#,
        id as PriceImportId,
        checking.url.as_str(),
        i64::try_from(list.bytes).unwrap_or(i64::MAX),
        list.etag,
        list.last_modified,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes why a look failed; true when the one before did not.
pub(in super::super) async fn note_check_failure(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    checking: &Checking,
    failure: &ImportFailure,
    streak: Uuid,
) -> Result<bool, sqlx::Error> {
    let is_first = sqlx::query_scalar!(
        r#"
        update price_list_urls
        set last_checked_at = $3, outcome = 'failed', error = $4, failing_since = coalesce(failing_since, $3),
            streak = coalesce(streak, $5)
        where supplier_id = $1 and url = $2
        returning streak = $5 as "is_first!"
        "#,
        checking.supplier_id as SupplierId,
        checking.url.as_str(),
        now,
        json!(failure),
        streak,
    )
    .fetch_optional(conn)
    .await?;
    Ok(is_first.unwrap_or(false))
}
