//! Suppliers' price lists over HTTP, for staff.

pub mod handlers;
