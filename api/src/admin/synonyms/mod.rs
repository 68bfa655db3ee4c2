//! The synonyms of searches, over HTTP.

mod dto;
pub mod handlers;
