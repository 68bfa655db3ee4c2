//! Suppliers: what an organization that sells decides for itself.

mod store;

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    catalog,
    ids::SupplierId,
    imports::{Guard, Percent, PriceFactor},
};
pub use store::{find, set_guard};

/// Switches order taking on or off.
///
/// # Errors
/// When the database refuses.
pub async fn set_accepting_orders(
    conn: &mut PgConnection,
    id: SupplierId,
    accepting: bool,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    if store::set_accepting_orders(conn, id, accepting, now).await? {
        // Its offers count in the prices that the catalogue is sorted by, or no longer do.
        catalog::relist_supplier(conn, id).await?;
    }
    Ok(())
}

/// What to change of what a supplier lets pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct GuardChange {
    /// By which factor prices may move.
    pub price_factor: Option<PriceFactor>,
    /// How many of a hundred offers may be withdrawn at once.
    pub withdrawn_percent: Option<Percent>,
}

/// A supplier, as its own people see it.
#[derive(Clone, Debug)]
pub struct Supplier {
    /// Which one.
    pub id: SupplierId,
    /// Its organization's name.
    pub name: String,
    /// Whether it takes orders now.
    pub accepting_orders: bool,
    /// Whether staff has approved it: until then nobody sees its offers.
    pub approved: bool,
    /// Whether anybody of it has confirmed an address. Until then its registration may start afresh, and take
    /// everything with it.
    pub confirmed: bool,
    /// What of its price lists looks like a slip.
    pub guard: Guard,
}
