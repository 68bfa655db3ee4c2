//! Files on their way in, and the states of imports.

use serde_json::json;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::super::{ImportFailure, ImportMode, ImportStatus, NewImport, formats::Format};
use crate::ids::{PriceImportId, SupplierId, UserId};

/// Has the uploads of a supplier follow one another until the transaction ends: they are applied in the order of
/// their ids, so none may become visible after one that was made later.
pub(in super::super) async fn lock_uploads(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 3))",
        supplier_id as SupplierId
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a supplier has uploaded so far.
pub(in super::super) struct Standing {
    /// The last list.
    pub(in super::super) newest: Option<PriceImportId>,
    /// Lists that are under way: those that wait for somebody are not.
    pub(in super::super) under_way: i64,
    /// Lists whose files are still to be fetched.
    pub(in super::super) awaiting: i64,
}

pub(in super::super) async fn standing(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<Standing, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"
        select
            (select id from price_imports where supplier_id = $1 order by id desc limit 1) as "newest: PriceImportId",
            count(*) filter (where not awaits_file) as "under_way!", count(*) filter (where awaits_file) as "awaiting!"
        from price_imports
        where supplier_id = $1 and status in ('received', 'parsing', 'applying')
        "#,
        supplier_id as SupplierId,
    )
    .fetch_one(conn)
    .await
}

pub(in super::super) async fn insert(
    conn: &mut PgConnection,
    id: PriceImportId,
    new: &NewImport,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with received as (
            insert into price_imports (
                id, supplier_id, requested_by, mode, dry_run, format, source, bytes, sha256, status, created_at
            )
            values ($1, $2, $3, $4, $8, $5, $6, 0, '', 'received', $7)
            returning id
        )
        insert into price_import_history (import_id, status, at)
        select id, 'received', $7 from received
        "#,
        id as PriceImportId,
        new.supplier_id as SupplierId,
        new.requested_by as Option<UserId>,
        new.mode as ImportMode,
        new.format as Format,
        new.source,
        now,
        new.dry_run,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in super::super) async fn insert_chunk(
    conn: &mut PgConnection,
    id: PriceImportId,
    position: i32,
    data: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into price_import_chunks (import_id, position, data) values ($1, $2, $3)",
        id as PriceImportId,
        position,
        data,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes what all chunks together are.
pub(in super::super) async fn seal(
    conn: &mut PgConnection,
    id: PriceImportId,
    bytes: i64,
    sha256: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update price_imports set bytes = $2, sha256 = $3 where id = $1",
        id as PriceImportId,
        bytes,
        sha256,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets a file that nobody will read any more.
pub(in super::super) async fn delete_chunks(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from price_import_chunks where import_id = $1", id as PriceImportId)
        .execute(conn)
        .await?;
    Ok(())
}

/// How many chunks a file has, and how many bytes.
///
/// # Errors
/// When the database refuses.
pub async fn chunks(pool: &PgPool, id: PriceImportId) -> Result<(i64, i64), sqlx::Error> {
    let file = sqlx::query!(
        r#"
        select count(*) as "count!", coalesce(sum(length(data)), 0)::bigint as "bytes!"
        from price_import_chunks
        where import_id = $1
        "#,
        id as PriceImportId,
    );
    let file = file.fetch_one(pool).await?;
    Ok((file.count, file.bytes))
}

/// One chunk of a file; each but the last has [`CHUNK_BYTES`](super::super::CHUNK_BYTES).
///
/// # Errors
/// When the database refuses.
pub async fn chunk(pool: &PgPool, id: PriceImportId, position: i32) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        "select data from price_import_chunks where import_id = $1 and position = $2",
        id as PriceImportId,
        position,
    )
    .fetch_optional(pool)
    .await
}

/// Moves an import on: a compare-and-set, with its line of history (decision 6). False when it stood
/// elsewhere.
pub(in super::super) async fn advance(
    conn: &mut PgConnection,
    id: PriceImportId,
    from: ImportStatus,
    to: ImportStatus,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let advanced = sqlx::query!(
        r#"
        with moved as (
            update price_imports
            set status = $3,
                started_at = case when $2 = 'received' and not $5 then $4 else started_at end,
                finished_at = case when $5 then $4 end
            where id = $1 and status = $2
            returning id
        )
        insert into price_import_history (import_id, status, at)
        select id, $3, $4 from moved
        "#,
        id as PriceImportId,
        from as ImportStatus,
        to as ImportStatus,
        now,
        to.has_ended(),
    )
    .execute(conn)
    .await?;
    Ok(advanced.rows_affected() == 1)
}

/// Notes why nothing of an import reached the catalogue; false when it has ended already.
pub(in super::super) async fn fail(
    conn: &mut PgConnection,
    id: PriceImportId,
    failure: &ImportFailure,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let failed = sqlx::query!(
        r#"
        with moved as (
            update price_imports
            set status = 'failed', error = $2, finished_at = $3
            where id = $1 and status in ('received', 'parsing', 'validated', 'applying')
            returning id
        )
        insert into price_import_history (import_id, status, at)
        select id, 'failed', $3 from moved
        "#,
        id as PriceImportId,
        json!(failure),
        now,
    )
    .execute(conn)
    .await?;
    Ok(failed.rows_affected() == 1)
}
