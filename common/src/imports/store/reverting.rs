//! Taking back what a list has changed: its report, read backwards, becomes the goods of another list.

use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{super::ImportStatus, Begun};
use crate::{
    ids::{PriceImportId, SupplierId, UserId},
    imports::said,
};

/// What is known of an import that is to be taken back.
pub(in super::super) struct Revertible {
    pub(in super::super) status: ImportStatus,
    /// Whether all that it changed is still in its report.
    pub(in super::super) is_whole: bool,
}

/// Finds one of a supplier's imports.
pub(in super::super) async fn revertible(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    id: PriceImportId,
) -> Result<Option<Revertible>, sqlx::Error> {
    sqlx::query_as!(
        Revertible,
        r#"
        select
            i.status as "status: ImportStatus",
            i.inserted + i.updated + i.withdrawn = (
                select count(*)
                from price_import_rows r
                where r.import_id = i.id
                  and (r.status in ('inserted', 'withdrawn')
                    or r.status = 'updated' and (r.product_before is not null or not r.changes ? 'product'))
            ) as "is_whole!"
        from price_imports i
        where i.id = $1 and i.supplier_id = $2
        "#,
        id as PriceImportId,
        supplier_id as SupplierId,
    )
    .fetch_optional(conn)
    .await
}

/// Writes the import that takes another one back. It has no file.
pub(in super::super) async fn insert_reversal(
    conn: &mut PgConnection,
    id: PriceImportId,
    reverts: PriceImportId,
    requested_by: UserId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with received as (
            insert into price_imports (
                id, supplier_id, requested_by, mode, format, source, bytes, sha256, status, created_at, reverts
            )
            select $1, supplier_id, $3, 'upsert', format, source, 0, '', 'received', $4, id
            from price_imports
            where id = $2
            returning id
        )
        insert into price_import_history (import_id, status, at)
        select id, 'received', $4 from received
        "#,
        id as PriceImportId,
        reverts as PriceImportId,
        requested_by as UserId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stages what a list has changed as it was before: what it brought is withdrawn, what it withdrew is brought
/// back, and of what it changed just that is changed back. What has changed since is left alone, and reported:
/// another list has changed the offer, or the stock that the list had set is not what it was. Rows are numbered
/// as they stand in the report. Returns how many there are.
pub(in super::super) async fn stage_reversal(
    conn: &mut PgConnection,
    begun: &Begun,
    reverts: PriceImportId,
) -> Result<i64, sqlx::Error> {
    let detail = said!(
        "the offer has changed since, and was left as it is",
        "предложение с тех пор изменилось, оно оставлено как есть"
    );
    sqlx::query_scalar!(
        r#"
        with done as materialized (
            select
                row_number() over (order by r.position) as place, r.sku, r.status, r.changes, r.product_before, o.id as offer_id,
                exists (
                    select
                    from offer_changes later
                    join price_imports l on l.id = later.import_id
                    where later.offer_id = o.id and l.catalog_version > i.catalog_version
                ) or r.changes ? 'quantity' and t.stock <> (r.changes -> 'quantity' ->> 1)::integer as has_changed
            from price_imports i
            join price_import_rows r on r.import_id = i.id and r.status <> 'failed'
            join offers o on o.supplier_id = i.supplier_id and o.sku = r.sku
            join offer_stock t on t.offer_id = o.id
            where i.id = $2
        ),
        staged as (
            insert into price_import_stage (
                import_id, row, line, sku, category, category_key, model, name, name_key, price_minor,
                recommended_price_minor, stock, parameters, gtin, vat_rate, unit, min_quantity, multiple, withdraw
            )
            select
                $1, d.place, null, d.sku, c.name, c.name_key,
                case when d.changes ? 'model' then d.changes -> 'model' ->> 0 else o.model end, p.name, p.name_key,
                case
                    when d.changes ? 'price' then replace(d.changes -> 'price' ->> 0, '.', '')::bigint
                    else o.price_minor
                end,
                case
                    when d.changes ? 'price_rrc' then replace(d.changes -> 'price_rrc' ->> 0, '.', '')::bigint
                    else o.recommended_price_minor
                end,
                (d.changes -> 'quantity' ->> 0)::integer,
                case when d.changes ? 'parameters' then d.changes -> 'parameters' -> 0 else o.parameters end,
                case when d.changes ? 'gtin' then d.changes -> 'gtin' ->> 0 else o.gtin end,
                case when d.changes ? 'vat' then d.changes -> 'vat' ->> 0 else o.vat_rate end,
                case when d.changes ? 'unit' then d.changes -> 'unit' ->> 0 else o.unit end,
                coalesce((d.changes -> 'min_quantity' ->> 0)::integer, o.min_quantity),
                coalesce((d.changes -> 'multiple' ->> 0)::integer, o.multiple),
                d.status = 'inserted' or d.changes ? 'withdrawn'
            from done d
            join offers o on o.id = d.offer_id
            join products p on p.id = coalesce(d.product_before, o.product_id)
            join categories c on c.id = p.category_id
            where not d.has_changed
        ),
        left_alone as (
            insert into price_import_rows (import_id, position, row, line, sku, status, errors)
            select $1, place, place, null, sku, 'failed', jsonb_build_array(jsonb_build_object(
                'field', 'id', 'code', 'changed_since',
                'detail', $3::jsonb
            ))
            from done
            where has_changed
        )
        select count(*) as "rows!" from done
        "#,
        begun.id as PriceImportId,
        reverts as PriceImportId,
        json!(detail),
    )
    .fetch_one(conn)
    .await
}
