//! All SQL of accounts.

mod closing;
mod people;
mod registering;
mod sessions;
mod staff;
mod tokens;

pub(super) use closing::*;
pub use people::locale_of;
pub(super) use people::*;
pub(super) use registering::*;
pub use sessions::session_goes_on;
pub(super) use sessions::*;
pub(super) use staff::{approve, find_waiting, people_of};
pub use staff::{list_organizations, list_users};
pub(super) use tokens::*;
