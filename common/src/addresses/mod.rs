//! Delivery addresses: an organization's, shared by its users.

mod model;
mod store;

pub use model::{Address, AddressLabel, AddressPart, Phone, SavedAddress};
pub use store::{KeepError, delete, delete_all, find, insert, list, replace};
