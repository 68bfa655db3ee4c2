//! Imports whose file is still to be fetched.

use serde_json::json;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::super::{
    ImportFailure, ImportMode,
    urls::{Awaiting, FetchedList, NewFetch, PriceListUrl},
};
use crate::ids::{PriceImportId, SupplierId, UserId};

/// Writes an import that awaits its file.
pub(in super::super) async fn insert_awaiting(
    conn: &mut PgConnection,
    id: PriceImportId,
    new: &NewFetch,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with received as (
            insert into price_imports (
                id, supplier_id, requested_by, mode, dry_run, source, bytes, sha256, status, created_at, awaits_file
            )
            values ($1, $2, $3, $4, $5, $6, 0, '', 'received', $7, true)
            returning id
        ),
        fetched as (
            insert into price_import_fetches (import_id, url) select id, $8 from received
        )
        insert into price_import_history (import_id, status, at)
        select id, 'received', $7 from received
        "#,
        id as PriceImportId,
        new.supplier_id as SupplierId,
        new.requested_by as UserId,
        new.mode as ImportMode,
        new.dry_run,
        new.url.shown(),
        now,
        new.url.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an import awaits its file, and may still get it.
pub(in super::super) async fn awaits_file(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from price_imports where id = $1 and awaits_file and status = 'received'
        ) as "awaits!"
        "#,
        id as PriceImportId,
    )
    .fetch_one(conn)
    .await
}

/// Counts an attempt.
pub(in super::super) async fn begin_fetch(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<Option<Awaiting>, sqlx::Error> {
    let begun = sqlx::query!(
        r#"
        update price_import_fetches f
        set attempts = f.attempts + 1, bytes_fetched = 0, bytes_total = null
        from price_imports i
        where f.import_id = $1 and i.id = f.import_id and i.awaits_file and i.status = 'received'
        returning i.supplier_id as "supplier_id: SupplierId", f.url
        "#,
        id as PriceImportId,
    )
    .fetch_optional(conn)
    .await?;
    let Some(begun) = begun else { return Ok(None) };
    Ok(Some(Awaiting { id, supplier_id: begun.supplier_id, url: PriceListUrl::stored(&begun.url)? }))
}

/// Shows how much has come. False when the import does not await its file any more.
pub(in super::super) async fn note_fetched(
    pool: &PgPool,
    id: PriceImportId,
    bytes: u64,
    total: Option<u64>,
) -> Result<bool, sqlx::Error> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let shown = sqlx::query!(
        r#"
        update price_import_fetches f
        set bytes_fetched = $2, bytes_total = $3
        from price_imports i
        where f.import_id = $1 and i.id = f.import_id and i.awaits_file and i.status = 'received'
        "#,
        id as PriceImportId,
        number(bytes),
        total.map(number),
    )
    .execute(pool)
    .await?;
    Ok(shown.rows_affected() == 1)
}

/// Shows why an attempt failed. False when the import does not await its file any more.
pub(in super::super) async fn note_fetch_failure(
    conn: &mut PgConnection,
    id: PriceImportId,
    failure: &ImportFailure,
) -> Result<bool, sqlx::Error> {
    let shown = sqlx::query!(
        r#"
        update price_import_fetches f
        set error = $2
        from price_imports i
        where f.import_id = $1 and i.id = f.import_id and i.awaits_file and i.status = 'received'
        "#,
        id as PriceImportId,
        json!(failure),
    )
    .execute(conn)
    .await?;
    Ok(shown.rows_affected() == 1)
}

/// Notes that the file of an import has come: a compare-and-set. False when it does not await it any more.
pub(in super::super) async fn take_file(
    conn: &mut PgConnection,
    id: PriceImportId,
    list: &FetchedList,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let bytes = i64::try_from(list.bytes).unwrap_or(i64::MAX);
    let taken = sqlx::query!(
        r#"
        with taken as (
            update price_imports
            set awaits_file = false, format = $2
            where id = $1 and awaits_file and status = 'received'
            returning id
        )
        update price_import_fetches f
        set bytes_fetched = $3, bytes_total = $3, error = null, etag = $4, last_modified = $5, fetched_at = $6
        from taken
        where f.import_id = taken.id
        "#,
        id as PriceImportId,
        list.format as super::super::formats::Format,
        bytes,
        list.etag,
        list.last_modified,
        now,
    )
    .execute(conn)
    .await?;
    Ok(taken.rows_affected() == 1)
}
