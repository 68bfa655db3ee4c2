//! The audit log over HTTP.

mod dto;
pub mod handlers;
