//! The basket: what a user is about to order.
//!
//! Each user has one; a line remembers the price that was seen when it was put there. Whatever has drifted
//! since is shown as the line's [`Problem`], and an order of such a basket is refused until the buyer agrees.
//! The basket's own row is locked by every change, so that two tabs follow one another.

mod actions;
mod filling;
mod model;
mod store;

pub use actions::{BasketError, MAX_LINES, clear, fill, put, remove};
pub use model::{
    Basket, BasketLine, NewLine, OfferName, Orderable, Problem, Quantity, RejectedLine, Rejection,
    SupplierSubtotal,
};
pub use store::{find, find_locked};
