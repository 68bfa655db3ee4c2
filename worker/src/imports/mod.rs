//! Importing price lists, and fetching those that are elsewhere.

mod check;
mod fetch;
pub mod fetching;
mod import;
