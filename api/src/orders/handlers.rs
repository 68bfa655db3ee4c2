//! Placing orders and looking at them.

use common::{
    basket,
    idempotency::{self, Begun, KeptAnswer},
    ids::OrderId,
    orders::{self, PlaceError},
};
use salvo::{
    http::{HeaderValue, StatusCode},
    oapi::endpoint,
    prelude::{Json, Response, Writer},
};
use serde_json::json;

use super::dto::{OrderResponse, OrdersResponse, PlaceOrderRequest};
use crate::{
    answer::respond,
    basket::dto::{BasketLineResponse, BasketResponse},
    body::Body,
    context::{Buyer, Ctx},
    error::{ApiError, ApiResult},
    params::{Idempotency, Paging, PathId, Query},
};

/// Places an order of everything in the basket, or of nothing.
///
/// When the basket no longer agrees with the catalogue the answer is 409 with the `lines` concerned and the
/// `basket` as it is now; the same call with the new total as `expected_total` accepts changed prices.
#[endpoint(
    tags("orders"),
    responses(
        (status_code = 201, description = "The order; `Location` says where it stands", body = OrderResponse),
        (status_code = 409, description = "basket_empty, not_enough_stock, price_changed, withdrawn, \
            supplier_closed or idempotency_in_flight; nothing was ordered"),
    ),
    status_codes(201, 409),
)]
pub(crate) async fn place_order(
    ctx: Ctx,
    buyer: Buyer,
    idempotency: Idempotency,
    body: Body<PlaceOrderRequest>,
    res: &mut Response,
) -> ApiResult<()> {
    let key = idempotency.of(&[body.raw()]);
    let new_order = body.into_inner().parse(buyer.into(), ctx.now().date())?;
    let mut tx = ctx.begin().await?;
    if let Some((key, request)) = &key
        && let Begun::Replay(kept) =
            idempotency::begin(&mut tx, ctx.now(), buyer.user_id, key, request).await?
    {
        replay(res, kept);
        return Ok(());
    }
    let order = match orders::place(&mut tx, ctx.trade(), ctx.now(), new_order).await {
        Ok(order) => OrderResponse::from(order),
        Err(refusal) => {
            drop(tx);
            return Err(with_basket(&ctx, buyer, refusal).await);
        }
    };
    if let Some((key, request)) = &key {
        let kept = KeptAnswer { status: 201, location: Some(order.location()), body: json!(order) };
        idempotency::keep(&mut tx, ctx.now(), buyer.user_id, key, request, &kept).await?;
    }
    tx.commit().await?;
    respond(res, StatusCode::CREATED, Some(&order.location()), order);
    Ok(())
}

/// Answers as the first request was answered.
pub(crate) fn replay(res: &mut Response, kept: KeptAnswer) {
    res.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    respond(res, status, kept.location.as_deref(), kept.body);
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
#[endpoint(
    tags("orders"),
    parameters(
        ("limit" = Option<u8>, Query, description = "How many: 1 to 100, 20 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
)]
pub(crate) async fn list_orders(ctx: Ctx, buyer: Buyer, query: Query) -> ApiResult<Json<OrdersResponse>> {
    let mut query = query;
    let paging = Paging::<OrderId>::take(&mut query);
    query.finish()?;
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
