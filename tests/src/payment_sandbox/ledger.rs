//! The provider's own books: payments in two steps, refunds, and the keys under which they were asked for.

use std::{
    collections::{BTreeMap, HashMap},
    fs, mem,
    path::PathBuf,
};

use anyhow::Context;
use common::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::wire::{NewPayment, NewRefund, Refusal, WireAmount};

/// How long a key is known.
const KEY_LIFETIME: Duration = Duration::HOUR.saturating_mul(24);

/// How long a buyer may take, and how long money is held.
const PAY_WITHIN: Duration = Duration::HOUR;
const HOLD_FOR: Duration = Duration::DAY.saturating_mul(7);

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxStatus {
    /// It waits for the buyer.
    Pending,
    /// The money is held.
    WaitingForCapture,
    /// The money was taken.
    Succeeded,
    /// It ended without money.
    Canceled,
}

/// A payment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SandboxPayment {
    /// Its name here.
    pub id: String,
    /// Where it stands.
    pub status: SandboxStatus,
    /// How much was asked for; once it is taken, how much was taken.
    pub amount: Money,
    /// The currency's code.
    pub currency: String,
    /// How much went back.
    pub refunded: Money,
    /// How often its money was taken.
    pub captures: u32,
    /// What the shop wrote on it.
    pub metadata: Map<String, Value>,
    /// What it is for, in the shop's words.
    pub description: Option<String>,
    /// Where the buyer goes afterwards.
    pub return_url: String,
    /// Why it ended.
    pub canceled_because: Option<String>,
    takes_at_once: bool,
    pub(super) created_at: i64,
    pub(super) deadline: i64,
}

/// A refund.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SandboxRefund {
    /// Its name here.
    pub id: String,
    /// Of which payment.
    pub payment_id: String,
    /// How much.
    pub amount: Money,
    /// The currency's code.
    pub currency: String,
    /// What the shop wrote on it.
    pub metadata: Map<String, Value>,
    pub(super) created_at: i64,
}

/// What happened, for the shop to be told.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) event: &'static str,
    pub(super) object: Value,
}

/// An answer that was given under a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptAnswer {
    asked: String,
    answer: Value,
    at: i64,
}

/// The books.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    payments: BTreeMap<String, SandboxPayment>,
    refunds: BTreeMap<String, SandboxRefund>,
    keys: HashMap<String, KeptAnswer>,
    #[serde(skip)]
    base_url: String,
    #[serde(skip)]
    file: Option<PathBuf>,
    #[serde(skip)]
    events: Vec<Event>,
}

impl Ledger {
    pub(super) fn open(file: Option<PathBuf>, base_url: String) -> anyhow::Result<Self> {
        let kept = match &file {
            Some(path) if path.exists() => {
                let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                serde_json::from_slice(&text).with_context(|| format!("{} is broken", path.display()))?
            }
            _ => Self::default(),
        };
        Ok(Self { file, base_url, ..kept })
    }

    /// Keeps what changed, and hands out what happened.
    pub(super) fn settle(&mut self) -> Vec<Event> {
        if let Some(path) = &self.file {
            let unfinished = path.with_extension("new");
            let kept = serde_json::to_vec(self).map_err(anyhow::Error::from).and_then(|text| {
                fs::write(&unfinished, text)?;
                Ok(fs::rename(&unfinished, path)?)
            });
            if let Err(error) = kept {
                tracing::error!(%error, "the payment sandbox cannot keep its books");
            }
        }
        mem::take(&mut self.events)
    }

    pub(super) fn payments(&self) -> impl Iterator<Item = &SandboxPayment> {
        self.payments.values()
    }

    pub(super) fn refunds(&self) -> impl Iterator<Item = &SandboxRefund> {
        self.refunds.values()
    }

    /// Does what is asked once for each key of a day; asked again, the first answer is given again.
    pub(super) fn once(
        &mut self,
        key: Option<&str>,
        asked: String,
        work: impl FnOnce(&mut Self) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let key = key.filter(|key| (1..=64).contains(&key.len()));
        let key =
            key.ok_or_else(|| Refusal::invalid("Idempotence-Key", "Idempotence key is missing or too long"))?;
        let at = now();
        if let Some(kept) = self.keys.get(key).filter(|kept| kept.at > at - KEY_LIFETIME.whole_seconds()) {
            if kept.asked != asked {
                return Err(Refusal::invalid("Idempotence-Key", "Idempotence key duplicated"));
            }
            return Ok(kept.answer.clone());
        }
        let answer = work(self)?;
        self.keys.insert(key.to_owned(), KeptAnswer { asked, answer: answer.clone(), at });
        Ok(answer)
    }

    pub(super) fn create(&mut self, new: NewPayment) -> Result<Value, Refusal> {
        let (amount, currency) = new.amount.read()?;
        if new.confirmation.kind != "redirect" {
            return Err(Refusal::invalid("confirmation.type", "only redirect is supported here"));
        }
        let id = Uuid::now_v7().to_string();
        let payment = SandboxPayment {
            id: id.clone(),
            status: SandboxStatus::Pending,
            amount,
            currency,
            refunded: Money::ZERO,
            captures: 0,
            metadata: new.metadata,
            description: new.description,
            return_url: new.confirmation.return_url,
            canceled_because: None,
            takes_at_once: new.capture,
            created_at: now(),
            deadline: now() + PAY_WITHIN.whole_seconds(),
        };
        self.payments.insert(id.clone(), payment);
        self.payment(&id)
    }

    pub(super) fn find(&mut self, id: &str) -> Result<Value, Refusal> {
        self.end_late();
        self.payment(id)
    }

    /// The buyer pays, on the page.
    pub(super) fn pay(&mut self, id: &str) -> Result<(), String> {
        self.end_late();
        let payment = self.payments.get_mut(id).ok_or("there is no such payment")?;
        if payment.status != SandboxStatus::Pending {
            return Err(format!("this payment is {:?}, not waiting for its buyer", payment.status));
        }
        payment.deadline = now() + HOLD_FOR.whole_seconds();
        if payment.takes_at_once {
            payment.status = SandboxStatus::Succeeded;
            payment.captures = 1;
            self.note("payment.succeeded", id);
        } else {
            payment.status = SandboxStatus::WaitingForCapture;
            self.note("payment.waiting_for_capture", id);
        }
        Ok(())
    }

    /// The buyer's bank declines, on the page.
    pub(super) fn decline(&mut self, id: &str) -> Result<(), String> {
        self.end(id, &[SandboxStatus::Pending], "general_decline")
    }

    /// The bank does not let held money be taken.
    pub(super) fn decline_capture(&mut self, id: &str) -> Result<(), String> {
        self.end(id, &[SandboxStatus::WaitingForCapture], "general_decline")
    }

    /// Time runs out.
    pub(super) fn expire(&mut self, id: &str) -> Result<(), String> {
        let payment = self.payments.get(id).ok_or("there is no such payment")?;
        let reason = match payment.status {
            SandboxStatus::WaitingForCapture => "expired_on_capture",
            _ => "expired_on_confirmation",
        };
        self.end(id, &[SandboxStatus::Pending, SandboxStatus::WaitingForCapture], reason)
    }

    fn end_late(&mut self) {
        let open = [SandboxStatus::Pending, SandboxStatus::WaitingForCapture];
        let late = self
            .payments
            .values()
            .filter(|payment| open.contains(&payment.status) && payment.deadline < now());
        let late: Vec<String> = late.map(|payment| payment.id.clone()).collect();
        for id in late {
            // It is open, as was just seen.
            _ = self.expire(&id);
        }
    }

    fn end(&mut self, id: &str, from: &[SandboxStatus], reason: &str) -> Result<(), String> {
        let payment = self.payments.get_mut(id).ok_or("there is no such payment")?;
        if !from.contains(&payment.status) {
            return Err(format!("this payment is {:?}", payment.status));
        }
        payment.status = SandboxStatus::Canceled;
        payment.canceled_because = Some(reason.to_owned());
        self.note("payment.canceled", id);
        Ok(())
    }

    pub(super) fn capture(&mut self, id: &str, amount: Option<WireAmount>) -> Result<Value, Refusal> {
        self.end_late();
        let payment = self.payments.get_mut(id).ok_or_else(|| Refusal::not_found("Payment"))?;
        if payment.status != SandboxStatus::WaitingForCapture {
            return Err(Refusal::invalid("status", "Payment is not waiting for capture"));
        }
        if let Some(amount) = amount {
            let (amount, currency) = amount.read()?;
            if amount > payment.amount || currency != payment.currency {
                return Err(Refusal::invalid("amount", "Amount is larger than what is held"));
            }
            payment.amount = amount;
        }
        payment.status = SandboxStatus::Succeeded;
        payment.captures += 1;
        self.note("payment.succeeded", id);
        self.payment(id)
    }

    pub(super) fn cancel(&mut self, id: &str) -> Result<Value, Refusal> {
        self.end_late();
        if !self.payments.contains_key(id) {
            return Err(Refusal::not_found("Payment"));
        }
        self.end(id, &[SandboxStatus::WaitingForCapture], "canceled_by_merchant")
            .map_err(|why| Refusal::invalid("status", why))?;
        self.payment(id)
    }

    pub(super) fn refund(&mut self, new: NewRefund) -> Result<Value, Refusal> {
        let (amount, currency) = new.amount.read()?;
        let payment = self.payments.get_mut(&new.payment_id);
        let payment = payment.ok_or_else(|| Refusal::invalid("payment_id", "Payment doesn't exist"))?;
        let refunded = payment.refunded.checked_add(amount);
        let refunded =
            refunded.filter(|refunded| *refunded <= payment.amount && currency == payment.currency);
        let (true, Some(refunded)) = (payment.status == SandboxStatus::Succeeded, refunded) else {
            return Err(Refusal::invalid("amount", "Amount is larger than what is left of the payment"));
        };
        payment.refunded = refunded;
        let id = Uuid::now_v7().to_string();
        let refund = SandboxRefund {
            id: id.clone(),
            payment_id: new.payment_id,
            amount,
            currency,
            metadata: new.metadata,
            created_at: now(),
        };
        let object = refund.to_json();
        self.refunds.insert(id, refund);
        self.events.push(Event { event: "refund.succeeded", object: object.clone() });
        Ok(object)
    }

    pub(super) fn find_refund(&self, id: &str) -> Result<Value, Refusal> {
        self.refunds.get(id).map(SandboxRefund::to_json).ok_or_else(|| Refusal::not_found("Refund"))
    }

    pub(super) fn list_refunds(&self, payment_id: Option<&str>) -> Value {
        let of = |refund: &&SandboxRefund| payment_id.is_none_or(|id| refund.payment_id == id);
        let items: Vec<_> = self.refunds.values().filter(of).map(SandboxRefund::to_json).collect();
        json!({ "type": "list", "items": items })
    }

    pub(super) fn list_payments(&self) -> Value {
        let items: Vec<_> =
            self.payments.values().rev().take(100).map(|payment| payment.to_json(&self.base_url)).collect();
        json!({ "type": "list", "items": items })
    }

    fn note(&mut self, event: &'static str, id: &str) {
        if let Ok(object) = self.payment(id) {
            self.events.push(Event { event, object });
        }
    }

    fn payment(&self, id: &str) -> Result<Value, Refusal> {
        let payment = self.payments.get(id).ok_or_else(|| Refusal::not_found("Payment"))?;
        Ok(payment.to_json(&self.base_url))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox is somebody else's machine, with a clock of its own"
)]
fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}
