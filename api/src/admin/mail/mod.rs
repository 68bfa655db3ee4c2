//! E-mail, as staff sees it: how each kind of message reads, what became of each message, and sending one again.

mod dto;
pub mod handlers;
mod preview;
