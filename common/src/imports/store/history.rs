//! What became of an offer, and through which lists.

use sqlx::PgConnection;

use super::super::history::{OfferChange, OfferChangeKind, OfferHistoryCursor};
use crate::{
    catalog::Gtin,
    ids::{OfferId, SupplierId},
    money::Money,
    page::Limit,
    vat::VatRate,
};

/// Whether that is an offer of the supplier.
pub(in super::super) async fn has_offer(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    offer_id: OfferId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from offers where id = $1 and supplier_id = $2) as "has!""#,
        offer_id as OfferId,
        supplier_id as SupplierId,
    )
    .fetch_one(conn)
    .await
}

/// Some of what became of a supplier's offer, the newest first.
pub(in super::super) async fn offer_history(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    offer_id: OfferId,
    after: Option<OfferHistoryCursor>,
    limit: Limit,
) -> Result<Vec<OfferChange>, sqlx::Error> {
    sqlx::query_as!(
        OfferChange,
        r#"
        select
            e.at as "at!", e.cause as "cause!", e.change as "kind!: OfferChangeKind", e.price_minor as "price?: Money",
            e.recommended_price_minor as "recommended_price?: Money", e.gtin as "gtin?: Gtin",
            e.vat_rate as "vat_rate?: VatRate", e.unit as "unit?", e.min_quantity as "min_quantity?",
            e.multiple as "multiple?", e.stock as "stock!", e.row as "row?",
            i.source as "source?"
        from (
            select
                at, import_id as cause, change, price_minor, recommended_price_minor, gtin, vat_rate, unit, min_quantity,
                multiple, stock, row
            from offer_changes
            where offer_id = $2
            union all
            select at, cause, 'shipped', null, null, null, null, null, null, null, stock_after, null
            from stock_movements
            where offer_id = $2 and kind = 'shipped' and stock_delta <> 0
        ) as e
        join offers o on o.id = $2 and o.supplier_id = $1
        left join price_imports i on i.id = e.cause
        where $3::timestamptz is null or (e.at, e.cause) < ($3, $4)
        order by e.at desc, e.cause desc
        limit $5
        "#,
        supplier_id as SupplierId,
        offer_id as OfferId,
        after.map(|cursor| cursor.at),
        after.map(|cursor| cursor.cause),
        limit.and_one(),
    )
    .fetch_all(conn)
    .await
}
