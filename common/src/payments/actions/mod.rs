//! Use cases of payments, on a connection whose transaction the caller owns.

mod cards;
mod invoices;
mod refunds;

use sqlx::PgConnection;
use time::OffsetDateTime;

pub use cards::{
    Asked, BeginError, Begun, Next, begin_card, note_answer, note_unknown, plan, receive_notice, refuse_card,
};
pub use invoices::{CaptureError, InvoicePaid, capture_invoice, remind_overdue};
pub use refunds::{NewRefund, RefundError, RefundStep, begin_refund, note_refund, refund};

use super::{
    jobs::{ExpireOrder, FinalizePayment, RemindOverdue},
    store::{self, By},
};
use crate::{
    config::TradeSettings,
    ids::{OrderId, SupplierOrderId},
    orders::{Actor, SupplierOrderStatus},
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

/// Sees to it that an order placed now is called off when its card payment does not come in time.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn await_card(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    order_id: OrderId,
) -> Result<(), sqlx::Error> {
    let job = ExpireOrder { order_id, expires_at: now + trade.card_payment_time };
    queue::enqueue_at(conn, &job, job.expires_at).await?;
    Ok(())
}

/// What the move of a part means for its money: an unpaid invoice of a part that was called off is canceled, and a
/// card payment looks whether it is time to take the money, to let go of it, or to give some back.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn part_moved(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    actor: Option<Actor>,
    part_id: SupplierOrderId,
    to: SupplierOrderStatus,
) -> Result<(), sqlx::Error> {
    use SupplierOrderStatus::{Assembled, Canceled, Confirmed, Delivered, New, Refused, Sent};
    match to {
        New | Assembled | Sent | Delivered => return Ok(()),
        Confirmed => {}
        Refused | Canceled => {
            let by = actor.map_or(By::SYSTEM, By::from);
            store::cancel_invoice_of_part(conn, now, by, part_id).await?;
        }
    }
    let cards = store::cards_of_part(conn, part_id).await?;
    let jobs: Vec<_> = cards.into_iter().map(|payment_id| FinalizePayment { payment_id }).collect();
    queue::enqueue_all(conn, &jobs).await?;
    Ok(())
}
