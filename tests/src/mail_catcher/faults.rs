//! What goes wrong on request, by recipient.

use std::collections::HashMap;

use serde::Deserialize;

/// How many recipients are counted, and how many may have a fault; further ones are not.
const MAX_RECIPIENTS: usize = 100_000;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A 4xx answer: the client should try again later.
    Temporary,
    /// A 5xx answer: the client should give up.
    Permanent,
    /// No answer at all, and no message kept, until the client loses patience.
    Hang,
    /// The connection is closed without an answer. After the data the message is kept: the client cannot know.
    Drop,
}

/// When it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// When the recipient is named (`RCPT TO`).
    Recipient,
    /// When the message has been sent (the end of `DATA`).
    Data,
}

/// A fault to inject.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Whose mail fails; upper and lower case are the same.
    pub recipient: String,
    /// What goes wrong.
    pub kind: FaultKind,
    /// When; without it `Drop` strikes after the data, and everything else when the recipient is named.
    pub at: Option<Stage>,
    /// How often; without it, until the faults are cleared.
    pub times: Option<u32>,
}

impl Fault {
    /// A fault that strikes each time, at the usual stage.
    pub fn new(recipient: impl Into<String>, kind: FaultKind) -> Self {
        Self { recipient: recipient.into(), kind, at: None, times: None }
    }

    fn stage(&self) -> Stage {
        self.at.unwrap_or(match self.kind {
            FaultKind::Drop => Stage::Data,
            FaultKind::Temporary | FaultKind::Permanent | FaultKind::Hang => Stage::Recipient,
        })
    }
}

/// The faults that wait to strike, and how often each recipient was named.
#[derive(Debug, Default)]
pub(super) struct Faults {
    waiting: HashMap<String, Fault>,
    attempts: HashMap<String, u32>,
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault) {
        let recipient = fault.recipient.to_lowercase();
        if self.waiting.len() < MAX_RECIPIENTS || self.waiting.contains_key(&recipient) {
            self.waiting.insert(recipient, fault);
        }
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn count_attempt(&mut self, recipient: &str) {
        let recipient = recipient.to_lowercase();
        if self.attempts.len() < MAX_RECIPIENTS || self.attempts.contains_key(&recipient) {
            *self.attempts.entry(recipient).or_default() += 1;
        }
    }

    pub(super) fn attempts(&self, recipient: &str) -> u32 {
        self.attempts.get(&recipient.to_lowercase()).copied().unwrap_or_default()
    }

    /// What happens to this recipient's mail at this stage; a fault that strikes has struck once more.
    pub(super) fn strike(&mut self, recipient: &str, stage: Stage) -> Option<FaultKind> {
        let recipient = recipient.to_lowercase();
        let fault = self.waiting.get_mut(&recipient).filter(|fault| fault.stage() == stage)?;
        let kind = fault.kind;
        match fault.times {
            None => return Some(kind),
            Some(times) => fault.times = times.checked_sub(1),
        }
        let left = fault.times;
        if matches!(left, None | Some(0)) {
            self.waiting.remove(&recipient);
        }
        left.map(|_| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_at_its_stage_as_often_as_asked() {
        let mut faults = Faults::default();
        faults.inject(Fault { times: Some(2), ..Fault::new("Anna@x", FaultKind::Drop) });
        assert_eq!(faults.strike("anna@x", Stage::Recipient), None);
        assert_eq!(faults.strike("anna@x", Stage::Data), Some(FaultKind::Drop));
        assert_eq!(faults.strike("ANNA@x", Stage::Data), Some(FaultKind::Drop));
        assert_eq!(faults.strike("anna@x", Stage::Data), None);
    }

    #[test]
    fn zero_times_is_never_and_no_number_is_always() {
        let mut faults = Faults::default();
        faults.inject(Fault { times: Some(0), ..Fault::new("a@x", FaultKind::Temporary) });
        assert_eq!(faults.strike("a@x", Stage::Recipient), None);
        faults.inject(Fault::new("a@x", FaultKind::Permanent));
        for _ in 0..5 {
            assert_eq!(faults.strike("a@x", Stage::Recipient), Some(FaultKind::Permanent));
        }
        faults.clear();
        assert_eq!(faults.strike("a@x", Stage::Recipient), None);
    }
}
