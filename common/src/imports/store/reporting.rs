//! What is reported of refused rows. Each statement names the supplier.

use sqlx::{PgConnection, types::Json};

use crate::{
    ids::{PriceImportId, SupplierId},
    imports::{
        FieldError,
        formats::{ListHead, RawGood},
    },
};

/// So many rows are read at once.
const ROWS_AT_ONCE: i64 = 2_000;

/// More parameters than any table has columns: no more of them are of use.
const MAX_PARAMETERS: i64 = 1_000_000;

/// A refused row, as its report shows it.
pub(in super::super) struct RefusedRow {
    pub(in super::super) position: i64,
    pub(in super::super) good: RawGood,
    pub(in super::super) errors: Vec<FieldError>,
}

/// What the report of an import says before its rows; nothing if there is no such import.
pub(in super::super) async fn report_head(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    id: PriceImportId,
) -> Result<Option<ListHead>, sqlx::Error> {
    let shop = sqlx::query_scalar!(
        "select coalesce(shop, source) from price_imports where id = $1 and supplier_id = $2",
        id as PriceImportId,
        supplier_id as SupplierId,
    );
    let Some(shop) = shop.fetch_optional(&mut *conn).await? else { return Ok(None) };
    let categories = sqlx::query_scalar!(
        r#"
        select distinct r.good ->> 'category' as "name!"
        from price_import_rows r
        where r.import_id = $1 and r.status = 'failed' and r.good ->> 'category' is not null
        order by 1
        "#,
        id as PriceImportId,
    )
    .fetch_all(&mut *conn)
    .await?;
    let parameters = sqlx::query_scalar!(
        r#"
        select distinct p.pair ->> 0 as "name!"
        from price_import_rows r
        cross join lateral jsonb_array_elements(r.good -> 'parameters') as p (pair)
        where r.import_id = $1 and r.status = 'failed' and p.pair ->> 0 <> ''
        order by 1
        limit $2
        "#,
        id as PriceImportId,
        MAX_PARAMETERS,
    )
    .fetch_all(conn)
    .await?;
    let shop = shop.unwrap_or_default();
    Ok(Some(ListHead { shop, categories, parameters, is_report: true }))
}

/// The refused rows of an import that come after this one.
pub(in super::super) async fn refused_rows(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    id: PriceImportId,
    after: i64,
) -> Result<Vec<RefusedRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select r.position, r.sku, r.good as "good: Json<RawGood>", r.errors as "errors: Json<Vec<FieldError>>"
        from price_import_rows r
        join price_imports i on i.id = r.import_id
        where r.import_id = $1 and i.supplier_id = $2 and r.status = 'failed' and r.position > $3
        order by r.position
        limit $4
        "#,
        id as PriceImportId,
        supplier_id as SupplierId,
        after,
        ROWS_AT_ONCE,
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| RefusedRow {
        position: row.position,
        good: row.good.map_or_else(|| RawGood { sku: row.sku, ..RawGood::default() }, |good| good.0),
        errors: row.errors.0,
    });
    Ok(rows.collect())
}

/// Notes which problems the refused rows of an import have, and how often.
pub(in super::super) async fn sum_up_problems(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update price_imports
        set problems = coalesce((
            select jsonb_agg(g.problem order by g.rows desc, g.first_row, g.problem ->> 'field')
            from (
                select
                    count(distinct r.position) as rows, min(r.row) as first_row,
                    jsonb_build_object(
                        'field', split_part(e.error ->> 'field', '.', 1), 'code', e.error ->> 'code',
                        'rows', count(distinct r.position), 'first_row', min(r.row),
                        'detail', (array_agg(e.error -> 'detail' order by r.position))[1]
                    ) as problem
                from price_import_rows r
                cross join lateral jsonb_array_elements(r.errors) as e (error)
                where r.import_id = $1 and r.status = 'failed'
                group by split_part(e.error ->> 'field', '.', 1), e.error ->> 'code'
            ) as g
        ), '[]')
        where id = $1
        "#,
        id as PriceImportId,
    )
    .execute(conn)
    .await?;
    Ok(())
}
