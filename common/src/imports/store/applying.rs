//! Applying a staged list: the difference to the supplier's offers, then only what differs, in one transaction.
//!
//! Lock order: the supplier's catalogue, so that lists follow one another; [GTINs](super::gtins), by lists that bring new
//! ones; categories and products in the order of their names; the products that are placed, by id; new words, in their
//! order; the catalogue's tables, where they are [analyzed](super::statistics); stock, in the order of offers like orders
//! do; the supplier. What buyers and suppliers wait for comes last, when the long work is done.

use std::time::Duration;

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    super::{Counts, ImportStatus, RELEASE},
    Begun,
    difference::{add_categories, add_products, find_difference},
    gtins::follow_gtins,
    guarding::leave_suspicious,
    placing::place_products,
    receiving::delete_chunks,
    reporting::sum_up_problems,
    statistics::analyze_catalog,
    stock::{note_movements, set_stock},
};
use crate::{
    catalog,
    ids::{PriceImportId, SupplierId},
};

/// Positions in the report from here on are of offers that the list no longer has: beyond any row.
pub(super) const WITHDRAWN_FROM: i64 = 1_000_000_000;

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

/// Whether every row of the list is staged or refused. The stage is not logged: PostgreSQL empties it when it
/// recovers from a crash, and a standby that takes over has none of it, which nobody need notice between two
/// transactions.
pub(in super::super) async fn is_whole(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select i.rows_total = (select count(*) from price_import_stage s where s.import_id = i.id)
            + (select count(*) from price_import_rows r where r.import_id = i.id and r.status = 'failed') as "whole!"
        from price_imports i
        where i.id = $1
        "#,
        id as PriceImportId,
    )
    .fetch_one(conn)
    .await
}

/// Brings the staged goods of an import into the catalogue.
pub(in super::super) async fn apply(
    conn: &mut PgConnection,
    begun: &Begun,
    now: OffsetDateTime,
) -> Result<Applied, sqlx::Error> {
    catalog::claim_supplier(conn, begun.supplier_id).await?;
    if begun.exclude_held {
        leave_suspicious(conn, begun.id).await?;
    }
    let has_new_gtins = follow_gtins(conn, begun).await?;
    add_categories(conn, begun.id).await?;
    add_products(conn, begun.id).await?;
    find_difference(conn, begun).await?;
    insert_offers(conn, begun, now).await?;
    update_offers(conn, begun, now).await?;
    let withdrawn = withdraw_missing(conn, begun, now).await?;
    let counts = count(conn, begun.id, withdrawn).await?;
    let on_sale = add_up(conn, begun).await?;
    note_movements(conn, begun.id, now).await?;
    delete_chunks(conn, begun.id).await?;
    // Pages by price take longer from here until the import commits: they pass entries that nobody sees yet.
    place_products(conn, begun.id, has_new_gtins).await?;
    note_counts(conn, begun.id, counts).await?;
    analyze_catalog(conn, counts.inserted).await?;
    sum_up_problems(conn, begun.id).await?;
    // Orders of these goods wait from here until the import commits.
    set_stock(conn, begun.id, now).await?;
    finish(conn, begun, now, on_sale).await?;
    let status = match counts.failed {
        0 => ImportStatus::Completed,
        _ => ImportStatus::CompletedWithErrors,
    };
    Ok(Applied { status, counts })
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
                id, supplier_id, product_id, sku, model, price_minor, recommended_price_minor, parameters, gtin, vat_rate,
                unit, min_quantity, multiple, updated_at
            )
            select
                offer_id, $2, product_id, sku, model, price_minor, recommended_price_minor, parameters, gtin, vat_rate,
                unit, min_quantity, multiple, $3
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
                offer_id, at, import_id, row, change, price_minor, recommended_price_minor, stock, gtin, vat_rate, unit,
                min_quantity, multiple
            )
            select
                offer_id, $3, $1, row, 'inserted', price_minor, recommended_price_minor, stock, gtin, vat_rate, unit,
                min_quantity, multiple
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

/// What of an offer is described and priced; its stock comes [last](super::stock).
async fn update_offers(
    conn: &mut PgConnection,
    begun: &Begun,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with changed as (
            select * from price_import_stage where import_id = $1 and change = 'updated'
        ),
        described as (
            update offers o
            set product_id = c.product_id, model = c.model, price_minor = c.price_minor,
                recommended_price_minor = c.recommended_price_minor, parameters = c.parameters, gtin = c.gtin,
                vat_rate = c.vat_rate, unit = c.unit, min_quantity = c.min_quantity, multiple = c.multiple,
                withdrawn_at = null, updated_at = $2
            from changed c
            where o.id = c.offer_id
        ),
        noted as (
            insert into offer_changes (
                offer_id, at, import_id, row, change, price_minor, recommended_price_minor, stock, gtin, vat_rate, unit,
                min_quantity, multiple
            )
            select
                offer_id, $2, $1, row, 'updated', price_minor, recommended_price_minor, coalesce(stock, stock_before),
                gtin, vat_rate, unit, min_quantity, multiple
            from changed
        )
        insert into price_import_rows (import_id, position, row, line, sku, status, changes, product_before)
        select
            $1, row, row, line, sku, 'updated', changes,
            case when changes ? 'product' then product_before end
        from changed
        "#,
        begun.id as PriceImportId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Withdraws the offers that the list no longer has.
async fn withdraw_missing(
    conn: &mut PgConnection,
    begun: &Begun,
    now: OffsetDateTime,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with gone as (
            update offers o
            set withdrawn_at = $2, updated_at = $2
            from offers_missing_in($1) m
            where o.id = m.offer_id
            returning
                o.id, o.sku, o.price_minor, o.recommended_price_minor, o.gtin, o.vat_rate, o.unit, o.min_quantity,
                o.multiple
        ),
        noted as (
            insert into offer_changes (
                offer_id, at, import_id, change, price_minor, recommended_price_minor, stock, gtin, vat_rate, unit,
                min_quantity, multiple
            )
            select
                g.id, $2, $1, 'withdrawn', g.price_minor, g.recommended_price_minor, t.stock, g.gtin, g.vat_rate, g.unit,
                g.min_quantity, g.multiple
            from gone g
            join offer_stock t on t.offer_id = g.id
        ),
        reported as (
            insert into price_import_rows (import_id, position, sku, status)
            select $1, $3 + row_number() over (order by sku), sku, 'withdrawn'
            from gone
        )
        select count(*) as "count!" from gone
        "#,
        begun.id as PriceImportId,
        now,
        WITHDRAWN_FROM,
    )
    .fetch_one(conn)
    .await
}

/// What the rows came to.
pub(super) async fn count(
    conn: &mut PgConnection,
    id: PriceImportId,
    withdrawn: i64,
) -> Result<Counts, sqlx::Error> {
    let staged = sqlx::query!(
        r#"
        select
            count(*) filter (where change = 'inserted') as "inserted!",
            count(*) filter (where change = 'updated') as "updated!",
            count(*) filter (where change is null) as "unchanged!"
        from price_import_stage
        where import_id = $1
        "#,
        id as PriceImportId,
    )
    .fetch_one(&mut *conn)
    .await?;
    let failed = sqlx::query_scalar!(
        r#"select count(*) as "count!" from price_import_rows where import_id = $1 and status = 'failed'"#,
        id as PriceImportId,
    )
    .fetch_one(conn)
    .await?;
    Ok(Counts {
        inserted: staged.inserted,
        updated: staged.updated,
        unchanged: staged.unchanged,
        withdrawn,
        failed,
    })
}

/// Notes what the rows came to.
pub(super) async fn note_counts(
    conn: &mut PgConnection,
    id: PriceImportId,
    counts: Counts,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update price_imports
        set inserted = $2, updated = $3, unchanged = $4, withdrawn = $5, failed = $6
        where id = $1
        "#,
        id as PriceImportId,
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.withdrawn,
        counts.failed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a supplier has on sale: how many offers, and how many pieces of all of them.
pub(super) struct OnSale {
    pub(super) offers: i64,
    pub(super) pieces: i64,
}

/// Adds up the supplier's offers and their stock, which is as the list says where that has it.
async fn add_up(conn: &mut PgConnection, begun: &Begun) -> Result<OnSale, sqlx::Error> {
    sqlx::query_as!(
        OnSale,
        r#"
        select count(*) as "offers!", coalesce(sum(coalesce(s.stock, t.stock)), 0) as "pieces!"
        from offers o
        join offer_stock t on t.offer_id = o.id
        left join price_import_stage s on s.import_id = $1 and s.sku = o.sku
        where o.supplier_id = $2 and o.withdrawn_at is null
        "#,
        begun.id as PriceImportId,
        begun.supplier_id as SupplierId,
    )
    .fetch_one(conn)
    .await
}

/// Notes what the supplier has on sale now, and that this list has made it so.
pub(super) async fn finish(
    conn: &mut PgConnection,
    begun: &Begun,
    now: OffsetDateTime,
    on_sale: OnSale,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with supplied as (
            update suppliers
            set catalog_version = catalog_version + 1, updated_at = $2, offers_count = $5
            where id = $3
            returning catalog_version
        )
        update price_imports
        set catalog_version = (select catalog_version from supplied), stock_after = $6, release = $4
        where id = $1
        "#,
        begun.id as PriceImportId,
        now,
        begun.supplier_id as SupplierId,
        RELEASE,
        on_sale.offers,
        on_sale.pieces,
    )
    .execute(conn)
    .await?;
    Ok(())
}
