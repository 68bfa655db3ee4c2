//! What staff says of money: an invoice was paid, money goes back.

use common::{
    audit::{self, Action, Entry},
    ids::PaymentId,
    payments,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};
use serde_json::json;

use super::dto::{InvoicePaidRequest, PaymentResponse, RefundRequest};
use crate::{
    answer::Created,
    body::Body,
    context::{Ctx, Staff},
    error::ApiResult,
    idempotency::{Answered, Idempotency},
    params::PathId,
};

/// Marks an invoice paid. The buyer gets a receipt by e-mail.
#[endpoint(
    tags("staff"),
    responses((status_code = 409, description = "already_paid, or not_waiting: no invoice that waits for its money")),
)]
pub(crate) async fn capture_payment(
    ctx: Ctx,
    staff: Staff,
    id: PathId<PaymentId>,
    body: Body<InvoicePaidRequest>,
) -> ApiResult<Json<PaymentResponse>> {
    let now = ctx.now();
    let paid = body.into_inner().parse(id.0, ctx.trade().day_of(now))?;
    let mut tx = ctx.begin().await?;
    let payment = payments::capture_invoice(&mut tx, ctx.trade(), now, staff.into(), &paid).await?;
    let details = json!({ "amount": payment.captured, "paid_on": paid.paid_on.to_string() });
    let action = Action::CapturePayment(id.0);
    audit::record(&mut tx, now, &Entry { by: Some(staff.user_id), action, details }).await?;
    tx.commit().await?;
    Ok(Json(PaymentResponse::for_staff(payment)))
}

/// Gives money of a payment back: a card's by the provider, soon; an invoice's went back by hand, and this says so.
#[endpoint(
    tags("staff"),
    responses((status_code = 409, description = "refund_too_large: less is left of what came, or \
        idempotency_in_flight")),
)]
pub(crate) async fn refund_payment(
    ctx: Ctx,
    staff: Staff,
    id: PathId<PaymentId>,
    idempotency: Idempotency,
    body: Body<RefundRequest>,
) -> ApiResult<Answered<Created<PaymentResponse>>> {
    let now = ctx.now();
    let request = idempotency.of(staff.user_id, &[body.raw()]);
    let refund = body.into_inner().parse(id.0)?;
    let mut tx = ctx.begin().await?;
    if let Some(kept) = request.begin(&mut tx, now).await? {
        tx.rollback().await?;
        return Ok(Answered::Again(kept));
    }
    let payment = PaymentResponse::for_staff(payments::refund(&mut tx, now, staff.into(), &refund).await?);
    let details = json!({ "amount": refund.amount, "part_id": refund.part_id });
    let action = Action::RefundPayment(id.0);
    audit::record(&mut tx, now, &Entry { by: Some(staff.user_id), action, details }).await?;
    let created = Created { location: payment.location(), body: payment };
    request.keep(&mut tx, now, &created).await?;
    tx.commit().await?;
    Ok(Answered::First(created))
}
