//! E-mail, from a message's name and data to an SMTP server's "250".
//!
//! [`render`] fills the templates of `email_templates/` in the recipient's language; what a template may say about
//! money, dates and numbers is in [`expressions`], in the words of [`mod@format`]. [`smtp`] hands one rendered message
//! to the server and tells a refusal that is worth another try from one that is not.
//!
//! Nothing here reads or writes the database: the job that sends a message does, before and after.

pub mod expressions;
pub mod format;
pub mod render;
mod send;
pub mod smtp;
mod smtp_server;

pub use format::Locale;
pub use render::{RenderError, Rendered, Templates};
pub use smtp::{Accepted, FailureKind, Mailer, Outgoing, SendError};
