//! Price lists over HTTP.

pub mod delivery;
pub mod dto;
pub mod handlers;
pub mod upload;
