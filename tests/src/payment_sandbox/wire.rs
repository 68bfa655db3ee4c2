//! YooKassa's forms: what it is asked, what it answers, and how it refuses.

use common::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    SHOP_ID,
    ledger::{SandboxPayment, SandboxRefund, SandboxStatus},
};

/// Why something is refused, in YooKassa's form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) description: String,
    pub(super) parameter: Option<&'static str>,
}

impl Refusal {
    pub(super) fn invalid(parameter: &'static str, description: impl Into<String>) -> Self {
        let description = description.into();
        Self { status: 400, code: "invalid_request", description, parameter: Some(parameter) }
    }

    pub(super) fn not_found(what: &str) -> Self {
        let description = format!("{what} doesn't exist or access is denied");
        Self { status: 404, code: "not_found", description, parameter: None }
    }
}

/// A payment about to be begun, in YooKassa's form.
#[derive(Deserialize)]
pub(super) struct NewPayment {
    pub(super) amount: WireAmount,
    #[serde(default)]
    pub(super) capture: bool,
    pub(super) confirmation: NewConfirmation,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) metadata: Map<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct NewConfirmation {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) return_url: String,
}

/// A refund about to be made, in YooKassa's form.
#[derive(Deserialize)]
pub(super) struct NewRefund {
    pub(super) payment_id: String,
    pub(super) amount: WireAmount,
    #[serde(default)]
    pub(super) metadata: Map<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct WireAmount {
    value: Value,
    currency: String,
}

impl WireAmount {
    pub(super) fn read(&self) -> Result<(Money, String), Refusal> {
        let text = match &self.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match Money::parse_exact(&text) {
            Ok(amount) if amount > Money::ZERO => Ok((amount, self.currency.clone())),
            _ => Err(Refusal::invalid("amount.value", "Amount is not a positive amount")),
        }
    }
}

impl SandboxPayment {
    pub(super) fn to_json(&self, base_url: &str) -> Value {
        let paid = matches!(self.status, SandboxStatus::WaitingForCapture | SandboxStatus::Succeeded);
        let mut object = json!({
            "id": self.id,
            "status": self.status,
            "paid": paid,
            "amount": { "value": self.amount, "currency": self.currency },
            "confirmation": {
                "type": "redirect",
                "return_url": self.return_url,
                "confirmation_url": format!("{}/pay/{}", base_url, self.id),
            },
            "created_at": instant(self.created_at),
            "description": self.description,
            "metadata": self.metadata,
            "recipient": { "account_id": SHOP_ID, "gateway_id": "1" },
            "refundable": self.status == SandboxStatus::Succeeded && self.refunded < self.amount,
            "refunded_amount": { "value": self.refunded, "currency": self.currency },
            "test": true,
        });
        if self.status == SandboxStatus::WaitingForCapture {
            object["expires_at"] = json!(instant(self.deadline));
        }
        if let Some(reason) = &self.canceled_because {
            let party = if reason == "canceled_by_merchant" { "merchant" } else { "yoo_money" };
            object["cancellation_details"] = json!({ "party": party, "reason": reason });
        }
        object
    }
}

impl SandboxRefund {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "payment_id": self.payment_id,
            "status": "succeeded",
            "created_at": instant(self.created_at),
            "amount": { "value": self.amount, "currency": self.currency },
            "metadata": self.metadata,
        })
    }
}

fn instant(unix: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}
