//! Browsing and searching.

use common::{
    catalog::{self, ProductCursor, ProductSummary},
    ids::{CategoryId, ProductId, SupplierId},
};
use salvo::{oapi::endpoint, prelude::Writer};

use super::{
    dto::{
        CategoriesResponse, ProductCardResponse, ProductResponse, ProductsResponse, SupplierResponse,
        SuppliersResponse,
    },
    kept::{Kept, Key},
    parse,
};
use crate::{
    context::Ctx,
    error::{ApiError, ApiResult},
    params::{PageQuery, PathId, page_parts},
};

/// Suppliers.
#[endpoint(tags("catalog"))]
pub(crate) async fn list_suppliers(
    ctx: Ctx,
    query: PageQuery<SupplierId>,
) -> ApiResult<Kept<SuppliersResponse>> {
    let paging = query.finish()?;
    ctx.kept(Key::Suppliers(paging.after, paging.limit), async {
        let mut reader = ctx.catalog_reader().await?;
        let suppliers = catalog::suppliers(&mut reader, paging.after, paging.limit).await?;
        reader.keep();
        Ok(paging.limit.page(suppliers, |supplier| supplier.id).into())
    })
    .await
}

/// One supplier.
#[endpoint(tags("catalog"))]
pub(crate) async fn get_supplier(ctx: Ctx, id: PathId<SupplierId>) -> ApiResult<Kept<SupplierResponse>> {
    ctx.kept(Key::Supplier(id.0), async {
        let mut reader = ctx.catalog_reader().await?;
        let supplier = catalog::supplier(&mut reader, id.0).await?;
        reader.keep();
        Ok(supplier.ok_or_else(ApiError::not_found)?.into())
    })
    .await
}

/// Categories that have products.
#[endpoint(tags("catalog"))]
pub(crate) async fn list_categories(
    ctx: Ctx,
    query: PageQuery<CategoryId>,
) -> ApiResult<Kept<CategoriesResponse>> {
    let paging = query.finish()?;
    ctx.kept(Key::Categories(paging.after, paging.limit), async {
        let mut reader = ctx.catalog_reader().await?;
        let categories = catalog::categories(&mut reader, paging.after, paging.limit).await?;
        reader.keep();
        Ok(paging.limit.page(categories, |category| category.id).into())
    })
    .await
}

/// Products: by relevance where words are searched for, by name otherwise.
///
/// What finds nothing as it was typed is looked for in the other keyboard layout, and then by the nearest words that
/// products are described by.
#[endpoint(
    tags("catalog"),
    parameters(
        ("q" = Option<String>, Query, description = "Words of the name, model, category or parameters"),
        ("category_id" = Option<String>, Query, description = "Only of this category"),
        ("supplier_id" = Option<String>, Query, description = "Only with an offer of this supplier"),
        ("price_min" = Option<String>, Query, description = "Only with a `price_from` of at least this"),
        ("price_max" = Option<String>, Query, description = "Only with a `price_from` of at most this"),
        ("in_stock" = Option<bool>, Query, description = "Only with an offer of which a piece can be ordered now"),
        ("param[…]" = Option<String>, Query, description =
            "Only with an offer that has this value of the parameter named in the brackets (`param[Цвет]=черный`), \
             spelled as in the offer. Of one parameter several values may be given, any of which may be there; \
             several parameters must all be there. One and the same offer must have them, be of `supplier_id` and, \
             with `in_stock`, be in stock"),
        ("sort" = Option<String>, Query, description =
            "`relevance` (with `q` only; ends after 1,000 products), `name`, `price` or `-price`; products that \
             nobody sells now come last by price"),
        ("facets" = Option<bool>, Query, description =
            "Whether to count the list by category, supplier and parameter"),
    ),
)]
pub(crate) async fn list_products(
    ctx: Ctx,
    query: PageQuery<ProductCursor>,
) -> ApiResult<Kept<ProductsResponse>> {
    let request = parse::products(query)?;
    let key = Key::Products(parse::spelling(&request));
    ctx.kept(key, async {
        let mut reader = ctx.catalog_reader().await?;
        let found = catalog::products(&mut reader, &request).await?;
        reader.keep();
        let (products, next_cursor): (Vec<ProductSummary>, _) = page_parts(found.page);
        let currency = ctx.trade().currency;
        let items = products.into_iter().map(|product| ProductResponse::new(product, currency)).collect();
        Ok(ProductsResponse { items, next_cursor, facets: found.facets.map(Into::into) })
    })
    .await
}

/// A product with every supplier's offer, cheapest first.
#[endpoint(tags("catalog"))]
pub(crate) async fn get_product(ctx: Ctx, id: PathId<ProductId>) -> ApiResult<Kept<ProductCardResponse>> {
    ctx.kept(Key::Card(id.0), async {
        let mut reader = ctx.catalog_reader().await?;
        let card = catalog::product_card(&mut reader, id.0).await?;
        reader.keep();
        Ok(ProductCardResponse::new(card.ok_or_else(ApiError::not_found)?, ctx.trade().currency))
    })
    .await
}
