//! Importing price lists, and fetching those that are elsewhere.

mod fetch;
pub mod fetching;
mod import;
