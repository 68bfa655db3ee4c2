//! Money going back: by itself for what was called off, and when staff says so.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::super::{
    Payment, PaymentKind, ProviderRefund, ProviderRefundStatus, RefundCharge, RefundStatus,
    jobs::RefundPayment,
    store::{self, By, RefundRow},
};
use crate::{
    ids::{PaymentId, RefundId, SupplierOrderId},
    money::Money,
    orders::{Actor, SupplierOrderStatus},
    queue,
};

/// Money that goes back, says staff.
#[derive(Clone, Debug)]
pub struct NewRefund {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// For which part, where it is for one.
    pub part_id: Option<SupplierOrderId>,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
}

/// Why money does not go back.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// There is no such payment.
    #[error("there is no such payment")]
    Unknown,
    /// The payment was not for this part.
    #[error("this payment was not for this part")]
    OtherPart,
    /// Less is left of what came.
    #[error("only {left} of this payment is left to go back")]
    TooMuch {
        /// How much is left.
        left: Money,
    },
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Gives money back. What was paid by invoice goes back by hand, and staff says that it did; a card's goes back by a
/// job.
///
/// # Errors
/// [`RefundError`]; the caller then rolls back.
pub async fn refund(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    staff: Actor,
    new: &NewRefund,
) -> Result<Payment, RefundError> {
    let payment = store::lock(conn, new.payment_id).await?.ok_or(RefundError::Unknown)?;
    let part_id = part_of(conn, &payment, new).await?;
    let left = store::left_to_refund(conn, new.payment_id).await?;
    if new.amount > left {
        return Err(RefundError::TooMuch { left });
    }
    let row = RefundRow {
        id: RefundId::new(),
        payment_id: new.payment_id,
        part_id,
        amount: new.amount,
        reason: &new.reason,
    };
    store::insert_refund(conn, now, By::from(staff), &row).await?;
    match payment.kind {
        PaymentKind::Invoice => {
            store::end_refund(conn, now, row.id, RefundStatus::Succeeded, None, None).await?;
        }
        PaymentKind::Card => {
            queue::enqueue(conn, &RefundPayment { refund_id: row.id }).await?;
        }
    }
    Ok(store::find(conn, None, new.payment_id).await?.ok_or(sqlx::Error::RowNotFound)?)
}

/// The part that a refund is for: the one named, or the only one that the payment was for.
async fn part_of(
    conn: &mut PgConnection,
    payment: &store::LockedPayment,
    new: &NewRefund,
) -> Result<Option<SupplierOrderId>, RefundError> {
    if payment.part_id.is_some() && (new.part_id.is_none() || new.part_id == payment.part_id) {
        return Ok(payment.part_id);
    }
    let parts = store::allocated_parts(conn, new.payment_id).await?;
    let mut taken = parts.iter().filter(|part| part.wanted).map(|part| part.part_id);
    match new.part_id {
        Some(named) if taken.any(|part| part == named) => Ok(Some(named)),
        Some(_) => Err(RefundError::OtherPart),
        None => Ok(taken.next().filter(|_| taken.next().is_none())),
    }
}

/// Why a part that was called off is refunded by itself.
const CALLED_OFF: &str = "called_off";

/// Begins the refunds of what was taken for parts that are called off by now, each once. The payment's row is held.
pub(super) async fn refund_called_off(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    payment_id: PaymentId,
) -> Result<(), sqlx::Error> {
    use SupplierOrderStatus::{Canceled, Refused};
    for part in store::allocated_parts(conn, payment_id).await? {
        if !part.wanted || !matches!(part.status, Canceled | Refused) {
            continue;
        }
        let left = store::left_to_refund(conn, payment_id).await?.minor();
        let owed = (part.amount.minor() - part.refunding.minor()).min(left);
        let Ok(amount) = Money::from_minor(owed) else { continue };
        if amount == Money::ZERO {
            continue;
        }
        let id = RefundId::new();
        let row = RefundRow { id, payment_id, part_id: Some(part.part_id), amount, reason: CALLED_OFF };
        store::insert_refund(conn, now, By::SYSTEM, &row).await?;
        queue::enqueue(conn, &RefundPayment { refund_id: id }).await?;
    }
    Ok(())
}

/// What there is to do for a refund.
#[derive(Debug)]
pub enum RefundStep {
    /// Ask the provider.
    Ask(RefundCharge),
    /// It has ended.
    Ended,
}

/// What there is to do for a refund.
///
/// # Errors
/// When the database refuses.
pub async fn begin_refund(conn: &mut PgConnection, id: RefundId) -> Result<RefundStep, sqlx::Error> {
    let pending = store::pending_refund(conn, id).await?;
    Ok(pending.map_or(RefundStep::Ended, |pending| RefundStep::Ask(pending.charge)))
}

/// Notes what the provider said of a refund; false while it is still on its way.
///
/// # Errors
/// When the database refuses.
pub async fn note_refund(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: RefundId,
    said: Result<&ProviderRefund, &str>,
) -> Result<bool, sqlx::Error> {
    let Some(pending) = store::pending_refund(conn, id).await? else { return Ok(true) };
    store::lock(conn, pending.payment_id).await?;
    let charge = &pending.charge;
    let (status, name, detail) = match said {
        Err(refusal) => (RefundStatus::Failed, None, Some(refusal.to_owned())),
        Ok(said) if (said.amount, &said.currency) != (charge.amount, &charge.currency) => {
            let detail = format!(
                "expected {} {}, the provider says {} {}",
                charge.amount, charge.currency, said.amount, said.currency
            );
            (RefundStatus::Failed, Some(&said.id), Some(detail))
        }
        Ok(said) => match &said.status {
            ProviderRefundStatus::Pending => return Ok(false),
            ProviderRefundStatus::Succeeded => (RefundStatus::Succeeded, Some(&said.id), None),
            ProviderRefundStatus::Failed(why) => (RefundStatus::Failed, Some(&said.id), Some(why.clone())),
        },
    };
    if status == RefundStatus::Failed {
        tracing::error!(refund_id = %id, detail, "a refund failed; the money did not go back");
        metrics::counter!("refunds_failed_total").increment(1);
    }
    store::end_refund(conn, now, id, status, name.map(String::as_str), detail.as_deref()).await?;
    Ok(true)
}
