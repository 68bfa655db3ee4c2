//! Payments over HTTP: the buyer's, the providers' notices, and what staff says of money.

pub(crate) mod dto;
pub mod handlers;
pub mod staff;
