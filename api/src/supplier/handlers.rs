//! Switching order taking, and moving parts of orders along.

use common::{
    accounts,
    ids::{OfferId, SupplierOrderId},
    imports::{self, OfferChange, OfferHistoryCursor, urls},
    orders::{self, SupplierOrderStatus},
    suppliers,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};
use sqlx::PgConnection;

use super::dto::{
    OfferChangeResponse, OfferHistoryResponse, StatusRequest, SupplierOrderResponse, SupplierOrdersResponse,
    SupplierSettingsRequest, SupplierSettingsResponse,
};
use crate::{
    body::Body,
    context::{Ctx, Supplier},
    error::{ApiError, ApiResult},
    orders::filter::OrderQuery,
    params::{PageQuery, Paging, PathId, page_parts},
};

/// The supplier, as its own people see it.
#[endpoint(tags("supplier"))]
pub(crate) async fn get_own_supplier(
    ctx: Ctx,
    supplier: Supplier,
) -> ApiResult<Json<SupplierSettingsResponse>> {
    let mut snapshot = ctx.snapshot().await?;
    let settings = settings(&mut snapshot, supplier).await?;
    snapshot.rollback().await?;
    Ok(Json(settings))
}

async fn settings(conn: &mut PgConnection, supplier: Supplier) -> ApiResult<SupplierSettingsResponse> {
    let supplier_id = supplier.organization_id.into();
    let found = suppliers::find(conn, supplier_id).await?.ok_or_else(ApiError::not_found)?;
    let schedule = urls::find_schedule(conn, supplier_id).await?;
    let locale = accounts::locale_of(conn, supplier.user_id).await?;
    Ok(SupplierSettingsResponse::of(found, schedule, locale))
}

/// Changes the supplier's settings.
///
/// With `price_list_url` the supplier's price list is fetched by itself: at once, and then as often as is said. Only a file
/// that has changed is imported.
#[endpoint(tags("supplier"))]
pub(crate) async fn patch_own_supplier(
    ctx: Ctx,
    supplier: Supplier,
    body: Body<SupplierSettingsRequest>,
) -> ApiResult<Json<SupplierSettingsResponse>> {
    let supplier_id = supplier.organization_id.into();
    let change = body.into_inner().parse(&ctx.services().fetching)?;
    let mut tx = ctx.begin().await?;
    if let Some(accepting) = change.accepting_orders {
        suppliers::set_accepting_orders(&mut tx, supplier_id, accepting, ctx.now()).await?;
    }
    suppliers::set_guard(&mut tx, supplier_id, change.guard).await?;
    urls::set_schedule(&mut tx, ctx.now(), supplier_id, &change.schedule).await?;
    let settings = settings(&mut tx, supplier).await?;
    tx.commit().await?;
    Ok(Json(settings))
}

/// What became of one of the supplier's offers, the newest first: every change of its price, stock and state,
/// with the list and row, or the order, that it came from.
#[endpoint(tags("supplier"))]
pub(crate) async fn get_offer_history(
    ctx: Ctx,
    supplier: Supplier,
    query: PageQuery<OfferHistoryCursor>,
    id: PathId<OfferId>,
) -> ApiResult<Json<OfferHistoryResponse>> {
    let Paging { limit, after } = query.finish()?;
    let supplier_id = supplier.organization_id.into();
    let page = imports::offer_history(&mut *ctx.read().await?, supplier_id, id.0, after, limit).await?;
    let (changes, next_cursor): (Vec<OfferChange>, _) = page_parts(page.ok_or_else(ApiError::not_found)?);
    let currency = ctx.trade().currency;
    let items = changes.into_iter().map(|change| OfferChangeResponse::new(change, currency)).collect();
    Ok(Json(OfferHistoryResponse { items, next_cursor }))
}

/// The supplier's parts of orders, the newest first.
#[endpoint(tags("supplier"))]
pub(crate) async fn list_supplier_orders(
    ctx: Ctx,
    supplier: Supplier,
    query: OrderQuery<SupplierOrderStatus, SupplierOrderId>,
) -> ApiResult<Json<SupplierOrdersResponse>> {
    let OrderQuery { filter, paging } = query;
    let supplier_id = supplier.organization_id.into();
    let mut snapshot = ctx.snapshot().await?;
    let parts = orders::list_parts(&mut snapshot, supplier_id, &filter, paging.after, paging.limit).await?;
    snapshot.rollback().await?;
    Ok(Json(paging.limit.page(parts, |summary| summary.part.id).into()))
}

/// One of the supplier's parts of orders.
#[endpoint(tags("supplier"))]
pub(crate) async fn get_supplier_order(
    ctx: Ctx,
    supplier: Supplier,
    id: PathId<SupplierOrderId>,
) -> ApiResult<Json<SupplierOrderResponse>> {
    let mut snapshot = ctx.snapshot().await?;
    let part = orders::find_part(&mut snapshot, supplier.organization_id.into(), id.0).await?;
    snapshot.rollback().await?;
    Ok(Json(part.ok_or_else(ApiError::not_found)?.into()))
}

/// Moves a part of an order along. The buyer is told by e-mail. What is paid by card can be `sent` once its money was taken.
#[endpoint(tags("supplier"))]
pub(crate) async fn set_supplier_order_status(
    ctx: Ctx,
    supplier: Supplier,
    id: PathId<SupplierOrderId>,
    body: Body<StatusRequest>,
) -> ApiResult<Json<SupplierOrderResponse>> {
    let step = body.into_inner().parse(id.0)?;
    let mut tx = ctx.begin().await?;
    orders::move_part(&mut tx, ctx.trade(), ctx.now(), supplier.into(), &step).await?;
    let part = orders::find_part(&mut tx, supplier.organization_id.into(), id.0).await?;
    let part = part.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    Ok(Json(part.into()))
}
