//! The local stack: what Postavka needs around it to run on one machine without any preparation.
//!
//! [`postgres`] starts a private PostgreSQL. `cargo dev`, the end-to-end tests, the benchmarks and the fault tests all
//! stand on it.

mod launcher;
pub mod postgres;
#[cfg(test)]
mod scratch;
