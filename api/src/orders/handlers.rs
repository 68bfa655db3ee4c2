//! Placing orders and looking at them.

use common::{
    basket::{self, NewLine, OfferName},
    db::Tx,
    ids::{OrderId, SupplierOrderId},
    orders::{self, Named, OrderStatus, PaymentMethod, PlaceError},
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::{
    dto::{OrderResponse, OrdersResponse, PlaceOrderRequest},
    filter::OrderQuery,
};
use crate::{
    answer::Created,
    basket::{
        dto::{BasketLineResponse, BasketResponse, FilledBasketResponse},
        handlers::fill_and_show,
    },
    body::Body,
    context::{Buyer, Ctx},
    error::{ApiError, ApiResult},
    idempotency::{Answered, Idempotency},
    params::PathId,
};

/// Places an order of everything in the basket, or of nothing.
///
/// When the basket no longer agrees with the catalogue the answer is 409 with the `lines` concerned and the
/// `basket` as it is now; the same call with the new total as `expected_total` accepts changed prices.
#[endpoint(
    tags("orders"),
    responses((status_code = 409, description = "basket_empty, not_enough_stock, price_changed, withdrawn, \
        supplier_closed or idempotency_in_flight; nothing was ordered")),
)]
pub(crate) async fn place_order(
    ctx: Ctx,
    buyer: Buyer,
    idempotency: Idempotency,
    body: Body<PlaceOrderRequest>,
) -> ApiResult<Answered<Created<OrderResponse>>> {
    let request = idempotency.of(buyer.user_id, &[body.raw()]);
    let new_order = body.into_inner().parse(buyer.into(), ctx.now().date())?;
    if new_order.payment_method == PaymentMethod::Card && ctx.services().cards.is_none() {
        return Err(PlaceError::PaymentMethodUnavailable.into());
    }
    let mut tx = ctx.begin().await?;
    if let Some(kept) = request.begin(&mut tx, ctx.now()).await? {
        tx.rollback().await?;
        return Ok(Answered::Again(kept));
    }
    let order = match orders::place(&mut tx, ctx.trade(), ctx.now(), new_order).await {
        Ok(order) => OrderResponse::from(order),
        Err(refusal) => {
            tx.rollback().await?;
            return Err(with_basket(&ctx, buyer, refusal).await);
        }
    };
    let created = Created { location: order.location(), body: order };
    request.keep(&mut tx, ctx.now(), &created).await?;
    tx.commit().await?;
    Ok(Answered::First(created))
}

/// A refusal for what stands in the basket shows the basket as it is now, and the lines concerned: of what has
/// drifted, everything that the buyer has not agreed to.
async fn with_basket(ctx: &Ctx, buyer: Buyer, refusal: PlaceError) -> ApiError {
    let agreed = match refusal {
        PlaceError::BasketEmpty => None,
        PlaceError::Drifted { agreed, .. } => agreed,
        refusal => return refusal.into(),
    };
    let basket = async { Ok::<_, ApiError>(basket::find(&mut *ctx.read().await?, buyer.user_id).await?) };
    match basket.await {
        Ok(basket) => {
            let concerned =
                basket.lines.iter().filter(|line| line.problem().is_some_and(|it| Some(it) != agreed));
            let lines: Vec<BasketLineResponse> = concerned.map(Into::into).collect();
            let basket = BasketResponse::new(&basket, ctx.trade().currency);
            ApiError::from(refusal).with("lines", lines).with("basket", basket)
        }
        Err(error) => error,
    }
}

/// The organization's orders, the newest first. `q` looks into their numbers and the buyer's own.
#[endpoint(tags("orders"))]
pub(crate) async fn list_orders(
    ctx: Ctx,
    buyer: Buyer,
    query: OrderQuery<OrderStatus, OrderId>,
) -> ApiResult<Json<OrdersResponse>> {
    let OrderQuery { filter, paging } = query;
    let mut conn = ctx.read().await?;
    let orders = orders::list(&mut conn, buyer.organization_id, &filter, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(orders, |order| order.id).into()))
}

/// One of the organization's orders, with its parts and their history.
#[endpoint(tags("orders"))]
pub(crate) async fn get_order(ctx: Ctx, buyer: Buyer, id: PathId<OrderId>) -> ApiResult<Json<OrderResponse>> {
    let mut snapshot = ctx.snapshot().await?;
    let order = orders::find(&mut snapshot, buyer.organization_id, id.0).await?;
    snapshot.rollback().await?;
    Ok(Json(order.ok_or_else(ApiError::not_found)?.into()))
}

/// Calls off an order: every part of it that is still open, or nothing once a part of it was sent. Parts that were
/// canceled or refused before stay as they are, so that asking twice does no harm. The suppliers are told by e-mail.
#[endpoint(tags("orders"))]
pub(crate) async fn cancel_order(
    ctx: Ctx,
    buyer: Buyer,
    id: PathId<OrderId>,
) -> ApiResult<Json<OrderResponse>> {
    let mut tx = ctx.begin().await?;
    orders::cancel(&mut tx, ctx.trade(), ctx.now(), buyer.into(), Named::Whole(id.0)).await?;
    commit_and_show(tx, buyer, id.0).await
}

/// Calls off one part of an order, unless it was sent. The supplier is told by e-mail.
#[endpoint(tags("orders"))]
pub(crate) async fn cancel_part(
    ctx: Ctx,
    buyer: Buyer,
    id: PathId<OrderId>,
    part_id: PathId<SupplierOrderId>,
) -> ApiResult<Json<OrderResponse>> {
    let mut tx = ctx.begin().await?;
    orders::cancel(&mut tx, ctx.trade(), ctx.now(), buyer.into(), Named::PartOf(id.0, part_id.0)).await?;
    commit_and_show(tx, buyer, id.0).await
}

/// Says that a part which was sent has arrived. Of one that is `delivered` already nothing changes.
#[endpoint(tags("orders"))]
pub(crate) async fn receive_part(
    ctx: Ctx,
    buyer: Buyer,
    id: PathId<OrderId>,
    part_id: PathId<SupplierOrderId>,
) -> ApiResult<Json<OrderResponse>> {
    let mut tx = ctx.begin().await?;
    orders::receive(&mut tx, ctx.trade(), ctx.now(), buyer.into(), Named::PartOf(id.0, part_id.0)).await?;
    commit_and_show(tx, buyer, id.0).await
}

async fn commit_and_show(mut tx: Tx, buyer: Buyer, id: OrderId) -> ApiResult<Json<OrderResponse>> {
    let order = orders::find(&mut tx, buyer.organization_id, id).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    Ok(Json(order.into()))
}

/// Puts what was ordered into the basket again, at the prices of now. What cannot be ordered any more is in
/// `rejected`; its `index` counts the order's lines through all its parts.
#[endpoint(tags("orders"))]
pub(crate) async fn repeat_order(
    ctx: Ctx,
    buyer: Buyer,
    id: PathId<OrderId>,
) -> ApiResult<Json<FilledBasketResponse>> {
    let mut tx = ctx.begin().await?;
    let ordered = orders::ordered_lines(&mut tx, buyer.organization_id, id.0).await?;
    if ordered.is_empty() {
        return Err(ApiError::not_found());
    }
    let lines = ordered.into_iter().map(|(id, quantity)| NewLine { offer: OfferName::Id(id), quantity });
    fill_and_show(&ctx, tx, buyer, &lines.collect::<Vec<_>>()).await
}
