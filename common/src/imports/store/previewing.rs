//! What a list would change, for whoever is to decide; and whether that is still so when they have decided.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    super::{Counts, ImportMode, ImportStatus, RELEASE},
    Begun,
    applying::{WITHDRAWN_FROM, count, note_counts},
    difference::find_difference,
    gtins::look_up_gtins,
    guarding::mark_slips,
    staging::empty_stage,
};
use crate::{
    catalog,
    ids::{PriceImportId, SupplierId},
};

/// Reports what the staged list would change, and changes nothing. Afterwards the stage is empty: what is decided upon
/// is read from the file again.
pub(in super::super) async fn report(conn: &mut PgConnection, begun: &Begun) -> Result<Counts, sqlx::Error> {
    catalog::claim_supplier(conn, begun.supplier_id).await?;
    keep_preview(conn, begun).await?;
    look_up_gtins(conn, begun).await?;
    find_difference(conn, begun).await?;
    sqlx::query!(
        r#"
        insert into price_import_rows (import_id, position, row, line, sku, status, changes)
        select $1, row, row, line, sku, change, changes
        from price_import_stage
        where import_id = $1 and change in ('inserted', 'updated')
        "#,
        begun.id as PriceImportId,
    )
    .execute(&mut *conn)
    .await?;
    mark_slips(conn, begun.id).await?;
    let withdrawn = sqlx::query!(
        r#"
        insert into price_import_rows (import_id, position, sku, status)
        select $1, $2 + row_number() over (order by sku), sku, 'withdrawn'
        from offers_missing_in($1)
        "#,
        begun.id as PriceImportId,
        WITHDRAWN_FROM,
    )
    .execute(&mut *conn)
    .await?;
    let counts = count(conn, begun.id, withdrawn.rows_affected().cast_signed()).await?;
    note_counts(conn, begun.id, counts).await?;
    empty_stage(conn, begun.id).await?;
    Ok(counts)
}

/// Notes what the list is compared with. Before the comparison: what is shipped meanwhile counts as a change then.
async fn keep_preview(conn: &mut PgConnection, begun: &Begun) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into price_import_previews (import_id, catalog_version, stock, release, skus)
        select $1, s.catalog_version, stock_of(s.id, n.skus), $4, n.skus
        from suppliers s
        cross join (
            select case when $3 then array(select sku from price_import_stage where import_id = $1) end as skus
        ) as n
        where s.id = $2
        "#,
        begun.id as PriceImportId,
        begun.supplier_id as SupplierId,
        begun.mode == ImportMode::Upsert,
        RELEASE,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the offers that a waiting list concerns are others by now than those that it was compared with: another
/// list has changed them, this release may read the list otherwise, or something of them was shipped. Shipping is no
/// objection to a list that was to be applied at once, and was held.
pub(in super::super) async fn has_moved_on(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    id: PriceImportId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select p.release <> $3 or i.dry_run and p.stock <> stock_of($1, p.skus) or exists (
            select
            from price_imports later
            join offer_changes c on c.import_id = later.id
            join offers o on o.id = c.offer_id
            left join unnest(p.skus) as named (sku) on named.sku = o.sku
            where later.supplier_id = $1 and later.catalog_version > p.catalog_version
              and (p.skus is null or named.sku is not null)
        ) as "moved!"
        from price_import_previews p
        join price_imports i on i.id = p.import_id
        where p.import_id = $2
        "#,
        supplier_id as SupplierId,
        id as PriceImportId,
        RELEASE,
    )
    .fetch_one(conn)
    .await
}

/// An import that is kept from being decided upon otherwise.
pub(in super::super) struct Locked {
    pub(in super::super) status: ImportStatus,
    pub(in super::super) awaits_file: bool,
}

/// Finds one of a supplier's imports, and keeps it from being decided upon otherwise until the transaction ends.
pub(in super::super) async fn lock(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    id: PriceImportId,
) -> Result<Option<Locked>, sqlx::Error> {
    sqlx::query_as!(
        Locked,
        r#"
        select status as "status: ImportStatus", awaits_file
        from price_imports
        where id = $1 and supplier_id = $2
        for no key update
        "#,
        id as PriceImportId,
        supplier_id as SupplierId,
    )
    .fetch_optional(conn)
    .await
}

/// Notes that a list was accepted without what looks like a slip.
pub(in super::super) async fn exclude_held(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update price_imports set exclude_held = true where id = $1", id as PriceImportId)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets what a list was compared with, once somebody has decided.
pub(in super::super) async fn forget_preview(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from price_import_previews where import_id = $1", id as PriceImportId)
        .execute(conn)
        .await?;
    Ok(())
}

/// A list that nobody has decided upon.
pub(in super::super) struct Undecided {
    pub(in super::super) id: PriceImportId,
    pub(in super::super) status: ImportStatus,
}

/// Those lists of a supplier that wait beyond so many newer ones.
pub(in super::super) async fn undecided_beyond(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    newest: i64,
) -> Result<Vec<Undecided>, sqlx::Error> {
    sqlx::query_as!(
        Undecided,
        r#"
        select id as "id: PriceImportId", status as "status: ImportStatus"
        from price_imports
        where supplier_id = $1 and status in ('validated', 'held_for_review')
        order by id desc
        limit 100
        offset $2
        "#,
        supplier_id as SupplierId,
        newest,
    )
    .fetch_all(conn)
    .await
}

/// Some of the lists that came before then and still wait, past those that somebody decides upon now.
pub(in super::super) async fn undecided_since(
    conn: &mut PgConnection,
    before: OffsetDateTime,
    at_most: i64,
) -> Result<Vec<Undecided>, sqlx::Error> {
    sqlx::query_as!(
        Undecided,
        r#"
        select id as "id: PriceImportId", status as "status: ImportStatus"
        from price_imports
        where status in ('validated', 'held_for_review') and created_at < $1
        limit $2
        for no key update skip locked
        "#,
        before,
        at_most,
    )
    .fetch_all(conn)
    .await
}
