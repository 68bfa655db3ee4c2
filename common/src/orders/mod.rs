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
//! Locks are taken in one order everywhere: the basket, stock in offer order, then orders that exist. Placing
//! writes its own new rows before it takes stock: nobody else can wait for those.

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
    Actor, Destination, Filter, HistoryEntry, Named, NewOrder, Order, OrderLine, OrderSummary, PaymentMethod,
    SupplierOrder, SupplierOrderSummary,
};
pub use overview::{OrderOverview, OverviewFilter, PartOverview};
pub use status::{OrderStatus, StockEffect, SupplierOrderStatus};
pub use store::{find, find_part, list, list_all, list_parts, ordered_lines, supplier_of_part};
pub use unpaid::expire;
pub(crate) use unpaid::release;
