//! What arrived for somebody.

use local_stack::mail_catcher::CaughtMessage;

/// The messages to one recipient, oldest first.
#[derive(Debug)]
pub struct Mailbox {
    owner: String,
    messages: Vec<CaughtMessage>,
}

impl Mailbox {
    /// Of `owner`, from the newest message to the oldest.
    pub fn of(owner: &str, mut newest_first: Vec<CaughtMessage>) -> Self {
        newest_first.reverse();
        Self { owner: owner.to_owned(), messages: newest_first }
    }

    /// The messages whose subject contains `subject`, oldest first.
    pub fn about(&self, subject: &str) -> Vec<&CaughtMessage> {
        self.messages.iter().filter(|message| message.subject.contains(subject)).collect()
    }

    /// The one message whose subject contains `subject`.
    #[track_caller]
    pub fn assert_one(&self, subject: &str) -> &CaughtMessage {
        match self.about(subject)[..] {
            [message] => message,
            _ => {
                panic!("{}: expected one message about {subject:?}, found {:?}", self.owner, self.subjects())
            }
        }
    }

    /// The only message.
    #[track_caller]
    pub fn only(&self) -> &CaughtMessage {
        match &self.messages[..] {
            [message] => message,
            _ => panic!("{}: expected one message, found {:?}", self.owner, self.subjects()),
        }
    }

    /// The newest message.
    #[track_caller]
    pub fn last(&self) -> &CaughtMessage {
        self.messages.last().unwrap_or_else(|| panic!("{}: expected a message, found none", self.owner))
    }

    /// Asserts that nothing arrived.
    #[track_caller]
    pub fn none(&self) {
        assert!(self.messages.is_empty(), "{}: expected nothing, found {:?}", self.owner, self.subjects());
    }

    /// All subjects, oldest first.
    pub fn subjects(&self) -> Vec<&str> {
        self.messages.iter().map(|message| message.subject.as_str()).collect()
    }
}

/// The token of the link in a message that asks to confirm an address.
#[track_caller]
pub fn register_token(message: &CaughtMessage) -> String {
    link_token(message, "/confirm-email")
}

/// The token of the link in a message that leads to this page.
#[track_caller]
pub fn link_token(message: &CaughtMessage, page: &str) -> String {
    let text = message.text.as_deref().expect("a message with a plain text");
    let (_, link) = text.split_once(&format!("{page}?")).expect("a link to the page");
    let (_, rest) = link.split_once("token=").expect("a token in the link");
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
    rest[..end.unwrap_or(rest.len())].to_owned()
}
