//! The page on which people read what was caught: two templates, in which everything is escaped.

use std::{sync::Arc, sync::LazyLock};

use handlebars::Handlebars;
use serde_json::{Value, json};
use time::macros::format_description;

use super::CaughtMessage;

static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates
});

const LIST: &str = include_str!("page/list.html.hbs");
const SHOW: &str = include_str!("page/show.html.hbs");

/// A message's HTML in its frame: links open in a tab of their own, since the frame may show nothing else.
const FRAME_PROLOGUE: &str = "<!doctype html><base target=\"_blank\">";

/// The list of messages, or of those to one recipient.
pub(super) fn list(messages: &[Arc<CaughtMessage>], recipient: Option<&str>) -> anyhow::Result<String> {
    let messages: Vec<_> = messages.iter().map(|message| summary(message)).collect();
    Ok(TEMPLATES.render_template(LIST, &json!({ "messages": messages, "recipient": recipient }))?)
}

/// One message.
pub(super) fn show(message: &CaughtMessage) -> anyhow::Result<String> {
    let headers: Vec<_> =
        message.headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let context = json!({
        "summary": summary(message),
        "text": message.text,
        "html": message.html.as_ref().map(|html| format!("{FRAME_PROLOGUE}{html}")),
        "headers": headers,
    });
    Ok(TEMPLATES.render_template(SHOW, &context)?)
}

fn summary(message: &CaughtMessage) -> Value {
    let time = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let subject = if message.subject.is_empty() { "(no subject)" } else { &message.subject };
    json!({
        "id": message.id,
        "from": message.from,
        "to": message.to.join(", "),
        "subject": subject,
        "received_at": message.received_at.format(time).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_becomes_part_of_the_page() {
        let raw = "Subject: <script>s()</script>\r\nX-Note: <b>\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
                   --b\r\nContent-Type: text/plain\r\n\r\n</pre><script>t()</script>\r\n\
                   --b\r\nContent-Type: text/html\r\n\r\n<p title=\"x\">\"><script>h()</script></p>\r\n--b--\r\n";
        let message = CaughtMessage::read(1, "<f@x>".to_owned(), vec!["\"<t@x>".to_owned()], raw.as_bytes());
        let list = list(&[Arc::new(message.clone())], Some("\"><script>")).unwrap();
        let show = show(&message).unwrap();
        for page in [&list, &show] {
            assert!(!page.contains("<script"), "{page}");
            assert!(page.contains("&lt;script&gt;s()"), "{page}");
        }
        assert!(show.contains("srcdoc=\"&lt;!doctype html&gt;&lt;base"), "{show}");
        assert!(show.contains("sandbox="), "{show}");
    }
}
