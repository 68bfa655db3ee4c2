//! Seeing all orders, and moving their parts along.

use common::{
    audit::{self, Action, Entry},
    ids::{OrderId, SupplierOrderId},
    orders::{self, OrderStatus, OverviewFilter, SupplierOrderStatus},
    text,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};
use serde_json::json;

use super::dto::OrderOverviewsResponse;
use crate::{
    body::Body,
    context::{Ctx, Staff},
    error::{ApiError, ApiResult},
    params::{PageQuery, PathId},
    supplier::dto::{StatusRequest, SupplierOrderResponse},
};

/// The longest number that is looked for.
const MAX_NUMBER: usize = 40;

/// All orders, the newest first.
#[endpoint(
    tags("admin"),
    parameters(
        ("status" = Option<String>, Query, description = "Only those that stand there"),
        ("part_status" = Option<String>, Query, description = "Only those of which some part stands there"),
        ("supplier_id" = Option<String>, Query, description = "Only those of which a part is this supplier's"),
        ("buyer_id" = Option<String>, Query, description = "Only this buyer organization's"),
        ("number" = Option<String>, Query, description = "Only the one with this number"),
    ),
)]
pub(crate) async fn list_all_orders(
    ctx: Ctx,
    _staff: Staff,
    query: PageQuery<OrderId>,
) -> ApiResult<Json<OrderOverviewsResponse>> {
    let PageQuery { paging, mut query } = query;
    let filter = OverviewFilter {
        status: query.take_word("status", "a status of an order", OrderStatus::parse),
        part_status: query.take_word("part_status", "a status of a part", SupplierOrderStatus::parse),
        supplier_id: query.take_id("supplier_id"),
        buyer_id: query.take_id("buyer_id"),
        number: query.take("number", |number| text::one_line(number, MAX_NUMBER)),
    };
    query.finish()?;
    let mut snapshot = ctx.snapshot().await?;
    let orders = orders::list_all(&mut snapshot, &filter, paging.after, paging.limit).await?;
    snapshot.rollback().await?;
    Ok(Json(paging.limit.page(orders, |order| order.id).into()))
}

/// Moves a part of an order along, in its supplier's place. The buyer is told by e-mail. A part of an order that waits
/// for its card can only be canceled.
#[endpoint(tags("admin"))]
pub(crate) async fn move_supplier_order(
    ctx: Ctx,
    staff: Staff,
    id: PathId<SupplierOrderId>,
    body: Body<StatusRequest>,
) -> ApiResult<Json<SupplierOrderResponse>> {
    let step = body.into_inner().parse(id.0)?;
    let mut tx = ctx.begin().await?;
    orders::move_part(&mut tx, ctx.trade(), ctx.now(), staff.into(), &step).await?;
    let entry = Entry {
        by: Some(staff.user_id),
        action: Action::MoveSupplierOrder(id.0),
        details: json!({ "status": step.to }),
    };
    audit::record(&mut tx, ctx.now(), &entry).await?;
    let supplier = orders::supplier_of_part(&mut tx, id.0).await?.ok_or_else(ApiError::not_found)?;
    let part = orders::find_part_for_staff(&mut tx, supplier, id.0).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    Ok(Json(part.into()))
}
