//! Placing orders and moving their parts along.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    Actor, Destination, NewOrder, Order, PaymentMethod, SupplierOrderStatus, messages,
    store::{self, OrderRow, Placement},
};
use crate::{
    accounts::Role,
    addresses::Address,
    basket::{self, Problem},
    config::TradeSettings,
    ids::{OrderId, SupplierOrderId},
    mail, payments,
};

/// Why an order was not placed; nothing was ordered then.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// There is nothing to order.
    #[error("the basket is empty")]
    BasketEmpty,
    /// The basket no longer agrees with the catalogue.
    #[error("the basket no longer agrees with the catalogue: {0:?}")]
    Drifted(Problem),
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
    let agreed = match new.expected_total {
        Some(expected) if expected == total => Some(Problem::PriceChanged),
        Some(_) => return Err(PlaceError::Drifted(basket.problem().unwrap_or(Problem::PriceChanged))),
        None => None,
    };
    if let Some(problem) = basket.problem().filter(|problem| Some(*problem) != agreed) {
        return Err(PlaceError::Drifted(problem));
    }
    if total == crate::money::Money::MAX {
        return Err(PlaceError::TotalTooLarge);
    }
    let address = agree(conn, &new).await?;
    let row = OrderRow { id: OrderId::new(), total, address, new: &new };
    let placement = Placement::of(&basket);
    store::insert_order(conn, trade, now, &row, &placement).await?;
    basket::clear(conn, now, new.buyer.user_id).await?;
    let order = store::find(conn, new.buyer.organization_id, row.id).await?;
    let order = order.ok_or(sqlx::Error::RowNotFound)?;
    let letters = messages::of_order(conn, trade, new.buyer.user_id, &order).await?;
    let mut messages = vec![letters.to_buyer];
    match new.payment_method {
        PaymentMethod::Invoice => {
            messages.extend(letters.to_others);
            payments::await_invoices(conn, trade, now).await?;
        }
        // Its suppliers hear of it once it is authorized.
        PaymentMethod::Card => payments::await_card(conn, trade, now, order.id).await?,
    }
    mail::post(conn, now, &messages).await?;
    if !store::take_stock(conn, now, &placement).await? {
        return Err(PlaceError::Drifted(Problem::NotEnoughStock));
    }
    Ok(order)
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

/// A move that somebody asks for.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which part.
    pub part_id: SupplierOrderId,
    /// Where to.
    pub to: SupplierOrderStatus,
    /// What they say about it.
    pub comment: Option<String>,
}

/// Why a part was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The actor has no such part.
    #[error("there is no such order")]
    Unknown,
    /// There is no such move from where it stands.
    #[error("an order that is {} cannot become {}", from.as_str(), to.as_str())]
    Illegal {
        /// Where it stands.
        from: SupplierOrderStatus,
        /// Where it was to go.
        to: SupplierOrderStatus,
    },
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Moves a part of an order along, with its history, what it does to the stock, and a message to the buyer.
///
/// # Errors
/// [`MoveError`]; the caller then rolls back.
pub async fn move_part(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    actor: Actor,
    step: &Step,
) -> Result<(), MoveError> {
    let effect = step.to.stock_effect();
    if effect.is_some() {
        // The lock order of the whole house: stock first, then orders.
        store::lock_stock_of_part(conn, actor, step.part_id).await?;
    }
    let part = store::lock_part(conn, actor, step.part_id).await?.ok_or(MoveError::Unknown)?;
    if !part.status.may_become(step.to) || !step.to.may_be_set_by(actor.role) {
        return Err(MoveError::Illegal { from: part.status, to: step.to });
    }
    let moved = store::set_status(conn, step.part_id, part.status, step.to).await?;
    if !moved {
        return Err(MoveError::Illegal { from: part.status, to: step.to });
    }
    let entry = store::insert_history(conn, now, actor, step).await?;
    if let Some(effect) = effect {
        store::give_up_reservation(conn, now, step.part_id, effect).await?;
    }
    payments::part_moved(conn, now, Some(actor), step.part_id, step.to).await?;
    // Who asked for it knows; the buyer is told what others did.
    if actor.role != Role::Buyer {
        let message = messages::status_changed(conn, trade, entry, step).await?;
        mail::post(conn, now, &[message]).await?;
    }
    Ok(())
}
