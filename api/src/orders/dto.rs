//! The JSON of orders.

use common::{
    ids::AddressId,
    money::Money,
    orders::{
        Actor, Destination, HistoryEntry, NewOrder, Order, OrderLine, OrderSummary, PaymentMethod,
        SupplierOrder,
    },
    text::{Invalid, many_lines, one_line},
};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::{
    addresses::dto::{AddressRequest, AddressResponse},
    basket::dto::LineSupplier,
    body::Fields,
    error::ApiResult,
    params::page_response,
    payments::dto::PaymentResponse,
};

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// What turns the basket into an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderRequest {
    /// A saved address; either this or `address`.
    pub address_id: Option<String>,
    /// A new address; either this or `address_id`.
    pub address: Option<AddressRequest>,
    /// Anything the suppliers should know; at most 1,000 characters.
    pub comment: Option<String>,
    /// The date asked for, `YYYY-MM-DD`.
    #[salvo(schema(example = "2026-12-01"))]
    pub deliver_on: Option<String>,
    /// The buyer's own number for it.
    pub purchase_number: Option<String>,
    /// `invoice` or `card`.
    pub payment_method: String,
    /// The total the buyer agrees to, whatever the prices were before.
    #[salvo(schema(example = "110000.00"))]
    pub expected_total: Option<String>,
}

impl PlaceOrderRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(self, buyer: Actor, today: Date) -> ApiResult<NewOrder> {
        let mut fields = Fields::default();
        let destination = match (self.address_id, self.address) {
            (Some(id), None) => {
                let id = id.parse::<AddressId>();
                let id = id.map_err(|_| Invalid::new("invalid_id", "expected a UUID"));
                fields.take("/address_id", id).map(Destination::Saved)
            }
            (None, Some(address)) => {
                address.check(&mut fields, "/address").map(|address| Destination::New(Box::new(address)))
            }
            (None, None) => {
                fields.refuse("/address", Invalid::new("required", "expected address_id or address"));
                None
            }
            (Some(_), Some(_)) => {
                let invalid =
                    Invalid::new("not_applicable", "expected either address_id or address, found both");
                fields.refuse("/address", invalid);
                None
            }
        };
        let comment = fields.optional("/comment", self.comment, |text| many_lines(&text, 1_000));
        let deliver_on = fields.optional("/deliver_on", self.deliver_on, |text| parse_day(&text, today));
        let number = self.purchase_number;
        let purchase_number = fields.optional("/purchase_number", number, |text| one_line(&text, 100));
        let payment_method = match self.payment_method.as_str() {
            "invoice" => Some(PaymentMethod::Invoice),
            "card" => Some(PaymentMethod::Card),
            other => {
                let detail = format!("expected invoice or card, found {other:?}");
                fields.refuse("/payment_method", Invalid::new("unknown_word", detail));
                None
            }
        };
        let expected_total =
            fields.optional("/expected_total", self.expected_total, |text| Money::parse_exact(&text));
        let order = (|| {
            Some(NewOrder {
                buyer,
                destination: destination?,
                comment: comment?,
                deliver_on: deliver_on?,
                purchase_number: purchase_number?,
                payment_method: payment_method?,
                expected_total: expected_total?,
            })
        })();
        fields.finish(order)
    }
}

/// A day as it is written.
pub(crate) fn read_day(text: &str) -> Result<Date, Invalid> {
    let written = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = if written { Date::parse(text, DAY).ok() } else { None };
    day.ok_or_else(|| Invalid::new("invalid_date", format!("expected YYYY-MM-DD, found {text:?}")))
}

/// A day, today or later, somewhere in the world.
fn parse_day(text: &str, today: Date) -> Result<Date, Invalid> {
    let day = read_day(text)?;
    if day < today.previous_day().unwrap_or(today) {
        return Err(Invalid::new("in_the_past", format!("expected today or later, found {text}")));
    }
    Ok(day)
}

/// One offer in an order, as it was at confirmation.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderLineResponse {
    /// Which offer.
    pub offer_id: String,
    /// The product's name.
    pub product_name: String,
    /// The supplier's own id of it.
    pub sku: String,
    /// The price of a piece.
    pub price: String,
    /// The rate of the VAT in the price, as it was: `none` or percent; null where the supplier did not say.
    pub vat_rate: Option<String>,
    /// What a piece is: `шт`, `кг`; null where the supplier did not say.
    pub unit: Option<String>,
    /// Pieces.
    pub quantity: i32,
    /// The price of all pieces.
    pub sum: String,
}

impl From<OrderLine> for OrderLineResponse {
    fn from(line: OrderLine) -> Self {
        Self {
            offer_id: line.offer_id.to_string(),
            product_name: line.product_name,
            sku: line.sku,
            price: line.price.to_string(),
            vat_rate: line.vat_rate.map(|rate| rate.to_string()),
            unit: line.unit,
            quantity: line.quantity,
            sum: line.sum.to_string(),
        }
    }
}

/// One step of a part.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryResponse {
    /// Where it came to stand.
    pub status: &'static str,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// `buyer`, `supplier`, `staff` or `system`.
    pub by: String,
    /// What they said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl From<HistoryEntry> for HistoryResponse {
    fn from(entry: HistoryEntry) -> Self {
        Self { status: entry.status.as_str(), at: entry.at, by: entry.by, comment: entry.comment }
    }
}

/// The part of an order that one supplier fulfils.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartResponse {
    /// Its id.
    pub id: String,
    /// Who fulfils it.
    pub supplier: LineSupplier,
    /// `new`, `confirmed`, `assembled`, `sent`, `delivered`, `refused` or `canceled`.
    pub status: &'static str,
    /// The sum of its lines.
    pub subtotal: String,
    /// Its lines.
    pub lines: Vec<OrderLineResponse>,
    /// How it came to where it stands.
    pub history: Vec<HistoryResponse>,
}

impl From<SupplierOrder> for PartResponse {
    fn from(part: SupplierOrder) -> Self {
        Self {
            id: part.id.to_string(),
            supplier: LineSupplier { id: part.supplier_id.to_string(), name: part.supplier_name },
            status: part.status.as_str(),
            subtotal: part.subtotal.to_string(),
            lines: part.lines.into_iter().map(Into::into).collect(),
            history: part.history.into_iter().map(Into::into).collect(),
        }
    }
}

/// An order with all its parts.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderResponse {
    /// Its id.
    pub id: String,
    /// Its number, for people: `2026-000123`.
    pub number: String,
    /// When it was confirmed.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The sum of its parts.
    pub total: String,
    /// The currency of prices.
    pub currency: String,
    /// `new`, `in_progress`, `delivered` or `canceled`: it follows from the parts.
    pub status: &'static str,
    /// `not_paid`, `invoiced`, `overdue`, `authorized`, `partially_paid`, `paid`, `partially_refunded` or `refunded`.
    pub payment_status: &'static str,
    /// Where it goes.
    pub address: AddressResponse,
    /// Anything the suppliers should know.
    pub comment: Option<String>,
    /// The date asked for.
    pub deliver_on: Option<String>,
    /// The buyer's own number for it.
    pub purchase_number: Option<String>,
    /// `invoice` or `card`.
    pub payment_method: &'static str,
    /// Until when it waits for its card payment, before it is called off; absent when it does not wait.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub pay_until: Option<OffsetDateTime>,
    /// Its parts by supplier.
    pub parts: Vec<PartResponse>,
    /// Its payments.
    pub payments: Vec<PaymentResponse>,
}

impl OrderResponse {
    /// Where the order stands.
    pub fn location(&self) -> String {
        format!("/api/v1/orders/{}", self.id)
    }
}

impl From<Order> for OrderResponse {
    fn from(order: Order) -> Self {
        Self {
            id: order.id.to_string(),
            status: order.status().as_str(),
            payment_status: order.payment_status().as_str(),
            number: order.number,
            created_at: order.created_at,
            total: order.total.to_string(),
            currency: order.currency,
            address: order.address.into(),
            comment: order.comment,
            deliver_on: order.deliver_on.map(|date| date.to_string()),
            purchase_number: order.purchase_number,
            payment_method: order.payment_method.as_str(),
            pay_until: order.pay_until,
            parts: order.parts.into_iter().map(Into::into).collect(),
            payments: order.payments.into_iter().map(PaymentResponse::for_buyer).collect(),
        }
    }
}

/// An order in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderSummaryResponse {
    /// Its id.
    pub id: String,
    /// Its number, for people.
    pub number: String,
    /// When it was confirmed.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The sum of its parts.
    pub total: String,
    /// The currency of the total.
    pub currency: String,
    /// `new`, `in_progress`, `delivered` or `canceled`.
    pub status: &'static str,
    /// `not_paid`, `invoiced`, `overdue`, `authorized`, `partially_paid`, `paid`, `partially_refunded` or `refunded`.
    pub payment_status: &'static str,
}

impl From<OrderSummary> for OrderSummaryResponse {
    fn from(order: OrderSummary) -> Self {
        Self {
            id: order.id.to_string(),
            number: order.number,
            created_at: order.created_at,
            total: order.total.to_string(),
            currency: order.currency,
            status: order.status.as_str(),
            payment_status: order.payment_status.as_str(),
        }
    }
}

page_response! {
    /// A page of the organization's orders, the newest first.
    OrdersResponse of OrderSummaryResponse
}
