//! Work on the catalogue.

mod clear;
mod relist;
