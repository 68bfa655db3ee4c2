//! What goes wrong on request, by operation.

use serde::Deserialize;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Begin a payment.
    Create,
    /// Look at a payment.
    Find,
    /// Take held money.
    Capture,
    /// Let go of held money.
    Cancel,
    /// Give money back.
    Refund,
    /// Look at refunds.
    FindRefunds,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A 500, and nothing happened.
    FailBefore,
    /// It happened, and the connection breaks in the middle of the answer.
    LoseAnswer,
    /// It happened, and the answer is a 500.
    FailAfter,
    /// It happened, and the answer comes after so many milliseconds.
    Delay(u64),
    /// The answer says another amount.
    OtherAmount,
}

/// A fault to inject.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Of which operation.
    pub operation: Operation,
    /// What goes wrong.
    pub kind: FaultKind,
    /// How often; without it, until the faults are cleared.
    pub times: Option<u32>,
}

/// The faults that wait to strike, and how many have.
#[derive(Debug, Default)]
pub(super) struct Faults {
    waiting: Vec<Fault>,
    struck: u64,
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault) {
        if fault.times != Some(0) {
            self.waiting.push(fault);
        }
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn struck(&self) -> u64 {
        self.struck
    }

    /// What happens to this operation; the fault that was injected first strikes first.
    pub(super) fn strike(&mut self, operation: Operation) -> Option<FaultKind> {
        let at = self.waiting.iter().position(|fault| fault.operation == operation)?;
        let fault = self.waiting.get_mut(at)?;
        let kind = fault.kind;
        self.struck += 1;
        match &mut fault.times {
            None => {}
            Some(1) => _ = self.waiting.remove(at),
            Some(times) => *times -= 1,
        }
        Some(kind)
    }
}
