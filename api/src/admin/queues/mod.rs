//! The queues of jobs, as staff sees them.

mod dto;
pub mod handlers;
