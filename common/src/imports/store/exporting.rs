//! The supplier's current list, as it is read for an export. Each statement names the supplier.

use std::collections::BTreeMap;

use sqlx::{PgConnection, types::Json};

use crate::{
    catalog::OfferTerms,
    ids::SupplierId,
    imports::formats::{ListHead, RawGood},
    money::Money,
};

/// So many goods are read at once.
pub(in super::super) const GOODS_AT_ONCE: i64 = 2_000;

/// More parameters than any table has columns: no more of them are of use.
const MAX_PARAMETERS: i64 = 1_000_000;

/// What a supplier's list says before its goods.
pub(in super::super) async fn export_head(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<ListHead, sqlx::Error> {
    let shop = sqlx::query_scalar!("select name from organizations where id = $1", supplier_id as SupplierId);
    let shop = shop.fetch_one(&mut *conn).await?;
    let categories = sqlx::query_scalar!(
        r#"
        select distinct c.name
        from offers o
        join products p on p.id = o.product_id
        join categories c on c.id = p.category_id
        where o.supplier_id = $1 and o.withdrawn_at is null
        order by c.name
        "#,
        supplier_id as SupplierId,
    )
    .fetch_all(&mut *conn)
    .await?;
    let parameters = sqlx::query_scalar!(
        r#"
        select distinct k.name as "name!"
        from offers o
        cross join lateral jsonb_object_keys(o.parameters) as k (name)
        where o.supplier_id = $1 and o.withdrawn_at is null
        order by k.name
        limit $2
        "#,
        supplier_id as SupplierId,
        MAX_PARAMETERS,
    )
    .fetch_all(conn)
    .await?;
    Ok(ListHead { shop, categories, parameters, is_report: false })
}

/// The goods of a supplier's list whose skus come after this one.
pub(in super::super) async fn export_goods(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    after: Option<&str>,
) -> Result<Vec<RawGood>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            o.sku, o.model, o.price_minor as "price: Money", o.recommended_price_minor as "price_rrc: Money",
            o.parameters as "parameters: Json<BTreeMap<String, String>>", t.stock, p.name, p.description,
            c.name as category, o.gtin, o.vat_rate, o.unit, o.min_quantity, o.multiple
        from offers o
        join offer_stock t on t.offer_id = o.id
        join products p on p.id = o.product_id
        join categories c on c.id = p.category_id
        where o.supplier_id = $1 and o.withdrawn_at is null and ($2::text is null or o.sku > $2)
        order by o.sku
        limit $3
        "#,
        supplier_id as SupplierId,
        after,
        GOODS_AT_ONCE,
    )
    .fetch_all(conn)
    .await?;
    let goods = rows.into_iter().map(|row| {
        let terms = OfferTerms { min_quantity: row.min_quantity, multiple: row.multiple };
        let (min_quantity, multiple) = terms.said();
        RawGood {
            sku: Some(row.sku),
            category: Some(row.category),
            model: row.model,
            name: Some(row.name),
            description: row.description,
            price: Some(row.price.to_string()),
            price_rrc: row.price_rrc.map(|price| price.to_string()),
            quantity: Some(row.stock.to_string()),
            gtin: row.gtin,
            vat: row.vat_rate,
            unit: row.unit,
            min_quantity: min_quantity.map(|pieces| pieces.to_string()),
            multiple: multiple.map(|pieces| pieces.to_string()),
            parameters: row.parameters.0.into_iter().collect(),
            ..RawGood::default()
        }
    });
    Ok(goods.collect())
}
