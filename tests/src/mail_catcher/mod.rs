//! An SMTP server that keeps what it receives, instead of the one that would deliver it.
//!
//! A client speaks to `smtp`, whose conversation `mailin` conducts and `session` decides; the whole message goes
//! through `message` into the `mailbox`, where tests ask for it by recipient and people look at it through `http` and
//! its `page`. On request (`faults`) the server refuses, hangs or hangs up, as servers out there do.
//!
//! Everything is in memory and bounded: the oldest messages make room for new ones.

mod faults;
mod http;
mod mailbox;
mod message;
mod page;
mod session;
mod smtp;
#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use tokio::{net::TcpListener, task::JoinSet};

use self::{faults::Faults, mailbox::Mailbox};
pub use self::{
    faults::{Fault, FaultKind, Stage},
    message::CaughtMessage,
};

/// A running catcher; dropping it closes both its ports and forgets the messages.
#[derive(Debug)]
pub struct MailCatcher {
    office: Arc<PostOffice>,
    smtp_addr: SocketAddr,
    http_addr: SocketAddr,
    _servers: JoinSet<()>,
}

impl MailCatcher {
    /// Listens for SMTP and for HTTP; a port of 0 takes a free one.
    ///
    /// # Errors
    /// When an address cannot be listened on, most likely because its port is taken.
    pub async fn start(smtp_addr: SocketAddr, http_addr: SocketAddr) -> anyhow::Result<Self> {
        let smtp = listen(smtp_addr).await?;
        let http = listen(http_addr).await?;
        let office = Arc::new(PostOffice::default());
        let (smtp_addr, http_addr) = (smtp.local_addr()?, http.local_addr()?);
        let mut servers = JoinSet::new();
        servers.spawn(smtp::serve(smtp, Arc::clone(&office)));
        servers.spawn(http::serve(http, Arc::clone(&office))?);
        Ok(Self { office, smtp_addr, http_addr, _servers: servers })
    }

    /// Where mail is to be sent.
    #[must_use]
    pub fn smtp_addr(&self) -> SocketAddr {
        self.smtp_addr
    }

    /// Where the page and the JSON are.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// All messages, newest first.
    #[must_use]
    pub fn messages(&self) -> Vec<CaughtMessage> {
        self.office.mailbox().newest_first(None).map(|message| (**message).clone()).collect()
    }

    /// The messages to this recipient, newest first.
    #[must_use]
    pub fn messages_to(&self, recipient: &str) -> Vec<CaughtMessage> {
        self.office.mailbox().newest_first(Some(recipient)).map(|message| (**message).clone()).collect()
    }

    /// Forgets all messages.
    pub fn clear_messages(&self) {
        self.office.mailbox().clear();
    }

    /// How often a client has named this recipient, whatever it was answered.
    #[must_use]
    pub fn attempts(&self, recipient: &str) -> u32 {
        self.office.faults().attempts(recipient)
    }

    /// Makes mail to a recipient fail from now on; what was asked for this recipient before is forgotten.
    pub fn inject(&self, fault: Fault) {
        self.office.faults().inject(fault);
    }

    /// Answers 4xx to the first `times` attempts to name this recipient.
    pub fn fail_temporarily(&self, recipient: &str, times: u32) {
        self.inject(Fault { times: Some(times), ..Fault::new(recipient, FaultKind::Temporary) });
    }

    /// Answers 5xx whenever this recipient is named.
    pub fn fail_permanently(&self, recipient: &str) {
        self.inject(Fault::new(recipient, FaultKind::Permanent));
    }

    /// Stops answering the first `times` times that a message to this recipient has been sent, and loses it.
    pub fn hang_after_data(&self, recipient: &str, times: u32) {
        let fault = Fault::new(recipient, FaultKind::Hang);
        self.inject(Fault { at: Some(Stage::Data), times: Some(times), ..fault });
    }

    /// Keeps the first `times` messages to this recipient, but hangs up instead of saying so.
    pub fn drop_after_data(&self, recipient: &str, times: u32) {
        self.inject(Fault { times: Some(times), ..Fault::new(recipient, FaultKind::Drop) });
    }

    /// Behaves well again, towards everybody.
    pub fn clear_faults(&self) {
        self.office.faults().clear();
    }
}

/// What the conversations and the page share.
#[derive(Debug, Default)]
struct PostOffice {
    mailbox: Mutex<Mailbox>,
    faults: Mutex<Faults>,
}

impl PostOffice {
    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        // Each change is complete in itself, so a panic elsewhere leaves nothing half done.
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn listen(addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| format!("cannot listen on {addr}"))
}
