//! The JSON of baskets.

use common::{
    basket::{Basket, BasketLine, Quantity, SupplierSubtotal},
    money::Currency,
};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};

use crate::{
    body::{Fields, whole},
    error::ApiResult,
};

/// How many pieces of an offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuantityRequest {
    /// 1 to 1,000,000; it sets the quantity, and does not add to it.
    #[salvo(schema(minimum = 1, maximum = 1_000_000))]
    #[serde(deserialize_with = "whole")]
    pub quantity: i64,
}

impl QuantityRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422.
    pub fn parse(self) -> ApiResult<Quantity> {
        let mut fields = Fields::default();
        let quantity = fields.take("/quantity", Quantity::parse(self.quantity));
        fields.finish(quantity)
    }
}

/// Whose a line is.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineSupplier {
    /// The supplier's id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// One offer in a basket, as the catalogue has it now.
#[derive(Debug, Serialize, ToSchema)]
pub struct BasketLineResponse {
    /// Which offer.
    pub offer_id: String,
    /// Of which product.
    pub product_id: String,
    /// The product's name.
    pub product_name: String,
    /// Whose.
    pub supplier: LineSupplier,
    /// The supplier's own id of it.
    pub sku: String,
    /// The price of a piece now.
    pub price: String,
    /// Pieces wanted.
    pub quantity: i32,
    /// Pieces that can be ordered now.
    pub available: i32,
    /// The price of all pieces.
    pub sum: String,
    /// Why it cannot be ordered as it stands: `price_changed`, `not_enough_stock`, `withdrawn` or
    /// `supplier_closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'static str>,
}

impl From<&BasketLine> for BasketLineResponse {
    fn from(line: &BasketLine) -> Self {
        Self {
            offer_id: line.offer_id.to_string(),
            product_id: line.product_id.to_string(),
            product_name: line.product_name.clone(),
            supplier: LineSupplier { id: line.supplier_id.to_string(), name: line.supplier_name.clone() },
            sku: line.sku.clone(),
            price: line.price.to_string(),
            quantity: line.quantity.pieces(),
            available: line.available,
            sum: line.sum().to_string(),
            problem: line.problem().map(common::basket::Problem::code),
        }
    }
}

/// What of a basket goes to one supplier.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubtotalResponse {
    /// The supplier's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The sum of its lines.
    pub subtotal: String,
}

impl From<SupplierSubtotal> for SubtotalResponse {
    fn from(supplier: SupplierSubtotal) -> Self {
        Self { id: supplier.id.to_string(), name: supplier.name, subtotal: supplier.subtotal.to_string() }
    }
}

/// A basket, as the catalogue has it now.
#[derive(Debug, Serialize, ToSchema)]
pub struct BasketResponse {
    /// Its lines, in the order in which they were added.
    pub lines: Vec<BasketLineResponse>,
    /// The sums by supplier.
    pub suppliers: Vec<SubtotalResponse>,
    /// The sum of all lines.
    pub total: String,
    /// The currency of prices.
    pub currency: String,
}

impl BasketResponse {
    /// A basket, priced in `currency`.
    pub fn new(basket: &Basket, currency: Currency) -> Self {
        Self {
            lines: basket.lines.iter().map(Into::into).collect(),
            suppliers: basket.suppliers().into_iter().map(Into::into).collect(),
            total: basket.total().to_string(),
            currency: currency.to_string(),
        }
    }
}
