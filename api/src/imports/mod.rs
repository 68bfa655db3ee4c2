//! Price lists over HTTP.

pub mod brought;
pub mod delivery;
pub mod dto;
pub mod events;
pub mod export;
pub mod file;
pub mod handlers;
pub mod upload;
