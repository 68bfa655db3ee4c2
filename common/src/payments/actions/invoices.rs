//! Invoices: marking them paid, and reminding of those that are overdue.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use super::super::{
    Payment, PaymentKind, PaymentStatus, messages,
    store::{self, PaymentStep},
};
use crate::{config::TradeSettings, ids::PaymentId, mail, orders::Actor};

/// An invoice was paid, says staff.
#[derive(Clone, Debug)]
pub struct InvoicePaid {
    /// Which one.
    pub payment_id: PaymentId,
    /// The day on which the money came.
    pub paid_on: Date,
    /// The bank's reference of it.
    pub reference: Option<String>,
}

/// Why an invoice was not marked paid.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There is no such payment.
    #[error("there is no such payment")]
    Unknown,
    /// It was paid before.
    #[error("this invoice was paid before")]
    AlreadyPaid,
    /// It is no invoice that waits for its money.
    #[error("a payment by {} that is {} cannot be marked paid", kind.as_str(), status.as_str())]
    NotWaiting {
        /// How it pays.
        kind: PaymentKind,
        /// Where it stands.
        status: PaymentStatus,
    },
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Marks an invoice paid, and mails the buyer a receipt.
///
/// # Errors
/// [`CaptureError`]; the caller then rolls back.
pub async fn capture_invoice(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    staff: Actor,
    paid: &InvoicePaid,
) -> Result<Payment, CaptureError> {
    let id = paid.payment_id;
    let invoice = store::lock(conn, id).await?.ok_or(CaptureError::Unknown)?;
    match (invoice.kind, invoice.status) {
        (PaymentKind::Invoice, PaymentStatus::Invoiced) => {}
        (_, PaymentStatus::Captured) => return Err(CaptureError::AlreadyPaid),
        (kind, status) => return Err(CaptureError::NotWaiting { kind, status }),
    }
    let step = PaymentStep {
        payment_id: id,
        from: PaymentStatus::Invoiced,
        to: PaymentStatus::Captured,
        captured: Some(invoice.amount),
        detail: paid.reference.as_deref(),
    };
    store::step(conn, now, staff.into(), &step).await?;
    store::allocate_invoice(conn, id, paid.paid_on, paid.reference.as_deref()).await?;
    let receipt = messages::payment_received(conn, trade, id).await?;
    mail::post(conn, now, &[receipt]).await?;
    Ok(store::find(conn, None, id).await?.ok_or(sqlx::Error::RowNotFound)?)
}

/// Marks up to `limit` invoices overdue that were due by a day, and reminds their buyers, once for each invoice.
/// Returns how many there were.
///
/// # Errors
/// When the database refuses.
pub async fn remind_overdue(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    due_by: Date,
    limit: i64,
) -> Result<usize, sqlx::Error> {
    let late = store::mark_overdue(conn, now, due_by, limit).await?;
    let reminders: Vec<_> = late.iter().map(|invoice| messages::invoice_overdue(trade, invoice)).collect();
    mail::post(conn, now, &reminders).await?;
    Ok(late.len())
}
