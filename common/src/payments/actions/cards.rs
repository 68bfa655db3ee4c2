//! Card payments: begun by the buyer, and what is asked about them; what is answered stands in [`answers`](super::answers).

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    super::{
        Charge, Notice, PaymentStatus,
        jobs::{FinalizePayment, WatchPayment},
        store::{self, NewCard, PaymentStep},
    },
    refunds,
};
use crate::{
    config::TradeSettings,
    ids::{OrderId, PaymentId},
    money::Money,
    orders::{Actor, By, PaymentMethod},
    queue,
};

/// Why a card payment was not begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The organization has no such order.
    #[error("there is no such order")]
    Unknown,
    /// The order is paid by invoice.
    #[error("this order is paid by invoice")]
    PaidByInvoice,
    /// The money is held or came already.
    #[error("this order is paid")]
    AlreadyPaid,
    /// Everything in it was called off.
    #[error("nothing is left to pay in this order")]
    NothingToPay,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A card payment that waits for its buyer.
#[derive(Debug)]
pub enum Begun {
    /// It is new; once it is committed, ask the provider for it.
    New(Charge),
    /// It was begun before.
    Open(PaymentId),
}

impl Begun {
    /// Which payment.
    #[must_use]
    pub fn payment_id(&self) -> PaymentId {
        match self {
            Self::New(charge) => charge.payment_id,
            Self::Open(id) => *id,
        }
    }
}

/// Begins a card payment of an order, for what is left of it; there is one open payment at a time, and while there
/// is it is the one.
///
/// # Errors
/// [`BeginError`]; the caller then rolls back.
pub async fn begin_card(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    buyer: Actor,
    order_id: OrderId,
    provider: &str,
) -> Result<Begun, BeginError> {
    let order = store::lock_order(conn, buyer.organization_id, order_id).await?.ok_or(BeginError::Unknown)?;
    if order.payment_method != PaymentMethod::Card {
        return Err(BeginError::PaidByInvoice);
    }
    match store::open_card(conn, order_id).await? {
        Some((_, PaymentStatus::Authorized | PaymentStatus::Captured)) => {
            return Err(BeginError::AlreadyPaid);
        }
        Some((id, _)) => return Ok(Begun::Open(id)),
        None => {}
    }
    let parts = store::wanted_parts(conn, order_id).await?;
    let amount = parts.iter().try_fold(Money::ZERO, |sum, (_, subtotal)| sum.checked_add(*subtotal));
    let amount = amount.filter(|amount| *amount > Money::ZERO).ok_or(BeginError::NothingToPay)?;
    let id = PaymentId::new();
    let new = NewCard { id, order_id, amount, currency: &order.currency, provider, parts: &parts };
    store::insert_card(conn, now, buyer.into(), &new).await?;
    queue::enqueue_at(conn, &WatchPayment { payment_id: id }, now + WatchPayment::FIRST_AFTER).await?;
    Ok(Begun::New(charge(conn, trade, id).await?))
}

async fn charge(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    id: PaymentId,
) -> Result<Charge, sqlx::Error> {
    let (order_id, charge) = store::charge(conn, id).await?;
    Ok(Charge { return_url: trade.link(&format!("/orders/{order_id}")), ..charge })
}

/// Notes that the provider refused to begin a payment.
///
/// # Errors
/// When the database refuses.
pub async fn refuse_card(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: PaymentId,
    why: &str,
) -> Result<(), sqlx::Error> {
    let (from, to) = (PaymentStatus::Pending, PaymentStatus::Failed);
    let payment = store::lock(conn, id).await?;
    // Another attempt, with the same key, may have had another answer meanwhile: it knows better.
    if payment.is_none_or(|payment| payment.status != from) {
        return Ok(());
    }
    let step = PaymentStep { payment_id: id, from, to, captured: None, detail: Some(why) };
    store::step(conn, now, By::System, &step).await
}

/// What to ask the provider about a payment.
#[derive(Debug)]
pub enum Asked {
    /// Its answer was lost, or never came: ask again, with the same key.
    Create(Charge),
    /// How it stands.
    Look(String),
    /// Nothing: the payment has come to its end.
    Nothing,
}

/// What to ask the provider about a payment now; what needs no answer is done.
///
/// # Errors
/// When the database refuses.
pub async fn plan(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: PaymentId,
) -> Result<Asked, sqlx::Error> {
    let Some(payment) = store::lock(conn, id).await? else { return Ok(Asked::Nothing) };
    match (payment.status, payment.provider_payment_id) {
        (PaymentStatus::Pending, None) => {
            if !store::wanted_parts(conn, payment.order_id).await?.is_empty() {
                return Ok(Asked::Create(charge(conn, trade, id).await?));
            }
            // It may have been begun there before: nobody was told where to pay, and it ends by itself.
            let (from, to) = (PaymentStatus::Pending, PaymentStatus::Canceled);
            let step = PaymentStep { payment_id: id, from, to, captured: None, detail: None };
            store::step(conn, now, By::System, &step).await?;
            Ok(Asked::Nothing)
        }
        (PaymentStatus::Captured, _) => {
            refunds::refund_called_off(conn, now, id).await?;
            Ok(Asked::Nothing)
        }
        (status, Some(name)) if !status.is_final() => Ok(Asked::Look(name)),
        _ => Ok(Asked::Nothing),
    }
}

/// Keeps a notice of the provider, and has its payment asked about: at the next full second, and once for all notices
/// before it. So whoever invents notices costs a question a second, and hides none that is true. One about nothing of ours
/// is not kept: nobody knows who sent it.
///
/// # Errors
/// When the database refuses.
pub async fn receive_notice(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    provider: &str,
    notice: &Notice,
) -> Result<(), sqlx::Error> {
    let Some((payment_id, status)) = store::payment_of(conn, provider, &notice.provider_payment_id).await?
    else {
        tracing::info!("a notice about an unknown payment was passed over");
        return Ok(());
    };
    let look_at = store::keep_notice(conn, now, provider, notice).await?;
    if !status.is_final() {
        let job = FinalizePayment { payment_id, noticed: Some(look_at.unix_timestamp()) };
        queue::enqueue_at(conn, &job, look_at).await?;
    }
    Ok(())
}
