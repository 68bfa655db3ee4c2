//! Money going back: by itself for what was called off, and when staff says so.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::super::{
    Payment, PaymentKind, ProviderRefund, ProviderRefundStatus, RefundCharge, RefundStatus, figures,
    jobs::RefundPayment,
    store::{self, AllocatedPart, LockedPayment, RefundEnd, RefundRow},
};
use crate::{
    ids::{PaymentId, RefundId, SupplierOrderId},
    money::Money,
    orders::{Actor, By, SupplierOrderStatus},
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
    let parts = store::allocated_parts(conn, new.payment_id).await?;
    let part = part_of(&payment, &parts, new.part_id)?;
    let left = store::left_to_refund(conn, new.payment_id).await?;
    let left = part.map_or(left, |part| part.left_to_refund().min(left));
    if new.amount > left {
        return Err(RefundError::TooMuch { left });
    }
    let row = RefundRow {
        id: RefundId::new(),
        payment_id: new.payment_id,
        part_id: part.map(|part| part.part_id),
        amount: new.amount,
        reason: &new.reason,
    };
    store::insert_refund(conn, now, staff.into(), &row).await?;
    match payment.kind {
        PaymentKind::Invoice => {
            store::end_refund(conn, now, row.id, &RefundEnd::by_hand()).await?;
        }
        PaymentKind::Card => {
            queue::enqueue(conn, &RefundPayment { refund_id: row.id }).await?;
        }
    }
    Ok(store::find(conn, None, new.payment_id).await?.ok_or(sqlx::Error::RowNotFound)?)
}

/// The part that a refund is for: the one named, or the only one that money came for. None where it came for several, or
/// for nothing yet.
fn part_of<'a>(
    payment: &LockedPayment,
    parts: &'a [AllocatedPart],
    named: Option<SupplierOrderId>,
) -> Result<Option<&'a AllocatedPart>, RefundError> {
    let mut taken = parts.iter().filter(|part| part.wanted);
    let Some(named) = named else {
        return Ok(taken.next().filter(|_| taken.next().is_none()));
    };
    match taken.find(|part| part.part_id == named) {
        None if payment.part_id != Some(named) => Err(RefundError::OtherPart),
        part => Ok(part),
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
        let left = store::left_to_refund(conn, payment_id).await?;
        let amount = part.left_to_refund().min(left);
        if amount == Money::ZERO {
            continue;
        }
        let id = RefundId::new();
        let row = RefundRow { id, payment_id, part_id: Some(part.part_id), amount, reason: CALLED_OFF };
        store::insert_refund(conn, now, By::System, &row).await?;
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

/// What the provider's word made of a refund.
#[derive(Debug, PartialEq, Eq)]
pub enum RefundNoted {
    /// It has ended.
    Ended,
    /// It is still on its way.
    OnItsWay,
    /// The provider speaks of another amount: it stays `pending`, since nobody knows what went back. Somebody must look.
    Disagrees(String),
}

/// Notes what the provider said of a refund, or why it refused.
///
/// # Errors
/// When the database refuses.
pub async fn note_refund(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: RefundId,
    said: Result<&ProviderRefund, &str>,
) -> Result<RefundNoted, sqlx::Error> {
    let Some(pending) = store::pending_refund(conn, id).await? else { return Ok(RefundNoted::Ended) };
    store::lock(conn, pending.payment_id).await?;
    let end = match said {
        Err(refusal) => RefundEnd { status: RefundStatus::Failed, name: None, detail: Some(refusal) },
        Ok(said) => {
            let name = Some(said.id.as_str());
            match &said.status {
                ProviderRefundStatus::Failed(why) => {
                    RefundEnd { status: RefundStatus::Failed, name, detail: Some(why) }
                }
                ProviderRefundStatus::Pending | ProviderRefundStatus::Succeeded
                    if (said.amount, &said.currency) != (pending.charge.amount, &pending.charge.currency) =>
                {
                    return disagree(conn, id, &pending.charge, said).await.map(RefundNoted::Disagrees);
                }
                ProviderRefundStatus::Pending => return Ok(RefundNoted::OnItsWay),
                ProviderRefundStatus::Succeeded => {
                    RefundEnd { status: RefundStatus::Succeeded, name, detail: None }
                }
            }
        }
    };
    // Another attempt may have ended it before the payment was locked, and said so.
    if store::end_refund(conn, now, id, &end).await? && end.status == RefundStatus::Failed {
        tracing::error!(refund_id = %id, detail = end.detail, "a refund failed; the money did not go back");
        figures::refund_failed();
    }
    Ok(RefundNoted::Ended)
}

async fn disagree(
    conn: &mut PgConnection,
    id: RefundId,
    charge: &RefundCharge,
    said: &ProviderRefund,
) -> Result<String, sqlx::Error> {
    let disagreement = format!(
        "expected {} {}, the provider says {} {}",
        charge.amount, charge.currency, said.amount, said.currency
    );
    tracing::error!(refund_id = %id, disagreement, "the provider does not agree about a refund");
    figures::disagreed();
    store::note_about_refund(conn, id, &disagreement).await?;
    Ok(disagreement)
}
