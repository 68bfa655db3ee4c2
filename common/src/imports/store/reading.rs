//! Reading imports and their reports. Each statement names the supplier.

use serde_json::Value;
use sqlx::{PgConnection, types::Json};

use super::super::{
    Counts, FieldError, ImportFailure, ImportMode, ImportRow, ImportStatus, PriceImport, ProblemGroup,
    RowStatus, Suspicion, urls::Fetch,
};
use crate::{
    ids::{OfferId, OrganizationId, PriceImportId, SupplierId},
    locale::Locale,
    page::Limit,
};

/// One of a supplier's imports.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    id: PriceImportId,
) -> Result<Option<PriceImport>, sqlx::Error> {
    Ok(read(conn, supplier_id, Some(id), None, 1).await?.pop())
}

/// A page of a supplier's imports, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    before: Option<PriceImportId>,
    limit: Limit,
) -> Result<Vec<PriceImport>, sqlx::Error> {
    read(conn, supplier_id, None, before, limit.and_one()).await
}

async fn read(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    only: Option<PriceImportId>,
    before: Option<PriceImportId>,
    limit: i64,
) -> Result<Vec<PriceImport>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            i.id as "id: PriceImportId", i.status as "status: ImportStatus", i.mode as "mode: ImportMode", i.dry_run,
            i.source, i.reverts as "reverts: PriceImportId", i.shop, i.rows_read, i.rows_total, i.bytes_read, i.bytes,
            i.inserted, i.updated, i.unchanged, i.withdrawn, i.failed, i.ignored_fields,
            i.suspicions as "suspicions: Json<Vec<Suspicion>>", i.problems as "problems: Json<Vec<ProblemGroup>>",
            i.error as "error: Json<ImportFailure>", i.created_at, i.started_at, i.finished_at,
            f.attempts as "attempts?", f.bytes_fetched as "bytes_fetched?", f.bytes_total,
            f.error as "fetch_error: Json<ImportFailure>"
        from price_imports i
        left join price_import_fetches f on f.import_id = i.id
        where i.supplier_id = $1 and ($2::uuid is null or i.id = $2) and ($3::uuid is null or i.id < $3)
        order by i.id desc
        limit $4
        "#,
        supplier_id as SupplierId,
        only as Option<PriceImportId>,
        before as Option<PriceImportId>,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let imports = rows.into_iter().map(|row| PriceImport {
        id: row.id,
        status: row.status,
        mode: row.mode,
        dry_run: row.dry_run,
        source: row.source,
        fetch: row.attempts.zip(row.bytes_fetched).map(|(attempts, bytes_fetched)| Fetch {
            attempts,
            bytes_fetched,
            bytes_total: row.bytes_total,
            error: row.fetch_error.map(|error| error.0),
        }),
        reverts: row.reverts,
        shop: row.shop,
        rows_read: row.rows_read,
        rows_total: row.rows_total,
        bytes_read: row.bytes_read,
        bytes: row.bytes,
        counts: Counts {
            inserted: row.inserted,
            updated: row.updated,
            unchanged: row.unchanged,
            withdrawn: row.withdrawn,
            failed: row.failed,
        },
        suspicions: row.suspicions.0,
        ignored_fields: row.ignored_fields,
        problems: row.problems.0,
        error: row.error.map(|error| error.0),
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
    });
    Ok(imports.collect())
}

/// A page of an import's report, in the order of the file.
///
/// # Errors
/// When the database refuses.
pub async fn rows(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    id: PriceImportId,
    status: Option<RowStatus>,
    after: Option<i64>,
    limit: Limit,
) -> Result<Vec<ImportRow>, sqlx::Error> {
    sqlx::query_as!(
        ImportRow,
        r#"
        select
            r.position, r.row, r.line, r.sku, o.id as "offer_id?: OfferId", r.status as "status: RowStatus",
            r.errors as "errors: Json<Vec<FieldError>>", r.changes as "changes: Value"
        from price_import_rows r
        join price_imports i on i.id = r.import_id
        left join offers o on o.supplier_id = i.supplier_id and o.sku = r.sku
        where r.import_id = $1 and i.supplier_id = $2
          and ($3::text is null or r.status = $3)
          and ($4::bigint is null or r.position > $4)
        order by r.position
        limit $5
        "#,
        id as PriceImportId,
        supplier_id as SupplierId,
        status as Option<RowStatus>,
        after,
        limit.and_one(),
    )
    .fetch_all(conn)
    .await
}

/// The first refused rows, for the e-mail.
pub(in super::super) async fn first_errors(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<Vec<ImportRow>, sqlx::Error> {
    sqlx::query_as!(
        ImportRow,
        r#"
        select
            position, row, line, sku, null::uuid as "offer_id: OfferId", status as "status: RowStatus",
            errors as "errors: Json<Vec<FieldError>>", changes as "changes: Value"
        from price_import_rows
        where import_id = $1 and status = 'failed'
        order by position
        limit 20
        "#,
        id as PriceImportId,
    )
    .fetch_all(conn)
    .await
}

/// A person who is told what became of a price list.
pub(in super::super) struct Reader {
    pub(in super::super) email: String,
    pub(in super::super) locale: Locale,
}

/// Everybody at the supplier, and who of the staff uploaded the list, with what they are told of the import.
pub(in super::super) async fn readers(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<Option<(SupplierId, String, Vec<Reader>)>, sqlx::Error> {
    let supplier = sqlx::query!(
        r#"
        select i.supplier_id as "supplier_id: SupplierId", g.name
        from price_imports i
        join organizations g on g.id = i.supplier_id
        where i.id = $1
        "#,
        id as PriceImportId,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(supplier) = supplier else { return Ok(None) };
    let readers = sqlx::query_as!(
        Reader,
        r#"
        select email, locale as "locale: Locale"
        from users
        where email_confirmed_at is not null and closed_at is null
          and (organization_id = $1 or id = (select requested_by from price_imports where id = $2))
        limit 1000
        "#,
        OrganizationId::from(supplier.supplier_id) as OrganizationId,
        id as PriceImportId,
    )
    .fetch_all(conn)
    .await?;
    Ok(Some((supplier.supplier_id, supplier.name, readers)))
}

/// Everybody at a supplier, with its name.
pub(in super::super) async fn people(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<(String, Vec<Reader>), sqlx::Error> {
    let organization_id = OrganizationId::from(supplier_id);
    let name = sqlx::query_scalar!(
        "select name from organizations where id = $1",
        organization_id as OrganizationId,
    )
    .fetch_one(&mut *conn)
    .await?;
    let people = sqlx::query_as!(
        Reader,
        r#"
        select email, locale as "locale: Locale"
        from users
        where organization_id = $1 and email_confirmed_at is not null and closed_at is null
        limit 1000
        "#,
        organization_id as OrganizationId,
    )
    .fetch_all(conn)
    .await?;
    Ok((name, people))
}

/// Whether nobody is told of the end of an import: nobody asked for it, and all went well.
pub(in super::super) async fn is_quiet(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select
            from price_imports i
            join price_import_fetches f on f.import_id = i.id and f.scheduled
            where i.id = $1 and i.status = 'completed'
        ) as "quiet!"
        "#,
        id as PriceImportId,
    )
    .fetch_one(conn)
    .await
}
