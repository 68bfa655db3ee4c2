//! Jobs, as staff sees them: what waits, what runs, what gave up, and trying again.

mod dto;
pub mod handlers;
