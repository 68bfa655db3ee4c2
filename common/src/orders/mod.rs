//! Orders: what a buyer confirmed once, in parts by supplier.
//!
//! ```text
//!          ┌──▶ refused
//!          │
//!   new ───┼──▶ confirmed ──▶ assembled ──▶ sent ──▶ delivered
//!    │     │        │             │
//!    └─────┴────────┴─────────────┴──▶ canceled
//! ```
//!
//! That is a *supplier order*; an order's own status follows from its parts. Every step is a compare-and-set
//! on the state before it, with a line of history (decision 6). Placing takes stock with one conditional
//! statement over rows locked in offer order (decision 2), so that no interleaving of buyers sells more than
//! there is; every movement is in the ledger (decision 3).
//!
//! Goods that are paid by card leave once the money is ours (`sent` is refused before), since what is only held may be
//! lost. Until it is held the order is nothing to its suppliers, and all that can be done with it is to cancel it. An
//! order waits for its card until `pay_until`: after it was placed, and again when held money was lost.
//!
//! Locks are taken in one order everywhere: the basket, stock in offer order, then orders that exist, their parts, and
//! the invoices of those. Placing writes its own new rows before it takes stock: nobody else can wait for those. A card
//! payment is locked before its order (`payments`): whoever has locked an order or a part locks no card.

mod actions;
mod messages;
mod model;
mod overview;
mod shown;
mod status;
mod store;
mod unpaid;

pub use actions::{CancelError, MoveError, PlaceError, Step, cancel, move_part, place, receive};
pub use model::{
    Actor, By, Destination, Filter, HistoryEntry, Named, NewOrder, Order, OrderLine, OrderSummary,
    PaymentMethod, SupplierOrder, SupplierOrderSummary,
};
pub use overview::{OrderOverview, OverviewFilter, PartOverview};
pub use status::{OrderStatus, StockEffect, SupplierOrderStatus};
pub use store::{
    find, find_part, find_part_for_staff, list, list_all, list_parts, ordered_lines, supplier_of_part,
};
pub use unpaid::{Expiry, expire, time_to_pay};
pub(crate) use unpaid::{release, wait_again};
