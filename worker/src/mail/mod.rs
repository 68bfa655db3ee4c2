//! E-mail, from a rendered message to an SMTP server's "250".
//!
//! [`smtp`] hands one message to the server and tells a refusal that is worth another try from one that is not. How a
//! message reads is the domain's ([`common::mail`]).

mod hosts;
mod send;
pub mod smtp;
mod smtp_server;

pub use hosts::Place;
pub(crate) use smtp::sender;
pub use smtp::{Accepted, FailureKind, Mailer, Outgoing, SendError};
pub(crate) use smtp_server::Server;
