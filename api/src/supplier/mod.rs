//! The supplier's side over HTTP: its settings and its parts of orders.

pub mod dto;
pub mod handlers;
