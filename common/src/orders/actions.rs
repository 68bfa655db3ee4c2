//! Placing orders and moving their parts along.

mod moving;

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    Destination, NewOrder, Order, PaymentMethod, messages,
    store::{self, OrderRow, Placement},
};
use crate::{
    addresses::Address,
    basket::{self, Basket, Problem},
    config::TradeSettings,
    ids::OrderId,
    mail,
    money::Money,
    payments,
};
pub use moving::{CancelError, MoveError, Step, cancel, move_part, receive};
pub(super) use moving::{lock, make};

/// Why an order was not placed; nothing was ordered then.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// There is nothing to order.
    #[error("the basket is empty")]
    BasketEmpty,
    /// The basket no longer agrees with the catalogue.
    #[error("the basket no longer agrees with the catalogue: {problem:?}")]
    Drifted {
        /// The gravest reason.
        problem: Problem,
        /// What the buyer has agreed to, by the total that they expect.
        agreed: Option<Problem>,
    },
    /// The organization has no such address.
    #[error("there is no such address")]
    AddressUnknown,
    /// The organization has no invoice terms yet. (Whether there is a card provider, the caller knows.)
    #[error("this payment method is not available")]
    PaymentMethodUnavailable,
    /// The sum is more than can be kept.
    #[error("the total is too large")]
    TotalTooLarge,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Places an order of everything in the buyer's basket, or of nothing.
///
/// One transaction holds the order, its parts, lines and history, the reservation, the messages and their
/// jobs (decisions 1 to 3). What many orders contend for, the stock, is taken last, so that its rows are
/// locked for little more than the commit.
///
/// # Errors
/// [`PlaceError`]; the caller then rolls back.
pub async fn place(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    new: NewOrder,
) -> Result<Order, PlaceError> {
    let basket = basket::find_locked(conn, new.buyer.user_id).await?;
    if basket.lines.is_empty() {
        return Err(PlaceError::BasketEmpty);
    }
    let total = basket.total();
    let agreed = agreement(&basket, total, new.expected_total)?;
    if total == Money::MAX {
        return Err(PlaceError::TotalTooLarge);
    }
    let address = agree(conn, &new).await?;
    let pay_until = (new.payment_method == PaymentMethod::Card).then(|| now + trade.card_payment_time);
    let row = OrderRow { id: OrderId::new(), total, address, pay_until, new: &new };
    let placement = Placement::of(&basket);
    store::insert_order(conn, trade, now, &row, &placement).await?;
    basket::clear(conn, now, new.buyer.user_id).await?;
    let order = store::find(conn, new.buyer.organization_id, row.id).await?;
    let order = order.ok_or(sqlx::Error::RowNotFound)?;
    let letters = messages::of_order(conn, trade, new.buyer.user_id, &order).await?;
    let mut messages = vec![letters.to_buyer];
    match pay_until {
        // Its suppliers hear of it once the money is held.
        Some(until) => payments::await_card(conn, order.id, until).await?,
        None => {
            messages.extend(letters.to_others);
            payments::await_invoices(conn, trade, now).await?;
        }
    }
    mail::post(conn, now, &messages).await?;
    if !store::take_stock(conn, now, &placement).await? {
        return Err(PlaceError::Drifted { problem: Problem::NotEnoughStock, agreed });
    }
    Ok(order)
}

/// Whether the buyer wants the basket as it stands now. A buyer who names the new total agrees to changed prices,
/// and to nothing else that may have drifted.
fn agreement(basket: &Basket, total: Money, expected: Option<Money>) -> Result<Option<Problem>, PlaceError> {
    let agreed = expected.filter(|expected| *expected == total).map(|_| Problem::PriceChanged);
    let stale = expected.is_some() && agreed.is_none();
    match basket.problem().filter(|problem| Some(*problem) != agreed) {
        Some(problem) => Err(PlaceError::Drifted { problem, agreed }),
        None if stale => Err(PlaceError::Drifted { problem: Problem::PriceChanged, agreed }),
        None => Ok(agreed),
    }
}

/// Where the order goes. An organization that waits for approval has no invoice terms.
async fn agree(conn: &mut PgConnection, new: &NewOrder) -> Result<Address, PlaceError> {
    let saved = match &new.destination {
        Destination::Saved(id) => Some(*id),
        Destination::New(_) => None,
    };
    let terms = store::find_terms(conn, new.buyer.organization_id, saved).await?;
    if new.payment_method == PaymentMethod::Invoice && !terms.approved {
        return Err(PlaceError::PaymentMethodUnavailable);
    }
    match &new.destination {
        Destination::New(address) => Ok(Address::clone(address)),
        Destination::Saved(_) => terms.address.ok_or(PlaceError::AddressUnknown),
    }
}
