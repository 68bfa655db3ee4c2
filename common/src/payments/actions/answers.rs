//! What the provider said of a card payment, and what comes of it: it moves the payment, or is a disagreement.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    super::{
        Capture, PaymentStatus, ProviderPayment, ProviderStatus, figures, messages,
        provider::Ending,
        store::{self, LockedPayment, PaymentStep},
    },
    await_card, refunds,
};
use crate::{
    config::TradeSettings,
    ids::PaymentId,
    mail,
    money::Money,
    orders::{self, By, SupplierOrderStatus},
};

/// What a payment needs next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing now.
    Nothing,
    /// The money is to be taken; which parts it is for is decided, and holds once it is committed.
    Capture(Capture),
    /// The money is to be let go of: nothing of the order is left.
    Cancel(String),
}

/// Notes what the provider said of a payment, and decides what comes next.
///
/// Only words that agree with what is ours move anything: the name, the amount and the currency.
///
/// # Errors
/// When the database refuses.
pub async fn note_answer(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: PaymentId,
    said: &ProviderPayment,
) -> Result<Next, sqlx::Error> {
    let Some(payment) = store::lock(conn, id).await? else { return Ok(Next::Nothing) };
    let taken = taken(conn, id, &payment, said).await?;
    let to = target(&said.status);
    if let Some(disagreement) = disagreement(&payment, id, said, taken, &to) {
        tracing::error!(payment_id = %id, disagreement, "the provider does not agree about a payment");
        figures::disagreed();
        store::set_disagreement(conn, id, &disagreement).await?;
        return Ok(Next::Nothing);
    }
    store::set_created(conn, id, &said.id, said.redirect_url.as_deref()).await?;
    if said.status == ProviderStatus::Captured {
        want_all_unless_decided(conn, id).await?;
    }
    let (to, detail) = to;
    walk(conn, now, id, payment.status, to, taken, detail.as_deref()).await?;
    // A word that is older than what is known already changes nothing.
    let stands = if payment.status.way_to(to).is_some() { to } else { payment.status };
    if matches!(stands, PaymentStatus::Authorized | PaymentStatus::Captured) {
        orders::release(conn, trade, now, payment.order_id).await?;
    }
    match stands {
        PaymentStatus::Authorized => decide(conn, id, &payment, said).await,
        PaymentStatus::Captured => {
            if payment.status != PaymentStatus::Captured {
                let receipt = messages::payment_received(conn, trade, id).await?;
                mail::post(conn, now, &[receipt]).await?;
            }
            refunds::refund_called_off(conn, now, id).await?;
            Ok(Next::Nothing)
        }
        PaymentStatus::Failed | PaymentStatus::Canceled | PaymentStatus::Expired
            if payment.status == PaymentStatus::Authorized =>
        {
            lapse(conn, trade, now, id, &payment, stands).await?;
            Ok(Next::Nothing)
        }
        _ => Ok(Next::Nothing),
    }
}

/// Held money was lost: its time was up, or it could not be taken. Where something of the order is left, the order waits
/// to be paid again, and is called off when that does not happen; the buyer and the administrator are told.
async fn lapse(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: PaymentId,
    payment: &LockedPayment,
    stands: PaymentStatus,
) -> Result<(), sqlx::Error> {
    let until = now + trade.card_repayment_time;
    if !orders::wait_again(conn, payment.order_id, until).await? {
        return Ok(());
    }
    tracing::warn!(payment_id = %id, status = stands.as_str(), "held money was lost; the order waits to be paid again");
    figures::lapsed();
    store::set_lapsed(conn, id, now).await?;
    await_card(conn, payment.order_id, until).await?;
    let letters = messages::payment_lapsed(conn, trade, id, stands, until).await?;
    mail::post(conn, now, &letters).await
}

/// Where the provider's word leaves a payment of ours, and the word where it is to be kept.
fn target(status: &ProviderStatus) -> (PaymentStatus, Option<String>) {
    match status {
        ProviderStatus::Pending => (PaymentStatus::RequiresAction, None),
        ProviderStatus::Authorized => (PaymentStatus::Authorized, None),
        ProviderStatus::Captured => (PaymentStatus::Captured, None),
        ProviderStatus::Ended(Ending::Canceled) => (PaymentStatus::Canceled, None),
        ProviderStatus::Ended(Ending::Expired) => (PaymentStatus::Expired, None),
        ProviderStatus::Ended(Ending::Failed(why)) => (PaymentStatus::Failed, Some(why.clone())),
    }
}

/// How much was to be taken, once it was: what was decided, or all of it where somebody took it at the provider's.
async fn taken(
    conn: &mut PgConnection,
    id: PaymentId,
    payment: &LockedPayment,
    said: &ProviderPayment,
) -> Result<Option<Money>, sqlx::Error> {
    if said.status != ProviderStatus::Captured {
        return Ok(None);
    }
    if payment.status == PaymentStatus::Captured {
        return Ok(Some(payment.captured));
    }
    let parts = store::allocated_parts(conn, id).await?;
    let wanted = parts
        .iter()
        .filter(|part| part.wanted)
        .try_fold(Money::ZERO, |sum, part| sum.checked_add(part.amount));
    Ok(wanted.filter(|wanted| *wanted > Money::ZERO).or(Some(payment.amount)))
}

/// Somebody took all of the money at the provider's, before it was decided here which parts it is for: for all.
async fn want_all_unless_decided(conn: &mut PgConnection, id: PaymentId) -> Result<(), sqlx::Error> {
    let parts = store::allocated_parts(conn, id).await?;
    if parts.iter().any(|part| part.wanted) {
        return Ok(());
    }
    let all: Vec<_> = parts.iter().map(|part| part.part_id).collect();
    store::want(conn, id, &all).await
}

/// What in the provider's words does not agree with what is ours.
fn disagreement(
    payment: &LockedPayment,
    id: PaymentId,
    said: &ProviderPayment,
    taken: Option<Money>,
    (to, _): &(PaymentStatus, Option<String>),
) -> Option<String> {
    let other_name = payment.provider_payment_id.as_ref().is_some_and(|name| *name != said.id);
    if other_name || said.payment_id != Some(id) {
        return Some(format!("the provider's payment {} is not this one", said.id));
    }
    // What ended without money may say what it likes of the amount.
    if !matches!(said.status, ProviderStatus::Ended(_)) {
        let amount = taken.unwrap_or(payment.amount);
        if (said.amount, said.currency.as_str()) != (amount, payment.currency.as_str()) {
            let (ours, theirs) = (&payment.currency, &said.currency);
            return Some(format!("expected {amount} {ours}, the provider says {} {theirs}", said.amount));
        }
    }
    let behind = to.way_to(payment.status).is_some();
    if payment.status.way_to(*to).is_none() && !behind {
        return Some(format!(
            "it is {} with us, and {} at the provider",
            payment.status.as_str(),
            to.as_str()
        ));
    }
    None
}

/// Walks a locked payment to where the provider says that it stands, over every step between. A word that is older than
/// what is known already moves nothing.
async fn walk(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    payment_id: PaymentId,
    mut from: PaymentStatus,
    end: PaymentStatus,
    taken: Option<Money>,
    detail: Option<&str>,
) -> Result<(), sqlx::Error> {
    for to in from.way_to(end).unwrap_or_default() {
        let captured = taken.filter(|_| to == PaymentStatus::Captured);
        let detail = detail.filter(|_| to == end);
        let step = PaymentStep { payment_id, from, to, captured, detail };
        store::step(conn, now, By::System, &step).await?;
        from = to;
    }
    Ok(())
}

/// What becomes of held money: it waits while a part is `new`, is let go of when nothing is left, and else is taken
/// for what is left. A decision stands: it may have reached the provider already.
async fn decide(
    conn: &mut PgConnection,
    payment_id: PaymentId,
    payment: &LockedPayment,
    said: &ProviderPayment,
) -> Result<Next, sqlx::Error> {
    use SupplierOrderStatus::{Canceled, New, Refused};
    let mut parts = store::allocated_parts(conn, payment_id).await?;
    if !parts.iter().any(|part| part.wanted) {
        if parts.iter().any(|part| part.status == New) {
            return Ok(Next::Nothing);
        }
        parts.retain(|part| !matches!(part.status, Canceled | Refused));
        if parts.is_empty() {
            return Ok(Next::Cancel(said.id.clone()));
        }
        let left: Vec<_> = parts.iter().map(|part| part.part_id).collect();
        store::want(conn, payment_id, &left).await?;
    } else {
        parts.retain(|part| part.wanted);
    }
    let amount = parts.iter().try_fold(Money::ZERO, |sum, part| sum.checked_add(part.amount));
    Ok(Next::Capture(Capture {
        payment_id,
        provider_payment_id: said.id.clone(),
        amount: amount.unwrap_or(payment.amount),
        currency: payment.currency.clone(),
    }))
}

/// Notes that the provider knows no payment of the name that it gave us itself.
///
/// # Errors
/// When the database refuses.
pub async fn note_unknown(conn: &mut PgConnection, id: PaymentId) -> Result<(), sqlx::Error> {
    tracing::error!(payment_id = %id, "the provider does not know a payment that it named itself");
    store::set_disagreement(conn, id, "the provider knows no such payment").await
}
