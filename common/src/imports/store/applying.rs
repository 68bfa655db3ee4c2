//! Applying a staged list: the difference to the supplier's offers, then only what differs, in one transaction.
//!
//! Lock order: the supplier, so that lists follow one another; categories and products in the order of their
//! names; stock in the order of offers, as orders do.

use std::time::Duration;

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    super::{Counts, ImportMode, ImportStatus},
    Begun,
    difference::{add_categories, add_products, find_difference, refuse_repeated},
};
use crate::ids::{PriceImportId, ProductId, SupplierId};

/// Positions in the report from here on are of offers that the list no longer has: beyond any row.
const WITHDRAWN_FROM: i64 = 1_000_000_000;

/// What an applied list came to.
#[derive(Clone, Copy, Debug)]
pub struct Applied {
    /// How it ended.
    pub status: ImportStatus,
    /// What its rows came to.
    pub counts: Counts,
}

/// Widens the limits that keep requests short: a merge of a large list may take as long as its job.
pub(in super::super) async fn set_limits(
    conn: &mut PgConnection,
    limit: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        select set_config('statement_timeout', $1, true) as statements, set_config('lock_timeout', $1, true) as locks
        "#,
        limit.as_millis().to_string(),
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Brings the staged goods of an import into the catalogue.
pub(in super::super) async fn apply(
    conn: &mut PgConnection,
    begun: &Begun,
    now: OffsetDateTime,
) -> Result<Applied, sqlx::Error> {
    lock_supplier(conn, begun.supplier_id).await?;
    refuse_repeated(conn, begun.id).await?;
    add_categories(conn, begun.id).await?;
    add_products(conn, begun.id).await?;
    find_difference(conn, begun).await?;
    lock_stock(conn, begun.id).await?;
    insert_offers(conn, begun, now).await?;
    update_offers(conn, begun, now).await?;
    let withdrawn = match begun.mode {
        ImportMode::Replace if !has_unreadable_sku(conn, begun.id).await? => {
            withdraw_missing(conn, begun, now).await?
        }
        ImportMode::Replace | ImportMode::Upsert => 0,
    };
    index_products(conn, begun.id).await?;
    finish(conn, begun, now, withdrawn).await
}

async fn lock_supplier(conn: &mut PgConnection, supplier_id: SupplierId) -> Result<(), sqlx::Error> {
    sqlx::query!("select from suppliers where id = $1 for no key update", supplier_id as SupplierId)
        .fetch_one(conn)
        .await?;
    Ok(())
}

async fn lock_stock(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with locked as materialized (
            select t.offer_id
            from offer_stock t
            join price_import_stage s on s.offer_id = t.offer_id
            where s.import_id = $1 and s.change = 'updated'
            order by t.offer_id
            for no key update of t
        )
        select count(*) from locked
        "#,
        id as PriceImportId,
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

async fn insert_offers(
    conn: &mut PgConnection,
    begun: &Begun,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with new as (
            select * from price_import_stage where import_id = $1 and change = 'inserted'
        ),
        described as (
            insert into offers (
                id, supplier_id, product_id, sku, model, price_minor, recommended_price_minor, parameters, updated_at
            )
            select offer_id, $2, product_id, sku, model, price_minor, recommended_price_minor, parameters, $3
            from new
            order by offer_id
        ),
        stocked as (
            insert into offer_stock (offer_id, stock)
            select offer_id, stock from new order by offer_id
        ),
        moved as (
            insert into stock_movements (
                id, offer_id, at, kind, cause, stock_delta, reserved_delta, stock_after, reserved_after
            )
            select uuid_v7(), offer_id, $3, 'price_list', $1, stock, 0, stock, 0
            from new
            where stock > 0
        ),
        changed as (
            insert into offer_changes (
                offer_id, at, import_id, row, change, price_minor, recommended_price_minor, stock
            )
            select offer_id, $3, $1, row, 'inserted', price_minor, recommended_price_minor, stock
            from new
        )
        insert into price_import_rows (import_id, position, row, line, sku, status)
        select $1, row, row, line, sku, 'inserted'
        from new
        "#,
        begun.id as PriceImportId,
        begun.supplier_id as SupplierId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn update_offers(
    conn: &mut PgConnection,
    begun: &Begun,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with changed as (
            select s.*, t.stock as stock_before
            from price_import_stage s
            join offer_stock t on t.offer_id = s.offer_id
            where s.import_id = $1 and s.change = 'updated'
        ),
        described as (
            update offers o
            set product_id = c.product_id, model = c.model, price_minor = c.price_minor,
                recommended_price_minor = c.recommended_price_minor, parameters = c.parameters,
                withdrawn_at = null, updated_at = $2
            from changed c
            where o.id = c.offer_id
        ),
        stocked as (
            update offer_stock t
            set stock = c.stock
            from changed c
            where t.offer_id = c.offer_id and c.stock <> c.stock_before
            returning t.offer_id, c.stock - c.stock_before as stock_delta, t.stock, t.reserved
        ),
        moved as (
            insert into stock_movements (
                id, offer_id, at, kind, cause, stock_delta, reserved_delta, stock_after, reserved_after
            )
            select uuid_v7(), offer_id, $2, 'price_list', $1, stock_delta, 0, stock, reserved
            from stocked
        ),
        noted as (
            insert into offer_changes (
                offer_id, at, import_id, row, change, price_minor, recommended_price_minor, stock
            )
            select offer_id, $2, $1, row, 'updated', price_minor, recommended_price_minor, stock
            from changed
        )
        insert into price_import_rows (import_id, position, row, line, sku, status, changes)
        select $1, row, row, line, sku, 'updated', changes
        from changed
        "#,
        begun.id as PriceImportId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a row was refused whose offer nobody can tell: then nothing counts as missing.
async fn has_unreadable_sku(conn: &mut PgConnection, id: PriceImportId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from price_import_rows where import_id = $1 and status = 'failed' and sku is null
        ) as "has!"
        "#,
        id as PriceImportId,
    )
    .fetch_one(conn)
    .await
}

/// Withdraws the offers that the list no longer has; a refused row's offer is not missing.
async fn withdraw_missing(
    conn: &mut PgConnection,
    begun: &Begun,
    now: OffsetDateTime,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with gone as (
            update offers o
            set withdrawn_at = $3, updated_at = $3
            where o.supplier_id = $2 and o.withdrawn_at is null
              and not exists (select from price_import_stage s where s.import_id = $1 and s.sku = o.sku)
              and not exists (
                select from price_import_rows r where r.import_id = $1 and r.status = 'failed' and r.sku = o.sku
              )
            returning o.id, o.sku, o.price_minor, o.recommended_price_minor
        ),
        noted as (
            insert into offer_changes (
                offer_id, at, import_id, change, price_minor, recommended_price_minor, stock
            )
            select g.id, $3, $1, 'withdrawn', g.price_minor, g.recommended_price_minor, t.stock
            from gone g
            join offer_stock t on t.offer_id = g.id
        ),
        reported as (
            insert into price_import_rows (import_id, position, sku, status)
            select $1, $4 + row_number() over (order by sku), sku, 'withdrawn'
            from gone
        )
        select count(*) as "count!" from gone
        "#,
        begun.id as PriceImportId,
        begun.supplier_id as SupplierId,
        now,
        WITHDRAWN_FROM,
    )
    .fetch_one(conn)
    .await
}

/// Makes what the list touched findable: names and models in Russian, English and as they stand, parameters,
/// category. A product that had no description gets its first.
///
/// Products are shared by suppliers: they are locked first, in one order, so that two imports neither wait in
/// a circle nor overlook each other's offers.
async fn index_products(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    let touched = sqlx::query_scalar!(
        r#"
        select p.id as "id: ProductId"
        from products p
        where p.id in (
            select product_id from price_import_stage where import_id = $1 and reindex
            union
            select product_before from price_import_stage where import_id = $1 and product_before <> product_id
        )
        order by p.id
        for no key update
        "#,
        id as PriceImportId,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        r#"
        with texts as (
            select
                t.id,
                (select string_agg(distinct o.model, ' ') from offers o where o.product_id = t.id) as models,
                (
                    select string_agg(distinct v.key || ' ' || v.value, ' ')
                    from offers o, jsonb_each_text(o.parameters) as v
                    where o.product_id = t.id
                ) as parameters,
                (
                    select s.description
                    from price_import_stage s
                    where s.import_id = $2 and s.product_id = t.id and s.description is not null
                    order by s.row
                    limit 1
                ) as description
            from unnest($1::uuid[]) as t (id)
        )
        update products p
        set description = coalesce(p.description, x.description),
            search =
                setweight(to_tsvector('russian', p.name), 'A') || setweight(to_tsvector('english', p.name), 'A')
                || setweight(to_tsvector('simple', p.name), 'A')
                || setweight(to_tsvector('simple', coalesce(x.models, '')), 'B')
                || setweight(to_tsvector('russian', c.name), 'C')
                || setweight(to_tsvector('russian', left(coalesce(x.parameters, ''), 10000)), 'D')
                || setweight(to_tsvector('simple', left(coalesce(x.parameters, ''), 10000)), 'D'),
            search_text = left(concat_ws(' ', p.name, x.models), 2000)
        from texts x, categories c
        where p.id = x.id and c.id = p.category_id
        "#,
        &touched as &[ProductId],
        id as PriceImportId,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts what the rows came to, and ends the import.
async fn finish(
    conn: &mut PgConnection,
    begun: &Begun,
    now: OffsetDateTime,
    withdrawn: i64,
) -> Result<Applied, sqlx::Error> {
    let tally = sqlx::query!(
        r#"
        select
            count(*) filter (where change = 'inserted') as "inserted!",
            count(*) filter (where change = 'updated') as "updated!",
            count(*) filter (where change = 'unchanged') as "unchanged!"
        from price_import_stage
        where import_id = $1
        "#,
        begun.id as PriceImportId,
    )
    .fetch_one(&mut *conn)
    .await?;
    let failed = count_failed(conn, begun.id).await?;
    let counts = Counts {
        inserted: tally.inserted,
        updated: tally.updated,
        unchanged: tally.unchanged,
        withdrawn,
        failed,
    };
    let status = if failed == 0 { ImportStatus::Completed } else { ImportStatus::CompletedWithErrors };
    sqlx::query!(
        r#"
        with supplied as (
            update suppliers
            set catalog_version = catalog_version + 1, updated_at = $7
            where id = $8
            returning catalog_version
        )
        update price_imports
        set inserted = $2, updated = $3, unchanged = $4, withdrawn = $5, failed = $6,
            catalog_version = (select catalog_version from supplied)
        where id = $1
        "#,
        begun.id as PriceImportId,
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.withdrawn,
        counts.failed,
        now,
        begun.supplier_id as SupplierId,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from price_import_stage where import_id = $1", begun.id as PriceImportId)
        .execute(conn)
        .await?;
    Ok(Applied { status, counts })
}

/// How many rows were refused.
async fn count_failed(conn: &mut PgConnection, id: PriceImportId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from price_import_rows where import_id = $1 and status = 'failed'"#,
        id as PriceImportId,
    )
    .fetch_one(conn)
    .await
}
