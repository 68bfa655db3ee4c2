//! Suppliers: what an organization that sells decides for itself.

mod store;

use crate::ids::SupplierId;
pub use store::{find, set_accepting_orders};

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
    /// Where its price list can be fetched.
    pub price_list_url: Option<String>,
}
