//! Switching order taking, and moving parts of orders along.

use common::{
    ids::SupplierOrderId,
    orders::{self, SupplierOrderStatus},
    suppliers,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::dto::{
    StatusRequest, SupplierOrderResponse, SupplierOrdersResponse, SupplierSettingsRequest,
    SupplierSettingsResponse,
};
use crate::{
    body::Body,
    context::{Ctx, Supplier},
    error::{ApiError, ApiResult},
    orders::filter::OrderQuery,
    params::PathId,
};

/// The supplier, as its own people see it.
#[endpoint(tags("supplier"))]
pub(crate) async fn get_own_supplier(
    ctx: Ctx,
    supplier: Supplier,
) -> ApiResult<Json<SupplierSettingsResponse>> {
    let settings = suppliers::find(&mut *ctx.read().await?, supplier.organization_id.into()).await?;
    Ok(Json(settings.ok_or_else(ApiError::not_found)?.into()))
}

/// Changes the supplier's settings.
#[endpoint(tags("supplier"))]
pub(crate) async fn patch_own_supplier(
    ctx: Ctx,
    supplier: Supplier,
    body: Body<SupplierSettingsRequest>,
) -> ApiResult<Json<SupplierSettingsResponse>> {
    let supplier_id = supplier.organization_id.into();
    let mut tx = ctx.begin().await?;
    if let Some(accepting) = body.into_inner().accepting_orders {
        suppliers::set_accepting_orders(&mut tx, supplier_id, accepting, ctx.now()).await?;
    }
    let settings = suppliers::find(&mut tx, supplier_id).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    Ok(Json(settings.into()))
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
