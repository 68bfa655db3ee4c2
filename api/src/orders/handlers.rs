//! Placing orders and looking at them.

use common::{
    basket,
    ids::OrderId,
    orders::{self, PaymentMethod, PlaceError},
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::dto::{OrderResponse, OrdersResponse, PlaceOrderRequest};
use crate::{
    answer::Created,
    basket::dto::{BasketLineResponse, BasketResponse},
    body::Body,
    context::{Buyer, Ctx},
    error::{ApiError, ApiResult},
    idempotency::{Answered, Idempotency},
    params::{PageQuery, PathId},
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
        return Ok(Answered::Again(kept));
    }
    let order = match orders::place(&mut tx, ctx.trade(), ctx.now(), new_order).await {
        Ok(order) => OrderResponse::from(order),
        Err(refusal) => {
            drop(tx);
            return Err(with_basket(&ctx, buyer, refusal).await);
        }
    };
    let created = Created { location: order.location(), body: order };
    request.keep(&mut tx, ctx.now(), &created).await?;
    tx.commit().await?;
    Ok(Answered::First(created))
}

/// A refusal for what has drifted shows the basket as it stands now, and the lines concerned.
async fn with_basket(ctx: &Ctx, buyer: Buyer, refusal: PlaceError) -> ApiError {
    let PlaceError::Drifted(problem) = refusal else { return refusal.into() };
    let basket = async { Ok::<_, ApiError>(basket::find(&mut *ctx.read().await?, buyer.user_id).await?) };
    match basket.await {
        Ok(basket) => {
            let concerned = basket.lines.iter().filter(|line| line.problem() == Some(problem));
            let lines: Vec<BasketLineResponse> = concerned.map(Into::into).collect();
            let refusal = ApiError::from(PlaceError::Drifted(problem)).with("lines", lines);
            refusal.with("basket", BasketResponse::new(&basket, ctx.trade().currency))
        }
        Err(error) => error,
    }
}

/// The organization's orders, the newest first.
#[endpoint(tags("orders"))]
pub(crate) async fn list_orders(
    ctx: Ctx,
    buyer: Buyer,
    query: PageQuery<OrderId>,
) -> ApiResult<Json<OrdersResponse>> {
    let paging = query.finish()?;
    let orders =
        orders::list(&mut *ctx.read().await?, buyer.organization_id, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(orders, |order| order.id).into()))
}

/// One of the organization's orders, with its parts and their history.
#[endpoint(tags("orders"))]
pub(crate) async fn get_order(ctx: Ctx, buyer: Buyer, id: PathId<OrderId>) -> ApiResult<Json<OrderResponse>> {
    let order = orders::find(&mut *ctx.read().await?, buyer.organization_id, id.0).await?;
    Ok(Json(order.ok_or_else(ApiError::not_found)?.into()))
}
