//! Use cases of payments, on a connection whose transaction the caller owns.

mod answers;
mod cards;
mod invoices;
mod refunds;

use sqlx::PgConnection;
use time::OffsetDateTime;

pub use answers::{Next, note_answer, note_unknown};
pub use cards::{Asked, BeginError, Begun, begin_card, plan, receive_notice, refuse_card};
pub use invoices::{CaptureError, InvoicePaid, capture_invoice, remind_overdue};
pub use refunds::{NewRefund, RefundError, RefundNoted, RefundStep, begin_refund, note_refund, refund};

use super::{
    jobs::{ExpireOrder, FinalizePayment, RemindOverdue},
    store,
};
use crate::{
    config::TradeSettings,
    ids::{OrderId, SupplierOrderId},
    orders::{By, SupplierOrderStatus},
    queue,
};

/// Sees to it that the invoices of an order placed now are reminded of when they become overdue.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn await_invoices(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let job = RemindOverdue { due_on: trade.invoice_due_on(now) };
    queue::enqueue_at(conn, &job, job.run_at(trade)).await?;
    Ok(())
}

/// Sees to it that an order is called off when its card payment does not come by then. Whoever calls has locked the
/// order, and wrote there until when it waits.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn await_card(
    conn: &mut PgConnection,
    order_id: OrderId,
    until: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    queue::enqueue_at(conn, &ExpireOrder { order_id }, until).await?;
    Ok(())
}

/// What the move of parts of an order means for their money: an unpaid invoice of a part that was called off is
/// canceled, and a card payment looks whether it is time to take the money, to let go of it, or to give some back.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn parts_moved(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    by: By,
    parts: &[SupplierOrderId],
    to: SupplierOrderStatus,
) -> Result<(), sqlx::Error> {
    use SupplierOrderStatus::{Assembled, Canceled, Confirmed, Delivered, New, Refused, Sent};
    match to {
        New | Assembled | Sent | Delivered => return Ok(()),
        Confirmed => {}
        Refused | Canceled => store::cancel_invoices_of_parts(conn, now, by, parts).await?,
    }
    let cards = store::cards_of_parts(conn, parts).await?;
    let jobs: Vec<_> = cards.into_iter().map(FinalizePayment::of).collect();
    queue::enqueue_all(conn, &jobs).await?;
    Ok(())
}
