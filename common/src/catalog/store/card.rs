//! The product card.

use serde_json::value::RawValue;
use sqlx::{PgConnection, types::Json};

use super::super::{Gtin, OfferSummary, OfferTerms, ProductCard, ProductSummary};
use crate::{
    ids::{CategoryId, OfferId, ProductId, SupplierId},
    money::Money,
    vat::VatRate,
};

/// How many offers a card shows.
const MAX_OFFERS: i64 = 200;

/// A product with its offers, cheapest first; `None` when it has none that are shown. Of a great many the cheapest that
/// can be ordered are shown; its figures are those of all of them, as in lists.
///
/// # Errors
/// When the database refuses.
pub async fn product_card(
    conn: &mut PgConnection,
    id: ProductId,
) -> Result<Option<ProductCard>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            p.name, p.description, p.gtin as "product_gtin: Gtin", p.category_id as "category_id: CategoryId", c.name as category_name,
            o.price_from as "price_from: Money", o.available_in_all as "available!", o.offers_count as "offers_count!",
            o.id as "offer_id!: OfferId", o.supplier_id as "supplier_id!: SupplierId",
            o.supplier_name as "supplier_name!", o.accepting_orders as "accepting_orders!", o.sku as "sku!", o.model,
            o.price_minor as "price!: Money", o.recommended_price_minor as "recommended_price: Money",
            o.available as "offer_available!", o.parameters as "parameters!: Json<Box<RawValue>>",
            o.updated_at as "updated_at!", o.gtin as "gtin: Gtin", o.vat_rate as "vat_rate: VatRate", o.unit,
            o.min_quantity as "min_quantity!", o.multiple as "multiple!"
        from (
            select
                *,
                min(price_minor) filter (where accepting_orders) over () as price_from,
                coalesce(sum(available) filter (where accepting_orders) over (), 0)::bigint as available_in_all,
                count(*) over () as offers_count
            from shown_offers
            where product_id = $1
            order by accepting_orders desc, price_minor, id
            limit $2
        ) o
        join products p on p.id = o.product_id
        join categories c on c.id = p.category_id
        order by o.price_minor, o.id
        "#,
        id as ProductId,
        MAX_OFFERS,
    )
    .fetch_all(conn)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let gtin = first.product_gtin.clone();
    let product = ProductSummary {
        id,
        name: first.name.clone(),
        description: first.description.clone(),
        category_id: first.category_id,
        category_name: first.category_name.clone(),
        price_from: first.price_from,
        available: first.available,
        offers_count: first.offers_count,
    };
    let offers = rows
        .into_iter()
        .map(|row| OfferSummary {
            id: row.offer_id,
            supplier_id: row.supplier_id,
            supplier_name: row.supplier_name,
            accepting_orders: row.accepting_orders,
            sku: row.sku,
            model: row.model,
            price: row.price,
            recommended_price: row.recommended_price,
            available: row.offer_available,
            gtin: row.gtin,
            vat_rate: row.vat_rate,
            unit: row.unit,
            terms: OfferTerms { min_quantity: row.min_quantity, multiple: row.multiple },
            parameters: row.parameters.0,
            updated_at: row.updated_at,
        })
        .collect();
    Ok(Some(ProductCard { product, gtin, offers }))
}
