//! The JSON of the outbox. What a message says is not in it: it is between us and its recipient, and may carry a
//! secret.

use common::mail::{MessageEvent, MessageKind, MessageSummary, Rendered};
use salvo::oapi::ToSchema;
use serde::Serialize;
use time::OffsetDateTime;

use crate::params::page_response;

/// The kinds of messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmailsResponse {
    /// Every kind.
    pub items: Vec<EmailResponse>,
}

/// A kind of message.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmailResponse {
    /// Its name: `order_placed`, …
    pub kind: &'static str,
    /// The subject of its sample, by language.
    pub subjects: SubjectsResponse,
    /// Where its preview stands.
    pub preview: String,
}

/// A subject in each language.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectsResponse {
    /// In Russian.
    pub ru: String,
    /// In English.
    pub en: String,
}

impl EmailResponse {
    /// A kind, whose sample was rendered in each language.
    pub fn new(kind: MessageKind, ru: Rendered, en: Rendered) -> Self {
        Self {
            kind: kind.as_str(),
            subjects: SubjectsResponse { ru: ru.subject, en: en.subject },
            preview: format!("/api/v1/admin/emails/{kind}"),
        }
    }
}

/// A message of the outbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageResponse {
    /// Its id.
    pub id: String,
    /// What it is about: the id of an order, a part of one, a step, an import, a user.
    pub cause: String,
    /// Its kind: `order_placed`, …
    pub kind: &'static str,
    /// To whom.
    pub recipient: String,
    /// In which language: `ru` or `en`.
    pub locale: &'static str,
    /// `queued`, `sending`, `sent` or `failed`.
    pub status: &'static str,
    /// How often it was tried.
    pub attempts: i16,
    /// Which copy it is: 1, and one more each time that it was sent again after it had been sent.
    pub copy: i16,
    /// The mail server's last answer, or what went wrong.
    pub last_response: Option<String>,
    /// When it was posted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When the mail server took it last.
    #[serde(with = "time::serde::rfc3339::option")]
    pub sent_at: Option<OffsetDateTime>,
}

impl From<MessageSummary> for MessageResponse {
    fn from(message: MessageSummary) -> Self {
        Self {
            id: message.id.to_string(),
            cause: message.cause.to_string(),
            kind: message.kind.as_str(),
            recipient: message.recipient,
            locale: message.locale.as_str(),
            status: message.status.as_str(),
            attempts: message.attempts,
            copy: message.copy,
            last_response: message.last_response,
            created_at: message.created_at,
            sent_at: message.sent_at,
        }
    }
}

page_response! {
    /// A page of the outbox, the newest first.
    MessagesResponse of MessageResponse
}

/// What was sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResentResponse {
    /// How many messages.
    pub messages: usize,
}

/// A message and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageStoryResponse {
    /// The message.
    #[serde(flatten)]
    pub message: MessageResponse,
    /// Where it stood when, from the beginning.
    pub history: Vec<MessageEventResponse>,
}

/// A step of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageEventResponse {
    /// `queued` (posted, to be tried again, or sent again by staff), `sending` (tried), `sent` or `failed`.
    pub status: &'static str,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The mail server's answer, or what went wrong.
    pub response: Option<String>,
    /// The id of whoever of the staff had it sent again.
    pub by: Option<String>,
}

impl MessageStoryResponse {
    /// A message with its story.
    pub fn new(message: MessageSummary, story: Vec<MessageEvent>) -> Self {
        let history = story.into_iter().map(|event| MessageEventResponse {
            status: event.status.as_str(),
            at: event.at,
            response: event.response,
            by: event.by_user.map(|user| user.to_string()),
        });
        Self { message: message.into(), history: history.collect() }
    }
}
