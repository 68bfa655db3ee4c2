//! Delivery addresses over HTTP.

pub(crate) mod dto;
pub mod handlers;
