//! Goods between the file and the catalogue.

use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool, types::Json};

use super::super::{
    Good, ImportMode, ImportStatus, Rejected,
    formats::{Format, ListSummary},
};
use crate::ids::{PriceImportId, SupplierId};

/// An import that a job has taken up.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Which one.
    pub id: PriceImportId,
    /// Whose.
    pub supplier_id: SupplierId,
    /// What happens to offers that it does not name.
    pub mode: ImportMode,
    /// Its form.
    pub format: Format,
    /// Whether it is only looked at, until somebody decides.
    pub dry_run: bool,
    /// Whether it was accepted without what looks like a slip.
    pub exclude_held: bool,
    /// The import whose changes it takes back; it has no file then.
    pub reverts: Option<PriceImportId>,
    /// How far it had come.
    pub status: ImportStatus,
}

/// Finds an import, and keeps other jobs from it until the transaction ends.
pub(in super::super) async fn begin(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<Option<Begun>, sqlx::Error> {
    sqlx::query_as!(
        Begun,
        r#"
        select
            id as "id: PriceImportId", supplier_id as "supplier_id: SupplierId", mode as "mode: ImportMode",
            format as "format!: Format", dry_run, exclude_held, reverts as "reverts: PriceImportId",
            status as "status: ImportStatus"
        from price_imports
        where id = $1 and not awaits_file
        for update
        "#,
        id as PriceImportId,
    )
    .fetch_optional(conn)
    .await
}

/// Whether an earlier list of the same supplier is not through yet, or a later one, whose file was there first, has begun.
pub(in super::super) async fn waits_for_earlier(
    conn: &mut PgConnection,
    begun: &Begun,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select
            from price_imports
            where supplier_id = $1 and status in ('received', 'parsing', 'applying') and not awaits_file
              and (id < $2 or id > $2 and status <> 'received')
        ) as "waits!"
        "#,
        begun.supplier_id as SupplierId,
        begun.id as PriceImportId,
    )
    .fetch_one(conn)
    .await
}

/// Forgets what an attempt before this one left behind.
pub(in super::super) async fn forget_attempt(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<(), sqlx::Error> {
    empty_stage(conn, id).await?;
    sqlx::query!("delete from price_import_rows where import_id = $1", id as PriceImportId)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes the goods of an import from the stage.
pub(super) async fn empty_stage(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from price_import_stage where import_id = $1", id as PriceImportId)
        .execute(conn)
        .await?;
    Ok(())
}

/// Copies checked goods into the stage: one `COPY`, the fastest way in.
pub(in super::super) async fn stage(
    conn: &mut PgConnection,
    id: PriceImportId,
    goods: &[(u64, Option<u64>, Good)],
) -> Result<(), sqlx::Error> {
    let mut lines = String::with_capacity(goods.len() * 256);
    for (row, line, good) in goods {
        write_line(&mut lines, id, *row, *line, good)?;
    }
    let mut copy = conn
        .copy_in_raw(
            "copy price_import_stage (import_id, row, line, sku, category, category_key, model, name, name_key, \
             description, price_minor, recommended_price_minor, stock, gtin, vat_rate, unit, min_quantity, multiple, \
             parameters) from stdin",
        )
        .await?;
    match copy.send(lines.as_bytes()).await {
        Ok(_) => copy.finish().await.map(|_| ()),
        Err(error) => {
            copy.abort("the goods could not be sent").await?;
            Err(error)
        }
    }
}

/// Writes a good in `COPY`'s text form: fields parted by tabs, `\N` for what is absent.
fn write_line(
    lines: &mut String,
    id: PriceImportId,
    row: u64,
    line: Option<u64>,
    good: &Good,
) -> Result<(), sqlx::Error> {
    let parameters = serde_json::to_string(&good.parameters).map_err(|e| sqlx::Error::Encode(e.into()))?;
    let fields = [
        Some(id.to_string()),
        Some(row.to_string()),
        line.map(|line| line.to_string()),
        Some(good.sku.as_str().to_owned()),
        Some(good.category.as_str().to_owned()),
        Some(good.category.normalized()),
        good.model.clone(),
        Some(good.name.clone()),
        Some(super::super::normalized(&good.name)),
        good.description.clone(),
        Some(good.price.minor().to_string()),
        good.recommended_price.map(|price| price.minor().to_string()),
        Some(good.quantity.to_string()),
        good.gtin.as_ref().map(ToString::to_string),
        good.vat_rate.as_ref().map(ToString::to_string),
        good.unit.clone(),
        Some(good.terms.min_quantity.to_string()),
        Some(good.terms.multiple.to_string()),
        Some(parameters),
    ];
    for (n, field) in fields.iter().enumerate() {
        if n > 0 {
            lines.push('\t');
        }
        match field {
            None => lines.push_str("\\N"),
            Some(text) => text.chars().for_each(|c| match c {
                '\\' => lines.push_str("\\\\"),
                '\t' => lines.push_str("\\t"),
                '\n' => lines.push_str("\\n"),
                '\r' => lines.push_str("\\r"),
                c => lines.push(c),
            }),
        }
    }
    lines.push('\n');
    Ok(())
}

/// Keeps refused rows for the report.
pub(in super::super) async fn insert_rejected(
    conn: &mut PgConnection,
    id: PriceImportId,
    rejected: &[Rejected],
) -> Result<(), sqlx::Error> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let rows: Vec<i64> = rejected.iter().map(|r| number(r.row)).collect();
    let lines: Vec<Option<i64>> = rejected.iter().map(|r| r.line.map(number)).collect();
    let skus: Vec<Option<String>> =
        rejected.iter().map(|r| r.sku.as_ref().map(|sku| sku.as_str().to_owned())).collect();
    let errors: Vec<Value> = rejected.iter().map(|r| json!(r.errors)).collect();
    let goods: Vec<Option<Value>> =
        rejected.iter().map(|r| r.good.as_ref().map(|good| json!(good))).collect();
    sqlx::query!(
        r#"
        insert into price_import_rows (import_id, position, row, line, sku, status, errors, good)
        select $1, r.row, r.row, r.line, r.sku, 'failed', r.errors, r.good
        from unnest($2::bigint[], $3::bigint[], $4::text[], $5::jsonb[], $6::jsonb[]) as r (row, line, sku, errors, good)
        "#,
        id as PriceImportId,
        &rows,
        &lines as &[Option<i64>],
        &skus as &[Option<String>],
        &errors,
        &goods as &[Option<Value>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Shows how far the reading has come.
pub(in super::super) async fn note_progress(
    pool: &PgPool,
    id: PriceImportId,
    rows_read: u64,
    bytes_read: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update price_imports set rows_read = $2, bytes_read = least($3, bytes) where id = $1",
        id as PriceImportId,
        i64::try_from(rows_read).unwrap_or(i64::MAX),
        i64::try_from(bytes_read).unwrap_or(i64::MAX),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes what is known of the list once all of it was read.
pub(in super::super) async fn note_summary(
    conn: &mut PgConnection,
    id: PriceImportId,
    summary: &ListSummary,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update price_imports
        set shop = $2, rows_read = $3, rows_total = $3, bytes_read = bytes, ignored_fields = $4
        where id = $1
        "#,
        id as PriceImportId,
        summary.shop,
        i64::try_from(summary.rows).unwrap_or(i64::MAX),
        Json(&summary.ignored_fields) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}
