//! Price lists over HTTP.

mod dto;
pub mod handlers;
mod upload;
