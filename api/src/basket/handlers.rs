//! Filling and emptying the basket.

use common::{
    basket::{self, NewLine},
    db::Tx,
    ids::OfferId,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::dto::{BasketResponse, FillBasketRequest, FilledBasketResponse, QuantityRequest};
use crate::{
    body::Body,
    context::{Buyer, Ctx},
    error::ApiResult,
    params::PathId,
};

/// The basket, as the catalogue has it now.
#[endpoint(tags("basket"))]
pub(crate) async fn get_basket(ctx: Ctx, buyer: Buyer) -> ApiResult<Json<BasketResponse>> {
    let basket = basket::find(&mut *ctx.read().await?, buyer.user_id).await?;
    Ok(Json(BasketResponse::new(&basket, ctx.trade().currency)))
}

/// Sets how many pieces of an offer are wanted. More than are available is refused, and changes nothing.
#[endpoint(tags("basket"))]
pub(crate) async fn put_basket_line(
    ctx: Ctx,
    buyer: Buyer,
    offer_id: PathId<OfferId>,
    body: Body<QuantityRequest>,
) -> ApiResult<Json<BasketResponse>> {
    let quantity = body.into_inner().parse()?;
    let mut tx = ctx.begin().await?;
    basket::put(&mut tx, ctx.now(), buyer.user_id, offer_id.0, quantity).await?;
    commit_and_show(&ctx, tx, buyer).await
}

/// Sets how many pieces of up to 1,000 offers are wanted. What can be ordered is put, the other lines are in
/// `rejected` with the reason; lines for the same offer are added up, and put or rejected together.
///
/// Values that are no offers or quantities at all are 422, and then nothing was put.
#[endpoint(tags("basket"))]
pub(crate) async fn fill_basket(
    ctx: Ctx,
    buyer: Buyer,
    body: Body<FillBasketRequest>,
) -> ApiResult<Json<FilledBasketResponse>> {
    let lines = body.into_inner().parse()?;
    let tx = ctx.begin().await?;
    fill_and_show(&ctx, tx, buyer, &lines).await
}

/// Puts many lines, ends the transaction, and shows the basket with what was rejected.
pub(crate) async fn fill_and_show(
    ctx: &Ctx,
    mut tx: Tx,
    buyer: Buyer,
    lines: &[NewLine],
) -> ApiResult<Json<FilledBasketResponse>> {
    let rejected = basket::fill(&mut tx, ctx.now(), buyer.user_id, lines).await?;
    let basket = basket::find(&mut tx, buyer.user_id).await?;
    tx.commit().await?;
    let basket = BasketResponse::new(&basket, ctx.trade().currency);
    Ok(Json(FilledBasketResponse { basket, rejected: rejected.into_iter().map(Into::into).collect() }))
}

/// Takes an offer out of the basket.
#[endpoint(tags("basket"))]
pub(crate) async fn delete_basket_line(
    ctx: Ctx,
    buyer: Buyer,
    offer_id: PathId<OfferId>,
) -> ApiResult<Json<BasketResponse>> {
    let mut tx = ctx.begin().await?;
    basket::remove(&mut tx, ctx.now(), buyer.user_id, offer_id.0).await?;
    commit_and_show(&ctx, tx, buyer).await
}

/// Empties the basket.
#[endpoint(tags("basket"))]
pub(crate) async fn clear_basket(ctx: Ctx, buyer: Buyer) -> ApiResult<Json<BasketResponse>> {
    let mut tx = ctx.begin().await?;
    basket::clear(&mut tx, ctx.now(), buyer.user_id).await?;
    commit_and_show(&ctx, tx, buyer).await
}

async fn commit_and_show(ctx: &Ctx, mut tx: Tx, buyer: Buyer) -> ApiResult<Json<BasketResponse>> {
    let basket = basket::find(&mut tx, buyer.user_id).await?;
    tx.commit().await?;
    Ok(Json(BasketResponse::new(&basket, ctx.trade().currency)))
}
