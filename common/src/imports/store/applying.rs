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
use crate::{
    catalog,
    ids::{PriceImportId, ProductId, SupplierId},
};

/// Positions in the report from here on are of offers that the list no longer has: beyond any row.
const WITHDRAWN_FROM: i64 = 1_000_000_000;

/// Of so many products at once what they are found by is made anew.
const PLACED_AT_ONCE: usize = 5_000;

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
    place_products(conn, begun.id).await?;
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

/// A product that the list touched, and how.
struct Touched {
    id: ProductId,
    /// What it is found by may have changed.
    reindex: bool,
    /// Whether or at what price it is listed may have changed.
    relist: bool,
}

/// Makes what the list touched findable, and brings it to its places in the catalogue's lists. A product that had no
/// description gets its first.
///
/// Products are shared by suppliers: they are locked first, in one order, so that two imports neither wait in
/// a circle nor overlook each other's offers.
async fn place_products(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    let touched = lock_touched(conn, id).await?;
    for some in touched.chunks(PLACED_AT_ONCE) {
        let ids = |wanted: fn(&Touched) -> bool| -> Vec<ProductId> {
            some.iter().filter(|product| wanted(product)).map(|product| product.id).collect()
        };
        let (reindex, relist) = (ids(|product| product.reindex), ids(|product| product.relist));
        if !reindex.is_empty() {
            describe(conn, id, &reindex).await?;
            catalog::index(conn, &reindex).await?;
        }
        if !relist.is_empty() {
            catalog::relist(conn, &relist).await?;
        }
    }
    Ok(())
}

async fn lock_touched(conn: &mut PgConnection, id: PriceImportId) -> Result<Vec<Touched>, sqlx::Error> {
    sqlx::query_as!(
        Touched,
        r#"
        select p.id as "id: ProductId", t.reindex as "reindex!", t.relist as "relist!"
        from products p
        join (
            select id, bool_or(reindex) as reindex, bool_or(relist) as relist
            from (
                select
                    product_id as id, reindex,
                    change = 'inserted' or changes ?| array['price', 'product', 'withdrawn'] as relist
                from price_import_stage
                where import_id = $1 and change in ('inserted', 'updated')
                union all
                select product_id, true, false
                from price_import_stage
                where import_id = $1 and change = 'unchanged' and reindex
                union all
                select product_before, true, true
                from price_import_stage
                where import_id = $1 and product_before <> product_id
                union all
                select o.product_id, false, true
                from offer_changes c
                join offers o on o.id = c.offer_id
                where c.import_id = $1 and c.change = 'withdrawn'
            ) as every
            where reindex or relist
            group by id
        ) as t on t.id = p.id
        order by p.id
        for no key update of p
        "#,
        id as PriceImportId,
    )
    .fetch_all(conn)
    .await
}

async fn describe(
    conn: &mut PgConnection,
    id: PriceImportId,
    products: &[ProductId],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update products p
        set description = d.description
        from (
            select distinct on (s.product_id) s.product_id, s.description
            from price_import_stage s
            where s.import_id = $2 and s.description is not null and s.product_id = any ($1)
            order by s.product_id, s.row
        ) as d
        where p.id = d.product_id and p.description is null
        "#,
        products as &[ProductId],
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
            set catalog_version = catalog_version + 1, updated_at = $7,
                offers_count = (select count(*) from offers where supplier_id = $8 and withdrawn_at is null)
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
