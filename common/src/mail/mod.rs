//! The outbox: every message is a row, written by the transaction that causes it, before it is sent.
//!
//! ```text
//! post ──▶ queued ──▶ sending ──▶ sent
//!           ▲ ▲ ▲       │   │       │
//!           │ │ └───────┘   │       │   (tried again)
//!           │ │             ▼       │
//!           │ └────────── failed    │   (staff has it sent again,
//!           └───────────────────────┘    with a new job)
//! ```
//!
//! The row is the truth. Its job's attempts are its attempts, and a job that gives up sets `failed` in the
//! transaction in which it dies (invariant I6). Each change of its status leaves an entry in its story, with what the
//! server answered: it is append-only, and written by the statement that makes the change. The Message-ID is the row's
//! id (decision 8), so that a mail that went out twice, because a machine died between the server's answer and our note
//! of it, is recognised as one.
//!
//! How a message reads is here too, since staff look at it and the worker sends it: [`Templates`] fills the files
//! of `email_templates/` in the recipient's language, with the words that `expressions` adds to handlebars and with
//! money, dates and numbers as `format` writes them. SMTP is the worker's.

mod actions;
mod expressions;
mod format;
pub mod jobs;
mod model;
mod render;
mod server;
mod store;

pub use actions::{
    Attempted, ResendError, begin_sending, defer, forget, mark_sent, post, pretend, resend, resend_failed,
};
pub use model::{
    FailedFilter, MessageEvent, MessageFilter, MessageKind, MessageStatus, MessageSummary, NewMessage,
    OutgoingMessage, UnknownKind,
};
pub use render::{RenderError, Rendered, SampleError, Templates};
pub use server::{Encryption, SmtpServer};
pub use store::{find, list, story};
