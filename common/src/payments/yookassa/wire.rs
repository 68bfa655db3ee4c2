//! What YooKassa writes, and what it means to us.

use std::fmt;

use serde::Deserialize;

use super::super::{
    Ending, ProviderError, ProviderPayment, ProviderRefund, ProviderRefundStatus, ProviderStatus,
};
use crate::money::Money;

#[derive(Deserialize)]
pub(super) struct WirePayment {
    id: String,
    status: String,
    amount: WireAmount,
    #[serde(default)]
    confirmation: Option<WireConfirmation>,
    #[serde(default)]
    metadata: Option<WireMetadata>,
    #[serde(default)]
    cancellation_details: Option<WireCancellation>,
}

#[derive(Deserialize)]
struct WireAmount {
    value: String,
    currency: String,
}

#[derive(Deserialize)]
struct WireConfirmation {
    #[serde(default)]
    confirmation_url: Option<String>,
}

#[derive(Deserialize)]
struct WireMetadata {
    #[serde(default)]
    payment_id: Option<String>,
    #[serde(default)]
    refund_id: Option<String>,
}

#[derive(Deserialize)]
struct WireCancellation {
    reason: String,
}

#[derive(Deserialize)]
pub(super) struct WireRefund {
    id: String,
    status: String,
    amount: WireAmount,
    #[serde(default)]
    metadata: Option<WireMetadata>,
    #[serde(default)]
    cancellation_details: Option<WireCancellation>,
}

#[derive(Deserialize)]
pub(super) struct Refunds {
    pub(super) items: Vec<WireRefund>,
    #[serde(default)]
    pub(super) next_cursor: Option<String>,
}

/// Why it refused, in its own words.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    code: String,
    description: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{} {}", self.code, self.description);
        let clean = text.trim().chars().filter(|c| !c.is_control()).take(500);
        f.write_str(&clean.collect::<String>())
    }
}

#[derive(Deserialize)]
pub(super) struct WireNotice {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) event: String,
    pub(super) object: NoticeObject,
}

#[derive(Deserialize)]
pub(super) struct NoticeObject {
    pub(super) id: String,
    #[serde(default)]
    pub(super) payment_id: Option<String>,
}

impl WireAmount {
    fn read(&self) -> Result<Money, ProviderError> {
        Money::parse_exact(&self.value)
            .map_err(|error| ProviderError::Unknown(format!("its amount cannot be read: {error}")))
    }
}

impl WirePayment {
    pub(super) fn read(self) -> Result<ProviderPayment, ProviderError> {
        let status = match self.status.as_str() {
            "pending" => ProviderStatus::Pending,
            "waiting_for_capture" => ProviderStatus::Authorized,
            "succeeded" => ProviderStatus::Captured,
            "canceled" => ProviderStatus::Ended(ending(self.cancellation_details)),
            other => return Err(ProviderError::Unknown(format!("its status {other:?} is not known"))),
        };
        Ok(ProviderPayment {
            id: self.id,
            status,
            amount: self.amount.read()?,
            currency: self.amount.currency,
            payment_id: self.metadata.and_then(|metadata| metadata.payment_id?.parse().ok()),
            redirect_url: self.confirmation.and_then(|confirmation| confirmation.confirmation_url),
        })
    }
}

fn ending(details: Option<WireCancellation>) -> Ending {
    match details.map(|details| details.reason) {
        Some(reason) if reason == "canceled_by_merchant" => Ending::Canceled,
        Some(reason) if reason.starts_with("expired_on_") => Ending::Expired,
        Some(reason) => Ending::Failed(reason.chars().filter(|c| !c.is_control()).take(100).collect()),
        None => Ending::Failed("no reason given".to_owned()),
    }
}

impl WireRefund {
    /// Whether it was asked for under this name of ours.
    pub(super) fn is_of(&self, refund_id: &str) -> bool {
        let metadata = self.metadata.as_ref();
        metadata.and_then(|metadata| metadata.refund_id.as_deref()) == Some(refund_id)
    }

    pub(super) fn read(self) -> Result<ProviderRefund, ProviderError> {
        let status = match self.status.as_str() {
            "pending" => ProviderRefundStatus::Pending,
            "succeeded" => ProviderRefundStatus::Succeeded,
            "canceled" => {
                let reason = self.cancellation_details.map(|details| details.reason);
                ProviderRefundStatus::Failed(reason.unwrap_or_else(|| "no reason given".to_owned()))
            }
            other => return Err(ProviderError::Unknown(format!("its status {other:?} is not known"))),
        };
        Ok(ProviderRefund {
            id: self.id,
            status,
            amount: self.amount.read()?,
            currency: self.amount.currency,
        })
    }
}
