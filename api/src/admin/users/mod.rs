//! Everybody's accounts over HTTP, for staff.

mod dto;
pub mod handlers;
