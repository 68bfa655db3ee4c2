//! Orders over HTTP: the buyer's side.

pub(crate) mod dto;
pub(crate) mod filter;
pub mod handlers;
