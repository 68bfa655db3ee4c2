//! Paying an order by card, and what the provider tells us.

use std::time::Duration;

use common::{
    ids::{OrderId, PaymentId},
    payments::{self, Begun, Payment, PaymentProvider, ProviderError},
    text::Invalid,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Request, Writer},
};
use serde_json::{Value, json};
use tokio::time;

use super::dto::{NoticeRequest, PayRequest, PaymentResponse};
use crate::{
    answer::Created,
    body::Body,
    context::{Buyer, Ctx},
    error::{ApiError, ApiResult},
    idempotency::{Answered, Idempotency},
    params::PathId,
    problem::ProblemCode,
};

/// How long the provider may take; without its answer the payment is `pending`, and a job asks again.
const WITHIN: Duration = Duration::from_secs(10);

/// The largest notice.
const MAX_NOTICE: usize = 64 << 10;

/// Begins to pay an order by card.
///
/// The buyer then goes to the payment's `redirect_url`. While a payment waits for its buyer, it is the one that is
/// answered. Without the provider's answer within 10 seconds it is `pending` and has no `redirect_url` yet: ask
/// `GET /payments/{id}` for it. A replay under an `Idempotency-Key` shows the payment as it is now.
#[endpoint(
    tags("payments"),
    responses((status_code = 409, description = "already_paid, nothing_to_pay or idempotency_in_flight")),
)]
pub(crate) async fn create_payment(
    ctx: Ctx,
    buyer: Buyer,
    id: PathId<OrderId>,
    idempotency: Idempotency,
    body: Body<PayRequest>,
) -> ApiResult<Answered<Created<PaymentResponse>>> {
    let request = idempotency.of(buyer.user_id, &[body.raw()]);
    let provider = chosen_provider(&ctx, body.into_inner())?;
    let mut tx = ctx.begin().await?;
    if let Some(mut kept) = request.begin(&mut tx, ctx.now()).await? {
        let first = kept.body["id"].as_str().and_then(|id| id.parse::<PaymentId>().ok());
        if let Some(first) = first {
            kept.body = json!(shown(payments::find(&mut tx, buyer.organization_id, first).await?)?);
        }
        tx.rollback().await?;
        return Ok(Answered::Again(kept));
    }
    let now = ctx.now();
    let begun = payments::begin_card(&mut tx, ctx.trade(), now, buyer.into(), id.0, provider.name()).await?;
    let payment = payments::find(&mut tx, buyer.organization_id, begun.payment_id()).await?;
    let payment = shown(payment)?;
    let created = Created { location: payment.location(), body: payment };
    request.keep(&mut tx, now, &created).await?;
    // What was reserved is committed before anybody outside is asked (decision 7).
    tx.commit().await?;
    let Begun::New(charge) = begun else { return Ok(Answered::First(created)) };
    match time::timeout(WITHIN, provider.create(&charge)).await {
        Ok(Ok(said)) => {
            let mut tx = ctx.begin().await?;
            payments::note_answer(&mut tx, ctx.trade(), ctx.now(), charge.payment_id, &said).await?;
            tx.commit().await?;
        }
        Ok(Err(ProviderError::Refused(why))) => {
            let mut tx = ctx.begin().await?;
            payments::refuse_card(&mut tx, ctx.now(), charge.payment_id, &why).await?;
            tx.commit().await?;
        }
        Ok(Err(ProviderError::Unknown(error))) => {
            tracing::warn!(payment_id = %charge.payment_id, error, "the provider did not answer; a job asks again");
        }
        Err(_) => {
            tracing::warn!(payment_id = %charge.payment_id, "the provider took too long; a job asks again");
        }
    }
    let body = find(&ctx, buyer, charge.payment_id).await?;
    Ok(Answered::First(Created { body, ..created }))
}

/// The provider that was asked for, or the only one.
fn chosen_provider(ctx: &Ctx, asked: PayRequest) -> ApiResult<std::sync::Arc<dyn PaymentProvider>> {
    let provider = ctx.services().cards.clone().ok_or_else(|| {
        ApiError::new(ProblemCode::PaymentMethodUnavailable, "no card provider is set up here")
    })?;
    match asked.provider {
        Some(name) if name != provider.name() => {
            let detail = format!("expected {}, found {name:?}", provider.name());
            Err(ApiError::field("/provider", Invalid::new("unknown_word", detail)))
        }
        _ => Ok(provider),
    }
}

async fn find(ctx: &Ctx, buyer: Buyer, id: PaymentId) -> ApiResult<PaymentResponse> {
    shown(payments::find(&mut *ctx.read().await?, buyer.organization_id, id).await?)
}

fn shown(payment: Option<Payment>) -> ApiResult<PaymentResponse> {
    payment.map(PaymentResponse::for_buyer).ok_or_else(ApiError::not_found)
}

/// One payment of the organization's orders.
#[endpoint(tags("payments"))]
pub(crate) async fn get_payment(
    ctx: Ctx,
    buyer: Buyer,
    id: PathId<PaymentId>,
) -> ApiResult<Json<PaymentResponse>> {
    find(&ctx, buyer, id.0).await.map(Json)
}

/// What a payment provider tells us, in its own form.
///
/// It is not signed, so nothing in it is believed: it only says which payment to ask the provider about. It is
/// answered once it is stored.
#[endpoint(
    tags("payments"),
    parameters(("provider" = String, Path, description = "The provider's word, e.g. `yookassa`")),
    request_body(content = NoticeRequest, content_type = "application/json", description = "The provider's own form"),
)]
pub(crate) async fn receive_notice(ctx: Ctx, req: &mut Request) -> ApiResult<Json<Value>> {
    let named = req.param::<String>("provider");
    let provider = ctx.services().cards.clone();
    let provider = provider.filter(|provider| named.as_deref() == Some(provider.name()));
    let provider = provider.ok_or_else(ApiError::not_found)?;
    let body = req.payload_with_max_size(MAX_NOTICE).await.map_err(|error| match error {
        salvo::http::ParseError::PayloadTooLarge => {
            let detail = format!("expected at most {MAX_NOTICE} bytes");
            ApiError::new(ProblemCode::PayloadTooLarge, detail)
        }
        error => ApiError::new(ProblemCode::BadRequest, error.to_string()),
    })?;
    let Some(notice) = provider.read_notice(body) else {
        return Err(ApiError::new(ProblemCode::BadRequest, "this is no notice of a payment or a refund"));
    };
    let mut tx = ctx.begin().await?;
    payments::receive_notice(&mut tx, ctx.now(), provider.name(), &notice).await?;
    tx.commit().await?;
    Ok(Json(json!({})))
}
