//! The messages in memory, as many as there is room for.

use std::{collections::VecDeque, sync::Arc};

use super::message::CaughtMessage;

/// How many messages are kept, and how many bytes of them.
const MAX_MESSAGES: usize = 10_000;
const MAX_BYTES: usize = 256 << 20;

/// What was caught, oldest first.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    messages: VecDeque<Arc<CaughtMessage>>,
    bytes: usize,
    last_id: u64,
}

impl Mailbox {
    /// Keeps a message, and lets the oldest go when there is no room.
    pub(super) fn keep(&mut self, from: String, to: Vec<String>, raw: &[u8]) {
        self.last_id += 1;
        let message = CaughtMessage::read(self.last_id, from, to, raw);
        self.bytes += message.size();
        self.messages.push_back(Arc::new(message));
        while self.messages.len() > MAX_MESSAGES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.messages.pop_front() else { break };
            self.bytes -= oldest.size();
        }
    }

    /// The messages, or those to one recipient, in whatever case the address is written.
    pub(super) fn newest_first<'a>(
        &'a self,
        recipient: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<CaughtMessage>> {
        let wanted = recipient.map(str::to_lowercase);
        self.messages.iter().rev().filter(move |message| {
            wanted.as_ref().is_none_or(|wanted| message.to.iter().any(|to| to.to_lowercase() == *wanted))
        })
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<CaughtMessage>> {
        let index = self.messages.binary_search_by_key(&id, |message| message.id).ok()?;
        self.messages.get(index).cloned()
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_numbers_go_on() {
        let mut mailbox = Mailbox::default();
        for _ in 0..MAX_MESSAGES + 5 {
            mailbox.keep(String::new(), vec!["Anna@Example.com".to_owned()], b"Subject: x\r\n\r\n");
        }
        assert_eq!(mailbox.newest_first(Some("anna@example.COM")).count(), MAX_MESSAGES);
        assert!(mailbox.get(5).is_none());
        assert_eq!(mailbox.get(6).unwrap().id, 6);
        mailbox.clear();
        mailbox.keep(String::new(), Vec::new(), b"");
        assert_eq!(mailbox.newest_first(None).next().unwrap().id, 10_006);
    }
}
