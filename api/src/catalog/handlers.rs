//! Browsing and searching.

use common::{
    catalog::{self, ProductCursor, ProductFilter},
    ids::{CategoryId, ProductId, SupplierId},
    text::{Invalid, one_line},
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::dto::{
    CategoriesResponse, ProductCardResponse, ProductResponse, ProductsResponse, SupplierResponse,
    SuppliersResponse,
};
use crate::{
    context::Ctx,
    error::{ApiError, ApiResult},
    params::{PageQuery, PathId, page_parts},
};

/// The longest search.
const MAX_SEARCH: usize = 200;

/// Suppliers.
#[endpoint(tags("catalog"))]
pub(crate) async fn list_suppliers(
    ctx: Ctx,
    query: PageQuery<SupplierId>,
) -> ApiResult<Json<SuppliersResponse>> {
    let paging = query.finish()?;
    let suppliers = catalog::suppliers(ctx.pool(), paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(suppliers, |supplier| supplier.id).into()))
}

/// One supplier.
#[endpoint(tags("catalog"))]
pub(crate) async fn get_supplier(ctx: Ctx, id: PathId<SupplierId>) -> ApiResult<Json<SupplierResponse>> {
    let supplier = catalog::supplier(ctx.pool(), id.0).await?;
    Ok(Json(supplier.ok_or_else(ApiError::not_found)?.into()))
}

/// Categories that have products.
#[endpoint(tags("catalog"))]
pub(crate) async fn list_categories(
    ctx: Ctx,
    query: PageQuery<CategoryId>,
) -> ApiResult<Json<CategoriesResponse>> {
    let paging = query.finish()?;
    let categories = catalog::categories(ctx.pool(), paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(categories, |category| category.id).into()))
}

/// Products: by relevance where words are searched for, by name otherwise.
#[endpoint(
    tags("catalog"),
    parameters(
        ("q" = Option<String>, Query, description = "Words of the name, model, category or parameters"),
        ("category_id" = Option<String>, Query, description = "Only of this category"),
        ("supplier_id" = Option<String>, Query, description = "Only with an offer of this supplier"),
    ),
)]
pub(crate) async fn list_products(
    ctx: Ctx,
    query: PageQuery<ProductCursor>,
) -> ApiResult<Json<ProductsResponse>> {
    let PageQuery { paging, mut query } = query;
    let filter = ProductFilter {
        q: query.take("q", |text| one_line(text, MAX_SEARCH)),
        category_id: query.take_id("category_id"),
        supplier_id: query.take_id("supplier_id"),
    };
    query.finish()?;
    if paging.after.as_ref().is_some_and(|cursor| !cursor.belongs_to(&filter)) {
        return Err(ApiError::field(
            "cursor",
            Invalid::new("invalid", "expected a `next_cursor` of this list"),
        ));
    }
    let products = catalog::products(ctx.pool(), &filter, paging.after.as_ref(), paging.limit).await?;
    let page = paging.limit.page(products, |product| product.cursor.clone());
    let (products, next_cursor): (Vec<_>, _) = page_parts(page);
    let currency = ctx.trade().currency;
    let items = products.into_iter().map(|product| ProductResponse::new(product, currency)).collect();
    Ok(Json(ProductsResponse { items, next_cursor }))
}

/// A product with every supplier's offer, cheapest first.
#[endpoint(tags("catalog"))]
pub(crate) async fn get_product(ctx: Ctx, id: PathId<ProductId>) -> ApiResult<Json<ProductCardResponse>> {
    let card = catalog::product_card(ctx.pool(), id.0).await?;
    Ok(Json(ProductCardResponse::new(card.ok_or_else(ApiError::not_found)?, ctx.trade().currency)))
}
