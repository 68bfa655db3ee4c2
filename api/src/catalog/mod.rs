//! The catalogue over HTTP: no sign-in needed.

mod dto;
pub mod handlers;
pub mod kept;
mod parse;
