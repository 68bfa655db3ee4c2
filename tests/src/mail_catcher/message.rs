//! A message as it was caught.

use std::time::SystemTime;

use mail_parser::{MessageParser, MessagePart, PartType};
use serde::Serialize;
use time::OffsetDateTime;

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaughtMessage {
    /// Its number since the catcher was started, from 1.
    pub id: u64,
    /// `Message-ID`, without its angle brackets.
    pub message_id: Option<String>,
    /// The sender on the envelope.
    pub from: String,
    /// The recipients on the envelope: to whom it would have been delivered, whatever its `To` says.
    pub to: Vec<String>,
    /// `Subject`, decoded; empty when there is none.
    pub subject: String,
    /// The body as plain text, if the message has one.
    pub text: Option<String>,
    /// The body as HTML, if the message has one.
    pub html: Option<String>,
    /// Every header as it was sent, in order: name and value.
    pub headers: Vec<(String, String)>,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
}

impl CaughtMessage {
    /// Reads a message off the wire. What cannot be understood is left out: it was accepted all the same.
    pub(super) fn read(id: u64, from: String, to: Vec<String>, raw: &[u8]) -> Self {
        let mut message = Self {
            id,
            message_id: None,
            from,
            to,
            subject: String::new(),
            text: None,
            html: None,
            headers: Vec::new(),
            received_at: SystemTime::now().into(),
        };
        let Some(parsed) = MessageParser::default().parse(raw) else { return message };
        message.message_id = parsed.message_id().map(str::to_owned);
        message.subject = parsed.subject().unwrap_or_default().to_owned();
        let headers = parsed.headers_raw().map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        message.headers = headers.collect();
        // The parser offers plain text made into HTML and the other way round; we keep what was sent.
        message.text = parsed.text_bodies().find_map(|part: &MessagePart<'_>| match &part.body {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        });
        message.html = parsed.html_bodies().find_map(|part: &MessagePart<'_>| match &part.body {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        });
        message
    }

    /// The first header of this name, as it was sent.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        let bodies = [&self.text, &self.html].into_iter().flatten().map(String::len);
        self.subject.len() + self.to.iter().map(String::len).chain(headers).chain(bodies).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_decoded() {
        let raw = "Message-ID: <1@shop>\r\nSubject: =?utf-8?B?0JfQsNC60LDQtyDihJYx?=\r\n\
                   Content-Type: multipart/alternative; boundary=b\r\n\r\n\
                   --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                   =D0=94=D0=B0\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Yes</p>\r\n--b--\r\n";
        let message = CaughtMessage::read(1, "a@x".to_owned(), vec!["b@x".to_owned()], raw.as_bytes());
        assert_eq!(message.message_id.as_deref(), Some("1@shop"));
        assert_eq!(message.subject, "Заказ №1");
        assert_eq!(message.text.as_deref().map(str::trim), Some("Да"));
        assert_eq!(message.html.as_deref().map(str::trim), Some("<p>Yes</p>"));
        assert_eq!(message.header("message-id"), Some("<1@shop>"));
    }

    #[test]
    fn plain_text_is_not_passed_off_as_html() {
        let message = CaughtMessage::read(1, String::new(), Vec::new(), b"Subject: x\r\n\r\nplain\r\n");
        assert_eq!((message.text.as_deref(), message.html), (Some("plain\r\n"), None));
    }

    #[test]
    fn rubbish_is_kept_too() {
        for raw in
            [&b""[..], b"\r\n", b"\0\xff\xfe", b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n"]
        {
            assert_eq!(CaughtMessage::read(1, String::new(), Vec::new(), raw).message_id, None);
        }
    }
}
