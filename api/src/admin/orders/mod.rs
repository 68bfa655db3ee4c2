//! All orders over HTTP, for staff.

pub mod dto;
pub mod handlers;
