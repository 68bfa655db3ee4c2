//! The JSON of payments.

use common::{
    ids::{PaymentId, SupplierOrderId},
    money::Money,
    payments::{InvoicePaid, NewRefund, Payment, Refund},
    text::{Invalid, many_lines, one_line},
};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use crate::{body::Fields, error::ApiResult, orders::dto::read_day};

/// How to pay an order by card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayRequest {
    /// Who is to handle the card; the installation's provider when it is absent.
    #[salvo(schema(example = "yookassa"))]
    pub provider: Option<String>,
}

/// An invoice was paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoicePaidRequest {
    /// The day on which the money came, `YYYY-MM-DD`; today or earlier.
    #[salvo(schema(example = "2026-01-15"))]
    pub paid_on: String,
    /// The bank's reference of it; at most 200 characters.
    pub reference: Option<String>,
}

impl InvoicePaidRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(self, payment_id: PaymentId, today: Date) -> ApiResult<InvoicePaid> {
        let mut fields = Fields::default();
        let paid_on = fields.take("/paid_on", past_day(&self.paid_on, today));
        let reference = fields.optional("/reference", self.reference, |text| one_line(&text, 200));
        let paid =
            paid_on.zip(reference).map(|(paid_on, reference)| InvoicePaid { payment_id, paid_on, reference });
        fields.finish(paid)
    }
}

fn past_day(text: &str, today: Date) -> Result<Date, Invalid> {
    let day = read_day(text)?;
    if day > today {
        return Err(Invalid::new("in_the_future", format!("expected {today} or earlier, found {text}")));
    }
    Ok(day)
}

/// Money that goes back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// How much.
    #[salvo(schema(example = "1500.00"))]
    pub amount: String,
    /// Why; at most 1,000 characters.
    pub reason: String,
    /// The part that it is for, where a card payment was for several.
    pub part_id: Option<String>,
}

impl RefundRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(self, payment_id: PaymentId) -> ApiResult<NewRefund> {
        let mut fields = Fields::default();
        let amount = fields.take("/amount", refund_amount(&self.amount));
        let reason = fields.take("/reason", many_lines(&self.reason, 1_000));
        let part_id = fields.optional("/part_id", self.part_id, |text| {
            text.parse::<SupplierOrderId>().map_err(|_| Invalid::new("invalid_id", "expected a UUID"))
        });
        let refund =
            (|| Some(NewRefund { payment_id, part_id: part_id?, amount: amount?, reason: reason? }))();
        fields.finish(refund)
    }
}

fn refund_amount(text: &str) -> Result<Money, Invalid> {
    let amount = Money::parse_exact(text)?;
    if amount == Money::ZERO {
        return Err(Invalid::new("out_of_range", "expected more than nothing"));
    }
    Ok(amount)
}

/// What a provider tells us, as far as it is read; YooKassa's form, which has more in it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands in the document; the provider's own reader reads it")]
pub struct NoticeRequest {
    /// `notification`.
    r#type: String,
    /// What is said to have happened.
    event: String,
    /// To what.
    object: NoticeObject,
}

/// What something is said to have happened to.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
pub struct NoticeObject {
    /// The provider's name of it.
    id: String,
    /// The provider's name of the payment that a refund is of.
    payment_id: Option<String>,
}

/// Money that went back, or is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundResponse {
    /// Its id.
    pub id: String,
    /// The part that it is for, where it is for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_id: Option<String>,
    /// How much.
    pub amount: String,
    /// `pending`, `succeeded` or `failed`.
    pub status: &'static str,
    /// Why: `called_off`, or staff's words.
    pub reason: String,
}

impl From<Refund> for RefundResponse {
    fn from(refund: Refund) -> Self {
        Self {
            id: refund.id.to_string(),
            part_id: refund.part_id.map(|id| id.to_string()),
            amount: refund.amount().to_string(),
            status: refund.status.as_str(),
            reason: refund.reason,
        }
    }
}

/// One attempt to pay.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentResponse {
    /// Its id.
    pub id: String,
    /// The order that it pays.
    pub order_id: String,
    /// `invoice` or `card`.
    pub kind: &'static str,
    /// Of an invoice `invoiced`, `overdue`, `captured` or `canceled`; of a card `pending`, `requires_action`,
    /// `authorized`, `captured`, `failed`, `canceled` or `expired`.
    pub status: &'static str,
    /// How much was asked for.
    pub amount: String,
    /// How much came.
    pub captured: String,
    /// How much of that went back.
    pub refunded: String,
    /// How much of an invoice's money is still to go back, since its part was called off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_due: Option<String>,
    /// The currency of amounts.
    pub currency: String,
    /// Who handles the card.
    pub provider: Option<String>,
    /// The part that an invoice pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_id: Option<String>,
    /// An invoice's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The last day to pay an invoice, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_on: Option<String>,
    /// The day on which an invoice was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_on: Option<String>,
    /// The bank's reference of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Where the buyer goes to pay by card; absent until the provider has answered, once it is paid, and when nothing of
    /// the order is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
    /// Why the card was declined, in the provider's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What the provider says that does not agree with this payment: the operator must look. For staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<String>,
    /// When it was begun.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// What went back, or is on its way.
    pub refunds: Vec<RefundResponse>,
}

impl PaymentResponse {
    /// Where the payment stands.
    pub fn location(&self) -> String {
        format!("/api/v1/payments/{}", self.id)
    }
}

impl PaymentResponse {
    /// As its buyer sees it: what only the operator can do something about is left out.
    pub fn for_buyer(payment: Payment) -> Self {
        Self::for_staff(Payment { disagreement: None, ..payment })
    }

    /// As staff sees it.
    pub fn for_staff(payment: Payment) -> Self {
        let waits_for_the_buyer = payment.status == common::payments::PaymentStatus::RequiresAction;
        Self {
            id: payment.id.to_string(),
            order_id: payment.order_id.to_string(),
            kind: payment.kind.as_str(),
            status: payment.shown_status(),
            amount: payment.amount.to_string(),
            captured: payment.captured.to_string(),
            refunded: payment.refunded.to_string(),
            refund_due: (payment.refund_due > Money::ZERO).then(|| payment.refund_due.to_string()),
            currency: payment.currency,
            provider: payment.provider,
            part_id: payment.part_id.map(|id| id.to_string()),
            number: payment.number,
            due_on: payment.due_on.map(|date| date.to_string()),
            paid_on: payment.paid_on.map(|date| date.to_string()),
            reference: payment.reference,
            redirect_url: payment.redirect_url.filter(|_| waits_for_the_buyer),
            failure: payment.failure,
            disagreement: payment.disagreement,
            created_at: payment.created_at,
            refunds: payment.refunds.into_iter().map(Into::into).collect(),
        }
    }
}
