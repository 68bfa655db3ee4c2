//! The local stack: what Postavka needs around it to run on one machine without any preparation.
//!
//! [`postgres`] starts a private PostgreSQL, and [`mail_catcher`] receives the e-mail that would otherwise leave.
//! `cargo dev`, the end-to-end tests, the benchmarks
//! and the fault tests all stand on these.

mod launcher;
pub mod mail_catcher;
pub mod postgres;
#[cfg(test)]
mod scratch;
