//! The JSON of the supplier's side.

use common::{
    ids::SupplierOrderId,
    orders::{Step, SupplierOrderStatus, SupplierOrderSummary},
    suppliers::Supplier,
    text::{Invalid, many_lines},
};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    addresses::dto::AddressResponse,
    body::Fields,
    error::ApiResult,
    orders::dto::{HistoryResponse, OrderLineResponse},
    params::page_response,
};

/// A supplier, as its own people see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SupplierSettingsResponse {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it takes orders now.
    pub accepting_orders: bool,
    /// Whether staff has approved it: until then nobody sees its offers.
    pub approved: bool,
    /// Where its price list can be fetched.
    pub price_list_url: Option<String>,
}

impl From<Supplier> for SupplierSettingsResponse {
    fn from(supplier: Supplier) -> Self {
        Self {
            id: supplier.id.to_string(),
            name: supplier.name,
            accepting_orders: supplier.accepting_orders,
            approved: supplier.approved,
            price_list_url: supplier.price_list_url,
        }
    }
}

/// What to change of a supplier's settings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupplierSettingsRequest {
    /// Whether it takes orders.
    pub accepting_orders: Option<bool>,
}

/// A move of a supplier order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusRequest {
    /// Where to: `confirmed`, `assembled`, `sent`, `delivered`, `refused` or `canceled`.
    #[salvo(schema(example = "confirmed"))]
    pub status: String,
    /// What the buyer should know about it; at most 1,000 characters.
    pub comment: Option<String>,
}

impl StatusRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(self, part_id: SupplierOrderId) -> ApiResult<Step> {
        let mut fields = Fields::default();
        let known = SupplierOrderStatus::parse(&self.status);
        let unknown = || Invalid::new("unknown_word", format!("there is no status {:?}", self.status));
        let to = fields.take("/status", known.ok_or_else(unknown));
        let comment = fields.optional("/comment", self.comment, |text| many_lines(&text, 1_000));
        let step = to.zip(comment).map(|(to, comment)| Step { part_id, to, comment });
        fields.finish(step)
    }
}

/// Who bought.
#[derive(Debug, Serialize, ToSchema)]
pub struct BuyerResponse {
    /// The organization's name.
    pub name: String,
    /// The recipient's phone.
    pub phone: String,
    /// The recipient's e-mail.
    pub email: String,
}

/// The supplier's part of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct SupplierOrderResponse {
    /// Its id.
    pub id: String,
    /// The order's number, for people.
    pub order_number: String,
    /// When the order was confirmed.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// `new`, `confirmed`, `assembled`, `sent`, `delivered`, `refused` or `canceled`.
    pub status: &'static str,
    /// The sum of its lines.
    pub subtotal: String,
    /// The currency of prices.
    pub currency: String,
    /// Who bought.
    pub buyer: BuyerResponse,
    /// Where it goes.
    pub address: AddressResponse,
    /// Anything the supplier should know.
    pub comment: Option<String>,
    /// The date asked for.
    pub deliver_on: Option<String>,
    /// Its lines.
    pub lines: Vec<OrderLineResponse>,
    /// How it came to where it stands.
    pub history: Vec<HistoryResponse>,
}

impl From<SupplierOrderSummary> for SupplierOrderResponse {
    fn from(summary: SupplierOrderSummary) -> Self {
        let part = summary.part;
        Self {
            id: part.id.to_string(),
            order_number: summary.order_number,
            created_at: summary.created_at,
            status: part.status.as_str(),
            subtotal: part.subtotal.to_string(),
            currency: summary.currency,
            buyer: BuyerResponse {
                name: summary.buyer_name,
                phone: summary.address.phone.as_str().to_owned(),
                email: summary.address.email.as_str().to_owned(),
            },
            address: summary.address.into(),
            comment: summary.comment,
            deliver_on: summary.deliver_on.map(|date| date.to_string()),
            lines: part.lines.into_iter().map(Into::into).collect(),
            history: part.history.into_iter().map(Into::into).collect(),
        }
    }
}

page_response! {
    /// A page of the supplier's parts, the newest first.
    SupplierOrdersResponse of SupplierOrderResponse
}
