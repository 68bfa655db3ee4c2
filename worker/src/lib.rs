//! What the workers do; `main.rs` runs it.

pub mod mail;
