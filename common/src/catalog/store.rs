//! All SQL of the catalogue's reads. Offers of organizations that wait for approval are nowhere.

use serde_json::Value;
use sqlx::{PgPool, types::Json};

use super::{
    CategorySummary, OfferSummary, ProductCard, ProductCursor, ProductFilter, ProductSummary, SupplierSummary,
};
use crate::{
    ids::{CategoryId, OfferId, ProductId, SupplierId},
    money::Money,
    page::Limit,
};

/// A page of suppliers, by id: the oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn suppliers(
    pool: &PgPool,
    after: Option<SupplierId>,
    limit: Limit,
) -> Result<Vec<SupplierSummary>, sqlx::Error> {
    sqlx::query_as!(
        SupplierSummary,
        r#"
        select
            s.id as "id: SupplierId", g.name, s.accepting_orders, s.updated_at,
            (select count(*) from offers o where o.supplier_id = s.id and o.withdrawn_at is null)
                as "offers_count!"
        from suppliers s
        join organizations g on g.id = s.id
        where g.approved_at is not null and ($1::uuid is null or s.id > $1)
        order by s.id
        limit $2
        "#,
        after as Option<SupplierId>,
        limit.and_one(),
    )
    .fetch_all(pool)
    .await
}

/// One supplier.
///
/// # Errors
/// When the database refuses.
pub async fn supplier(pool: &PgPool, id: SupplierId) -> Result<Option<SupplierSummary>, sqlx::Error> {
    sqlx::query_as!(
        SupplierSummary,
        r#"
        select
            s.id as "id: SupplierId", g.name, s.accepting_orders, s.updated_at,
            (select count(*) from offers o where o.supplier_id = s.id and o.withdrawn_at is null)
                as "offers_count!"
        from suppliers s
        join organizations g on g.id = s.id
        where g.approved_at is not null and s.id = $1
        "#,
        id as SupplierId,
    )
    .fetch_optional(pool)
    .await
}

/// A page of categories that have products, by id.
///
/// # Errors
/// When the database refuses.
pub async fn categories(
    pool: &PgPool,
    after: Option<CategoryId>,
    limit: Limit,
) -> Result<Vec<CategorySummary>, sqlx::Error> {
    sqlx::query_as!(
        CategorySummary,
        r#"
        select c.id as "id: CategoryId", c.name, count(*) as "products_count!"
        from categories c
        join products p on p.category_id = c.id
        where ($1::uuid is null or c.id > $1)
          and exists (select from shown_offers o where o.product_id = p.id)
        group by c.id
        order by c.id
        limit $2
        "#,
        after as Option<CategoryId>,
        limit.and_one(),
    )
    .fetch_all(pool)
    .await
}

/// One row of a product list, before its cursor is made.
struct ProductRow {
    id: ProductId,
    name: String,
    name_key: String,
    description: Option<String>,
    category_id: CategoryId,
    category_name: String,
    price_from: Option<Money>,
    available: i64,
    offers_count: i64,
    rank: f32,
}

impl ProductRow {
    fn summary(self, by_rank: bool) -> ProductSummary {
        let cursor = if by_rank {
            ProductCursor::Rank(self.rank, self.id)
        } else {
            ProductCursor::Name(self.name_key, self.id)
        };
        ProductSummary {
            id: self.id,
            name: self.name,
            description: self.description,
            category_id: self.category_id,
            category_name: self.category_name,
            price_from: self.price_from,
            available: self.available,
            offers_count: self.offers_count,
            cursor,
        }
    }
}

/// A page of products: by relevance where words are searched for, by name otherwise. A cursor of the other
/// order starts from the beginning.
///
/// # Errors
/// When the database refuses.
pub async fn products(
    pool: &PgPool,
    filter: &ProductFilter,
    after: Option<&ProductCursor>,
    limit: Limit,
) -> Result<Vec<ProductSummary>, sqlx::Error> {
    match &filter.q {
        Some(q) => by_relevance(pool, q, filter, after, limit).await,
        None => by_name(pool, filter, after, limit).await,
    }
}

async fn by_name(
    pool: &PgPool,
    filter: &ProductFilter,
    after: Option<&ProductCursor>,
    limit: Limit,
) -> Result<Vec<ProductSummary>, sqlx::Error> {
    let (after_name, after_id) = match after {
        Some(ProductCursor::Name(name, id)) => (Some(name.as_str()), Some(*id)),
        _ => (None, None),
    };
    let rows = sqlx::query_as!(
        ProductRow,
        r#"
        select
            p.id as "id: ProductId", p.name, p.name_key, p.description,
            p.category_id as "category_id: CategoryId", c.name as category_name,
            x.price_from as "price_from: Money", x.available as "available!", x.offers_count as "offers_count!",
            0::real as "rank!"
        from products p
        join categories c on c.id = p.category_id
        cross join lateral (
            select
                min(o.price_minor) filter (where o.accepting_orders) as price_from,
                coalesce(sum(o.available) filter (where o.accepting_orders), 0)::bigint as available,
                count(*) as offers_count
            from shown_offers o
            where o.product_id = p.id
        ) x
        where x.offers_count > 0
          and ($1::uuid is null or p.category_id = $1)
          and ($2::uuid is null or exists (
            select from shown_offers o where o.product_id = p.id and o.supplier_id = $2
          ))
          and ($3::text is null or (p.name_key, p.id) > ($3, $4::uuid))
        order by p.name_key, p.id
        limit $5
        "#,
        filter.category_id as Option<CategoryId>,
        filter.supplier_id as Option<SupplierId>,
        after_name,
        after_id as Option<ProductId>,
        limit.and_one(),
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| row.summary(false)).collect())
}

async fn by_relevance(
    pool: &PgPool,
    q: &str,
    filter: &ProductFilter,
    after: Option<&ProductCursor>,
    limit: Limit,
) -> Result<Vec<ProductSummary>, sqlx::Error> {
    let (after_rank, after_id) = match after {
        Some(ProductCursor::Rank(rank, id)) => (Some(*rank), Some(*id)),
        _ => (None, None),
    };
    let rows = sqlx::query_as!(
        ProductRow,
        r#"
        with words as (
            select plainto_tsquery('russian', $1) || plainto_tsquery('english', $1)
                || plainto_tsquery('simple', $1) as query
        ),
        found as (
            select p.id, ts_rank(p.search, words.query) as rank
            from products p, words
            where p.search @@ words.query
              and ($2::uuid is null or p.category_id = $2)
              and exists (
                select
                from shown_offers o
                where o.product_id = p.id and ($3::uuid is null or o.supplier_id = $3)
              )
            order by rank desc, p.id
            limit 1000
        )
        select
            p.id as "id: ProductId", p.name, p.name_key, p.description,
            p.category_id as "category_id: CategoryId", c.name as category_name,
            x.price_from as "price_from: Money", x.available as "available!", x.offers_count as "offers_count!",
            f.rank as "rank!"
        from found f
        join products p on p.id = f.id
        join categories c on c.id = p.category_id
        cross join lateral (
            select
                min(o.price_minor) filter (where o.accepting_orders) as price_from,
                coalesce(sum(o.available) filter (where o.accepting_orders), 0)::bigint as available,
                count(*) as offers_count
            from shown_offers o
            where o.product_id = p.id
        ) x
        where ($4::real is null or f.rank < $4 or (f.rank = $4 and p.id > $5::uuid))
        order by f.rank desc, p.id
        limit $6
        "#,
        q,
        filter.category_id as Option<CategoryId>,
        filter.supplier_id as Option<SupplierId>,
        after_rank,
        after_id as Option<ProductId>,
        limit.and_one(),
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| row.summary(true)).collect())
}

/// A product with its offers, cheapest first; `None` when it has none that are shown.
///
/// # Errors
/// When the database refuses.
pub async fn product_card(pool: &PgPool, id: ProductId) -> Result<Option<ProductCard>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            p.name, p.name_key, p.description, p.category_id as "category_id: CategoryId",
            c.name as category_name,
            o.id as "offer_id!: OfferId", o.supplier_id as "supplier_id!: SupplierId",
            o.supplier_name as "supplier_name!", o.accepting_orders as "accepting_orders!", o.sku as "sku!", o.model,
            o.price_minor as "price!: Money", o.recommended_price_minor as "recommended_price: Money",
            o.available as "available!", o.parameters as "parameters!: Json<serde_json::Map<String, Value>>",
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
    .fetch_all(pool)
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
        cursor: ProductCursor::Name(first.name_key.clone(), id),
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
