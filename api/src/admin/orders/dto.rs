//! The JSON of all orders.

use common::orders::{OrderOverview, PartOverview};
use salvo::oapi::ToSchema;
use serde::Serialize;
use time::OffsetDateTime;

use crate::params::page_response;

/// An order of anybody, at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderOverviewResponse {
    /// Its id.
    pub id: String,
    /// Its number, for people.
    pub number: String,
    /// When it was confirmed.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The sum of its parts.
    pub total: String,
    /// The currency of amounts.
    pub currency: String,
    /// `new`, `in_progress`, `delivered` or `canceled`.
    pub status: &'static str,
    /// `invoice` or `card`.
    pub payment_method: &'static str,
    /// `not_paid`, `invoiced`, `overdue`, `authorized`, `partially_paid`, `paid`, `partially_refunded` or `refunded`.
    pub payment_status: &'static str,
    /// What the provider says of a payment that does not agree with Postavka's books: somebody must look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<String>,
    /// Who bought.
    pub buyer: OrganizationNameResponse,
    /// Its parts by supplier.
    pub parts: Vec<PartOverviewResponse>,
}

/// A part of an order, at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartOverviewResponse {
    /// Its id.
    pub id: String,
    /// Who fulfils it.
    pub supplier: OrganizationNameResponse,
    /// `new`, `confirmed`, `assembled`, `sent`, `delivered`, `refused` or `canceled`.
    pub status: &'static str,
    /// The sum of its lines.
    pub subtotal: String,
}

/// A company.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationNameResponse {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl From<OrderOverview> for OrderOverviewResponse {
    fn from(order: OrderOverview) -> Self {
        Self {
            status: order.status().as_str(),
            id: order.id.to_string(),
            number: order.number,
            created_at: order.created_at,
            total: order.total.to_string(),
            currency: order.currency,
            payment_method: order.payment_method.as_str(),
            payment_status: order.payment_status.as_str(),
            disagreement: order.disagreement,
            buyer: OrganizationNameResponse { id: order.buyer_id.to_string(), name: order.buyer_name },
            parts: order.parts.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PartOverview> for PartOverviewResponse {
    fn from(part: PartOverview) -> Self {
        Self {
            id: part.id.to_string(),
            supplier: OrganizationNameResponse { id: part.supplier_id.to_string(), name: part.supplier_name },
            status: part.status.as_str(),
            subtotal: part.subtotal.to_string(),
        }
    }
}

page_response! {
    /// A page of all orders, the newest first.
    OrderOverviewsResponse of OrderOverviewResponse
}
