//! Hands a rendered message to the SMTP server, and says what became of it.
//!
//! A failure is [`Permanent`](FailureKind::Permanent) when this message to this recipient will never be taken: the
//! server answered 5xx to it, or the address is none. Everything else is [`Temporary`](FailureKind::Temporary): 4xx,
//! no connection, no answer in time, no TLS; also a 5xx that speaks of the installation and not of the message, which
//! waits for the operator: to our greeting, password or sender, or one that wants a password or will not relay for us.
//! With a wrong setting that is the answer to every message.
//!
//! What a server says often repeats the recipient's address. It is taken out before anybody has the words, since they
//! are logged, and kept for longer than the address may be.
//!
//! Connections are kept for the next message. A connection belongs to one `send` while it lasts and comes back only
//! after the server took the message; whatever else ends the send, a timeout included, closes it. So an answer that
//! comes too late is never taken for the answer to the next message.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use common::mail::Rendered;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Rcpt},
        extension::{Extension, MailParameter},
        response::{Response, Severity},
    },
};
use tokio::time::timeout;
use url::Host;

use super::{
    hosts::{Hosts, Place},
    smtp_server::Server,
};

/// Idle connections kept; more senders than this reconnect.
const MAX_IDLE: usize = 8;

/// How many messages are sent at once, where nobody says so.
const SLOTS: usize = 16;

/// How long an idle connection is trusted: less than servers and address translators usually keep one.
const IDLE_LIFETIME: Duration = Duration::from_secs(30);

/// The longest detail that is kept of a failure, in characters.
const MAX_DETAIL: usize = 500;

/// Sends messages through one SMTP server, from one sender. Shared by all who send.
pub struct Mailer {
    server: Server,
    from: Mailbox,
    limits: Limits,
    hosts: Hosts,
    idle: Mutex<Vec<Idle>>,
}

/// How long to wait.
struct Limits {
    /// For a connection that is ready for a message.
    connect: Duration,
    /// For everything, from the connection to the server's last word.
    send: Duration,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

/// A message on its way out.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The full `<id@domain>`, the same each time the message is tried, so that a duplicate can be told.
    pub message_id: &'a str,
    /// The request that caused it, so that a letter leads to the log lines of its making.
    pub request_id: Option<&'a str>,
    /// The recipient: `name@domain`, or `Name <name@domain>`.
    pub to: &'a str,
    /// What it says.
    pub rendered: &'a Rendered,
}

/// The server has taken the message upon itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its answer, in which most servers name the message as they log it.
    pub response: String,
}

/// The message was not taken, or not as far as we know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct SendError {
    /// Whether it is worth another try.
    pub kind: FailureKind,
    /// What happened, in one line; the server's own words where it answered.
    pub detail: String,
}

/// Whether a failure may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Try again later.
    Temporary,
    /// Give up.
    Permanent,
}

impl Mailer {
    /// Prepares to send through the server of a URL such as `smtps://user:password@host:465` (`smtp://` is plain,
    /// `smtp+starttls://` or `?tls=required` is STARTTLS), from `name@domain` or `Name <name@domain>`.
    ///
    /// Nothing is sent or connected to yet.
    ///
    /// # Errors
    /// What is wrong with one of the two.
    pub fn new(smtp_url: &str, from: &str) -> anyhow::Result<Self> {
        Ok(Self::from(Server::parse(smtp_url)?, sender(from)?))
    }

    /// The same of settings that were read.
    pub(crate) fn from(server: Server, from: Mailbox) -> Self {
        Self {
            server,
            from,
            limits: Limits { connect: Duration::from_secs(10), send: Duration::from_secs(20) },
            hosts: Hosts::sharing(SLOTS),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// The same for a process that sends so many messages at once: one host's recipients have half of them.
    #[must_use]
    pub fn sharing(self, slots: usize) -> Self {
        Self { hosts: Hosts::sharing(slots), ..self }
    }

    /// A place for a message to this recipient, to be held while it is sent.
    ///
    /// # Errors
    /// How long to wait, when too many messages to the same host are under way.
    pub fn place_for(&self, recipient: &str) -> Result<Place<'_>, Duration> {
        self.hosts.enter(recipient)
    }

    /// Sends one message, within 20 seconds.
    ///
    /// # Errors
    /// [`SendError`], whose kind tells whether to try again. A server that falls silent after the whole message may
    /// have taken it none the less: trying again may then deliver it twice, under the same Message-ID.
    pub async fn send(&self, outgoing: Outgoing<'_>) -> Result<Accepted, SendError> {
        let message = self.compose(outgoing)?;
        let sent = timeout(self.limits.send, self.deliver(&message))
            .await
            .unwrap_or_else(|_| Err(SendError::temporary("the SMTP server did not answer in time")));
        let anonymous = |words: &str| {
            let recipients = message.envelope().to().iter().map(AsRef::as_ref);
            let named = recipients.chain([outgoing.to]);
            named.fold(words.to_owned(), |words, address: &str| without(&words, address))
        };
        match sent {
            Ok(accepted) => Ok(Accepted { response: anonymous(&accepted.response) }),
            Err(error) => Err(SendError { detail: anonymous(&error.detail), ..error }),
        }
    }

    fn compose(&self, outgoing: Outgoing<'_>) -> Result<Message, SendError> {
        let Outgoing { message_id, request_id, to, rendered } = outgoing;
        let to = mailbox(to).ok_or_else(|| SendError::permanent("the recipient is no e-mail address"))?;
        if !is_message_id(message_id) {
            return Err(SendError::permanent("the Message-ID is malformed"));
        }
        // RFC 3834: keeps out-of-office programs from answering.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(rendered.subject.as_str())
            .message_id(Some(message_id.to_owned()))
            .date_now()
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
        // Clients choose it: what could begin another header is none.
        if let Some(id) = request_id.filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_graphic())) {
            let name = HeaderName::new_from_ascii_str("X-Request-Id");
            builder = builder.raw_header(HeaderValue::new(name, id.to_owned()));
        }
        builder
            .multipart(MultiPart::alternative_plain_html(rendered.text.clone(), rendered.html.clone()))
            .map_err(|error| SendError::permanent(&error.to_string()))
    }

    async fn deliver(&self, message: &Message) -> Result<Accepted, SendError> {
        let mut connection = match self.idle_connection().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let response = match converse(&mut connection, message).await {
            Ok(response) => response,
            Err(error) => {
                connection.abort().await;
                return Err(error);
            }
        };
        // "354 go ahead" is positive too, but it is no promise.
        if response.code().severity != Severity::PositiveCompletion {
            return Err(SendError::temporary(&format!("unexpected answer: {}", in_words(&response))));
        }
        self.keep(connection);
        Ok(Accepted { response: in_words(&response) })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        match timeout(self.limits.connect, self.server.connect(self.limits.connect)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(SendError::temporary(&error.to_string())),
            Err(_) => Err(SendError::temporary("the SMTP server did not greet in time")),
        }
    }

    /// A connection from an earlier message that still answers.
    async fn idle_connection(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let Idle { mut connection, since } = self.idle().pop()?;
            if since.elapsed() < IDLE_LIFETIME && connection.test_connected().await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle();
        idle.retain(|kept| kept.since.elapsed() < IDLE_LIFETIME);
        if idle.len() < MAX_IDLE {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // A list of connections is whole whoever panicked beside it.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SendError {
    fn temporary(detail: &str) -> Self {
        Self { kind: FailureKind::Temporary, detail: one_line(detail) }
    }

    fn permanent(detail: &str) -> Self {
        Self { kind: FailureKind::Permanent, detail: one_line(detail) }
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("server", &self.server).finish_non_exhaustive()
    }
}

/// What the server was asked about when it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Sender,
    Recipient,
    Message,
}

/// Speaks of one message, to the server's last word; what it refuses must be told apart by what it was asked.
async fn converse(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<Response, SendError> {
    let envelope = message.envelope();
    let mut options = Vec::new();
    if envelope.to().iter().any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(SendError::permanent("the SMTP server takes no address with letters beyond ASCII"));
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    let sender = Mail::new(envelope.from().cloned(), options);
    connection.command(sender).await.map_err(|e| refused(&e, Asked::Sender))?;
    for recipient in envelope.to() {
        let recipient = Rcpt::new(recipient.clone(), Vec::new());
        connection.command(recipient).await.map_err(|e| refused(&e, Asked::Recipient))?;
    }
    connection.command(Data).await.map_err(|e| refused(&e, Asked::Message))?;
    connection.message(&message.formatted()).await.map_err(|e| refused(&e, Asked::Message))
}

/// The server's refusal of a message, or the loss of the connection while it was under way.
fn refused(error: &Error, asked: Asked) -> SendError {
    let words = error.to_string();
    if error.is_permanent() && !speaks_of_us(error, asked) {
        SendError::permanent(&words)
    } else {
        SendError::temporary(&words)
    }
}

/// Whether a refusal means the installation: its sender, its password, its right to send through this server.
fn speaks_of_us(error: &Error, asked: Asked) -> bool {
    let code = error.status().map(|code| code.to_string()).unwrap_or_default();
    let words = std::error::Error::source(error).map(|words| words.to_string().to_lowercase());
    let says = |part: &str| words.as_ref().is_some_and(|words| words.contains(part));
    match asked {
        Asked::Sender => true,
        // RFC 4954: a password is wanted, too weak, wrong, or must be encrypted.
        _ if ["530", "534", "535", "538"].contains(&code.as_str()) => true,
        // RFC 3463: 5.7 is security and policy.
        Asked::Recipient => says("5.7.") || says("relay"),
        Asked::Message => false,
    }
}

/// Words without an address, however it is capitalized in them.
fn without(words: &str, address: &str) -> String {
    let (lower, wanted) = (words.to_ascii_lowercase(), address.to_ascii_lowercase());
    let (mut anonymous, mut rest) = (String::with_capacity(words.len()), 0);
    for (place, found) in lower.match_indices(&wanted).filter(|_| !wanted.is_empty()) {
        anonymous.push_str(&words[rest..place]);
        anonymous.push_str("[recipient]");
        rest = place + found.len();
    }
    anonymous.push_str(&words[rest..]);
    anonymous
}

/// Reads the sender of all messages.
///
/// # Errors
/// What was expected, and what was found.
pub(crate) fn sender(text: &str) -> anyhow::Result<Mailbox> {
    mailbox(text)
        .with_context(|| format!("expected name@example.com or Name <name@example.com>, found {text:?}"))
}

/// An address whose domain is written as servers know it: `почта.рф` is `xn--80a1acny.xn--p1ai` to them.
fn mailbox(text: &str) -> Option<Mailbox> {
    let Mailbox { name, email } = text.parse().ok()?;
    let email = match Host::parse(email.domain()) {
        Ok(Host::Domain(ascii)) => Address::new(email.user(), &ascii).ok()?,
        _ => email,
    };
    Some(Mailbox::new(name, email))
}

fn is_message_id(text: &str) -> bool {
    let part =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && !b"<>@".contains(&b));
    text.strip_prefix('<')
        .and_then(|text| text.strip_suffix('>'))
        .and_then(|text| text.split_once('@'))
        .is_some_and(|(id, domain)| part(id) && part(domain))
}

fn in_words(response: &Response) -> String {
    let words: Vec<_> = response.message().collect();
    one_line(&format!("{} {}", response.code(), words.join(" ")))
}

/// What a server says is shown to operators and kept: in one line of bounded length.
fn one_line(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_DETAIL).collect();
    spaced.trim().to_owned()
}

#[cfg(test)]
mod tests;
