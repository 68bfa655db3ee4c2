//! Work on the catalogue.

mod relist;
