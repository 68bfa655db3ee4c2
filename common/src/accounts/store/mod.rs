//! All SQL of accounts.

mod closing;
mod people;
mod registering;
mod sessions;
mod tokens;

pub(super) use closing::*;
pub(super) use people::*;
pub(super) use registering::*;
pub use sessions::session_goes_on;
pub(super) use sessions::*;
pub(super) use tokens::*;
