//! The product card.

use serde_json::value::RawValue;
use sqlx::{PgConnection, types::Json};

use super::super::{OfferSummary, ProductCard, ProductSummary};
use crate::{
    ids::{CategoryId, OfferId, ProductId, SupplierId},
    money::Money,
};

/// A product with its offers, cheapest first; `None` when it has none that are shown.
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
            p.name, p.description, p.category_id as "category_id: CategoryId",
            c.name as category_name,
            o.id as "offer_id!: OfferId", o.supplier_id as "supplier_id!: SupplierId",
            o.supplier_name as "supplier_name!", o.accepting_orders as "accepting_orders!", o.sku as "sku!", o.model,
            o.price_minor as "price!: Money", o.recommended_price_minor as "recommended_price: Money",
            o.available as "available!", o.parameters as "parameters!: Json<Box<RawValue>>",
            o.updated_at as "updated_at!"
        from products p
        join categories c on c.id = p.category_id
        join shown_offers o on o.product_id = p.id
        where p.id = $1
        order by o.price_minor, o.id
        limit 1000
        "#,
        id as ProductId,
    )
    .fetch_all(conn)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let open = || rows.iter().filter(|row| row.accepting_orders);
    let product = ProductSummary {
        id,
        name: first.name.clone(),
        description: first.description.clone(),
        category_id: first.category_id,
        category_name: first.category_name.clone(),
        price_from: open().map(|row| row.price).min(),
        available: open().map(|row| i64::from(row.available)).sum(),
        offers_count: i64::try_from(rows.len()).unwrap_or(i64::MAX),
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
            available: row.available,
            parameters: row.parameters.0,
            updated_at: row.updated_at,
        })
        .collect();
    Ok(Some(ProductCard { product, offers }))
}
