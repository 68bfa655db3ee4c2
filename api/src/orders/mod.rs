//! Orders over HTTP: the buyer's side.

pub(crate) mod dto;
pub mod handlers;
