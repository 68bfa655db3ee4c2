//! The JSON of baskets.

use common::{
    basket::{
        Basket, BasketLine, MAX_LINES, NewLine, OfferName, Orderable, Problem, Quantity, RejectedLine,
        Rejection, SupplierSubtotal,
    },
    catalog::OfferTerms,
    ids::{OfferId, SupplierId},
    imports::Sku,
    money::Currency,
    text::{Invalid, one_line},
};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};

use crate::{
    body::{Fields, whole},
    error::{ApiError, ApiResult},
    problem::ProblemCode,
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

/// Many lines for the basket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FillBasketRequest {
    /// At most 1,000.
    #[salvo(schema(max_items = 1000))]
    pub lines: Vec<FillLineRequest>,
}

/// One line for the basket: an offer by its id, or by its supplier and the supplier's own id of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FillLineRequest {
    /// Which offer; either this or `supplier_id` and `sku`.
    pub offer_id: Option<String>,
    /// Whose offer.
    pub supplier_id: Option<String>,
    /// The supplier's own id of it.
    pub sku: Option<String>,
    /// 1 to 1,000,000; it sets the quantity of what is in the basket already, and does not add to it.
    #[salvo(schema(minimum = 1, maximum = 1_000_000))]
    #[serde(deserialize_with = "whole")]
    pub quantity: i64,
}

impl FillBasketRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(self) -> ApiResult<Vec<NewLine>> {
        if self.lines.len() > MAX_LINES {
            let detail = format!("expected at most {MAX_LINES} lines, found {}", self.lines.len());
            return Err(ApiError::field("/lines", Invalid::new("too_many", detail)));
        }
        let mut fields = Fields::default();
        let lines = self.lines.into_iter().enumerate();
        // Not lazily: everything that is wrong is said at once.
        let lines: Vec<_> =
            lines.map(|(index, line)| line.check(&mut fields, &format!("/lines/{index}"))).collect();
        fields.finish(lines.into_iter().collect())
    }
}

impl FillLineRequest {
    fn check(self, fields: &mut Fields, at: &str) -> Option<NewLine> {
        let to = |name: &str| format!("{at}/{name}");
        let id = |_| Invalid::new("invalid_id", "expected a UUID");
        let quantity = fields.take(&to("quantity"), Quantity::parse(self.quantity));
        let offer = match (self.offer_id, self.supplier_id, self.sku) {
            (Some(offer), None, None) => {
                fields.take(&to("offer_id"), offer.parse::<OfferId>().map_err(id)).map(OfferName::Id)
            }
            (None, Some(supplier), Some(sku)) => {
                let supplier = fields.take(&to("supplier_id"), supplier.parse::<SupplierId>().map_err(id));
                let sku = fields.take(&to("sku"), parse_sku(&sku));
                supplier.zip(sku).map(|(supplier, sku)| OfferName::Sku(supplier, sku))
            }
            (None, None, None) => {
                fields.refuse(
                    &to("offer_id"),
                    Invalid::new("required", "expected offer_id, or supplier_id and sku"),
                );
                None
            }
            (None, supplier, _) => {
                let missing = if supplier.is_some() { "sku" } else { "supplier_id" };
                fields.refuse(&to(missing), Invalid::new("required", "expected both supplier_id and sku"));
                None
            }
            (Some(_), _, _) => {
                let detail = "expected either offer_id, or supplier_id and sku, found both";
                fields.refuse(&to("offer_id"), Invalid::new("not_applicable", detail));
                None
            }
        };
        Some(NewLine { offer: offer?, quantity: quantity? })
    }
}

fn parse_sku(text: &str) -> Result<Sku, Invalid> {
    let text = one_line(text, Sku::MAX)?;
    Sku::parse(text).map_err(|error| Invalid::new("invalid_sku", error.to_string()))
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
    /// The rate of the VAT that is in the price: `none` or percent; null where the supplier does not say.
    pub vat_rate: Option<String>,
    /// What a piece is: `шт`, `кг`; null where the supplier does not say.
    pub unit: Option<String>,
    /// Pieces wanted.
    pub quantity: i32,
    /// Pieces that can be ordered now.
    pub available: i32,
    /// At least so many pieces are ordered.
    pub min_quantity: i32,
    /// So many pieces, or several times as many.
    pub multiple: i32,
    /// The price of all pieces.
    pub sum: String,
    /// Why it cannot be ordered as it stands: `price_changed`, `not_enough_stock`, `below_minimum`, `not_a_multiple`,
    /// `withdrawn` or `supplier_closed`.
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
            vat_rate: line.vat_rate.as_ref().map(ToString::to_string),
            unit: line.unit.clone(),
            quantity: line.quantity.pieces(),
            available: line.orderable.available,
            min_quantity: line.orderable.terms.min_quantity,
            multiple: line.orderable.terms.multiple,
            sum: line.sum().to_string(),
            problem: line.problem().map(Problem::code),
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

/// A basket after many lines were put, and those of them that were not.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilledBasketResponse {
    /// The basket.
    #[serde(flatten)]
    pub basket: BasketResponse,
    /// The lines that were not put, in their order.
    pub rejected: Vec<RejectedLineResponse>,
}

/// A line that was not put into the basket.
#[derive(Debug, Serialize, ToSchema)]
pub struct RejectedLineResponse {
    /// Its place among the lines that were sent, from 0.
    pub index: usize,
    /// `not_found`, `withdrawn`, `supplier_closed`, `not_enough_stock`, `below_minimum`, `not_a_multiple`, `out_of_range`
    /// or `basket_full`.
    pub code: &'static str,
    /// Why, for people.
    pub detail: String,
}

impl From<RejectedLine> for RejectedLineResponse {
    fn from(RejectedLine { index, reason }: RejectedLine) -> Self {
        let (code, detail) = match reason {
            Rejection::OfferUnknown => (ProblemCode::NotFound.as_str(), "there is no such offer".to_owned()),
            Rejection::Refused { problem, orderable } => (problem.code(), refusal(problem, &orderable)),
            Rejection::TooManyPieces(pieces) => {
                ("out_of_range", format!("expected at most 1000000 pieces of an offer, found {pieces}"))
            }
            Rejection::BasketFull => {
                (ProblemCode::BasketFull.as_str(), format!("a basket has at most {MAX_LINES} lines"))
            }
        };
        Self { index, code, detail }
    }
}

/// Why so many pieces of an offer cannot be put into the basket.
pub fn refusal(problem: Problem, orderable: &Orderable) -> String {
    let OfferTerms { min_quantity, multiple } = orderable.terms;
    match problem {
        Problem::NotEnoughStock => format!("{} pieces are available", orderable.available),
        Problem::BelowMinimum => format!("at least {min_quantity} pieces are ordered"),
        Problem::NotAMultiple => format!("{multiple} pieces are ordered, or several times as many"),
        Problem::Withdrawn | Problem::SupplierClosed | Problem::PriceChanged => {
            "the offer cannot be ordered now".to_owned()
        }
    }
}
