//! Accounts over HTTP.

mod dto;
pub mod handlers;
