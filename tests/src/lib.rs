//! The local stack: what Postavka needs around it to run on one machine without any preparation.
//!
//! [`postgres`] starts a private PostgreSQL, [`mail_catcher`] receives the e-mail that would otherwise leave,
//! [`payment_sandbox`] stands for the payment provider, [`list_server`] for a supplier's web server, [`mod@line`] for a
//! network that fails, [`dev`] puts them together with the processes of the `Procfile`, and [`mod@bench`] measures.
//! `cargo dev`, the end-to-end tests, the benchmarks and the fault tests all stand on these.

pub mod bench;
pub mod cargo;
pub mod dev;
mod launcher;
pub mod line;
pub mod list_server;
pub mod mail_catcher;
pub mod payment_sandbox;
pub mod postgres;
#[cfg(test)]
mod scratch;
