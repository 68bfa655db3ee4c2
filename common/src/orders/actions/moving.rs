//! Moving parts of orders along, and calling them off.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::super::{
    Actor, By, Named, SupplierOrderStatus, messages,
    store::{self, LockedPart, Move},
};
use crate::{accounts::Role, config::TradeSettings, ids::SupplierOrderId, mail, payments};

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
    /// The money is not there that this wants: held, before anything is done for a card order; ours, before it is sent.
    #[error("an order that is not paid cannot become {}", .0.as_str())]
    NotPaid(SupplierOrderStatus),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Why nothing of an order was canceled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// The actor has no such order, or the order no such part.
    #[error("there is no such order")]
    Unknown,
    /// A part of what was named is on its way, or has arrived.
    #[error("a part of it is {} already", .0.as_str())]
    NotCancelable(SupplierOrderStatus),
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
    let by = By::from(actor);
    let parts = lock(conn, by, Named::Part(step.part_id), step.to).await?;
    let part = parts.first().ok_or(MoveError::Unknown)?;
    if !part.status.may_become(step.to) || !step.to.may_be_set_by(actor.role) {
        return Err(MoveError::Illegal { from: part.status, to: step.to });
    }
    if !money_suffices(part, step.to) {
        return Err(MoveError::NotPaid(step.to));
    }
    let step = Move { by, parts: &parts, to: step.to, comment: step.comment.as_deref() };
    Ok(make(conn, trade, now, &step).await?)
}

/// Whether the money is there that a move wants. An invoice wants none: it has net terms.
fn money_suffices(part: &LockedPart, to: SupplierOrderStatus) -> bool {
    use SupplierOrderStatus::{Assembled, Canceled, Confirmed, Delivered, New, Refused, Sent};
    match to {
        New | Canceled => true,
        Confirmed | Assembled | Refused | Delivered => part.released,
        Sent => part.paid,
    }
}

/// Calls off what is named of an order: all that is still open of it, or nothing once a part of it was sent.
/// What is canceled or refused already stays as it is, so that asking twice does no harm.
///
/// # Errors
/// [`CancelError`]; the caller then rolls back.
pub async fn cancel(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    actor: Actor,
    named: Named,
) -> Result<(), CancelError> {
    let (by, to) = (By::from(actor), SupplierOrderStatus::Canceled);
    let mut parts = lock(conn, by, named, to).await?;
    if parts.is_empty() {
        return Err(CancelError::Unknown);
    }
    parts.retain(|part| !part.status.is_called_off());
    match parts.iter().find(|part| !part.status.may_become(to)) {
        Some(part) => Err(CancelError::NotCancelable(part.status)),
        None => Ok(make(conn, trade, now, &Move { by, parts: &parts, to, comment: None }).await?),
    }
}

/// Notes that a part has arrived. One of which that was said before stays as it is.
///
/// # Errors
/// [`MoveError`]; the caller then rolls back.
pub async fn receive(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    actor: Actor,
    named: Named,
) -> Result<(), MoveError> {
    let (by, to) = (By::from(actor), SupplierOrderStatus::Delivered);
    let mut parts = lock(conn, by, named, to).await?;
    if parts.is_empty() {
        return Err(MoveError::Unknown);
    }
    parts.retain(|part| part.status != to);
    match parts.iter().find(|part| !part.status.may_become(to)) {
        Some(part) => Err(MoveError::Illegal { from: part.status, to }),
        None => Ok(make(conn, trade, now, &Move { by, parts: &parts, to, comment: None }).await?),
    }
}

/// Locks the parts that are named, those that they who move them may reach; before them, in the lock order of the
/// whole house, their stock, when the move does something to it.
pub(in super::super) async fn lock(
    conn: &mut PgConnection,
    by: By,
    named: Named,
    to: SupplierOrderStatus,
) -> Result<Vec<LockedPart>, sqlx::Error> {
    if to.stock_effect().is_some() {
        store::lock_stock(conn, by, named).await?;
    }
    if to == SupplierOrderStatus::Canceled {
        // Whether the supplier has been told of the order decides whether it is told now.
        store::lock_order(conn, by, named).await?;
    }
    store::lock_parts(conn, by, named).await
}

/// Makes a legal move with all that follows from it: the history, what it does to the stock, and who is told.
pub(in super::super) async fn make(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    step: &Move<'_>,
) -> Result<(), sqlx::Error> {
    if step.parts.is_empty() {
        return Ok(());
    }
    let entries = store::set_status(conn, now, step).await?;
    if let Some(effect) = step.to.stock_effect() {
        store::give_up_reservations(conn, now, &step.part_ids(), effect).await?;
    }
    payments::parts_moved(conn, now, step.by, &step.part_ids(), step.to).await?;
    let mut told = Vec::new();
    // Who asked for it knows; the buyer is told what others did (and of an order whose time was up, with one letter),
    // the supplier that it need not deliver.
    if matches!(step.by.role(), Some(Role::Supplier | Role::Staff)) {
        told.extend(messages::status_changed(conn, trade, step, &entries).await?);
    }
    if step.to == SupplierOrderStatus::Canceled && step.by.role() != Some(Role::Supplier) {
        told.extend(messages::canceled(conn, trade, now, step, &entries).await?);
    }
    mail::post(conn, now, &told).await
}
