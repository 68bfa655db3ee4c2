//! All organizations over HTTP, for staff.

mod dto;
pub mod handlers;
