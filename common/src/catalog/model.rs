//! What the catalogue shows.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::{
    ids::{CategoryId, OfferId, ProductId, SupplierId},
    money::Money,
};

/// A supplier, as buyers see it.
#[derive(Clone, Debug)]
pub struct SupplierSummary {
    /// Which one.
    pub id: SupplierId,
    /// Its organization's name.
    pub name: String,
    /// Whether it takes orders now.
    pub accepting_orders: bool,
    /// Offers that are not withdrawn.
    pub offers_count: i64,
    /// When its catalogue or settings last changed.
    pub updated_at: OffsetDateTime,
}

/// A category.
#[derive(Clone, Debug)]
pub struct CategorySummary {
    /// Which one.
    pub id: CategoryId,
    /// Its name, as it was first written.
    pub name: String,
    /// Products in it that have offers.
    pub products_count: i64,
}

/// A product in a list.
#[derive(Clone, Debug)]
pub struct ProductSummary {
    /// Which one.
    pub id: ProductId,
    /// Its name.
    pub name: String,
    /// The first description that a supplier gave.
    pub description: Option<String>,
    /// Its category.
    pub category_id: CategoryId,
    /// Its category's name.
    pub category_name: String,
    /// The cheapest offer that can be ordered now.
    pub price_from: Option<Money>,
    /// Pieces in all offers that can be ordered now.
    pub available: i64,
    /// Offers that are shown.
    pub offers_count: i64,
    /// Where it stands in the list.
    pub cursor: ProductCursor,
}

/// Where a product stands in a list: its rank (with a search) or name, then its id.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum ProductCursor {
    /// In a list by name.
    Name(String, ProductId),
    /// In a list by relevance; higher first.
    Rank(f32, ProductId),
}

impl ProductCursor {
    /// Whether it is a place in the list that `filter` asks for: lists by relevance and by name differ.
    #[must_use]
    pub fn belongs_to(&self, filter: &ProductFilter) -> bool {
        matches!(self, Self::Rank(..)) == filter.q.is_some()
    }
}

/// Which products to list. With `q` they come by relevance, otherwise by name.
#[derive(Clone, Debug, Default)]
pub struct ProductFilter {
    /// Words that stand in the name, model, category or parameters.
    pub q: Option<String>,
    /// Of this category.
    pub category_id: Option<CategoryId>,
    /// With an offer of this supplier.
    pub supplier_id: Option<SupplierId>,
}

/// A product with all its offers.
#[derive(Clone, Debug)]
pub struct ProductCard {
    /// The product.
    pub product: ProductSummary,
    /// Its offers, cheapest first.
    pub offers: Vec<OfferSummary>,
}

/// One supplier's offer of a product.
#[derive(Clone, Debug)]
pub struct OfferSummary {
    /// Which one.
    pub id: OfferId,
    /// Whose.
    pub supplier_id: SupplierId,
    /// Their name.
    pub supplier_name: String,
    /// Whether they take orders now.
    pub accepting_orders: bool,
    /// The supplier's own id of it.
    pub sku: String,
    /// The maker's model.
    pub model: Option<String>,
    /// Price of a piece, with VAT.
    pub price: Money,
    /// Recommended retail price.
    pub recommended_price: Option<Money>,
    /// Pieces that can be ordered now.
    pub available: i32,
    /// Named properties.
    pub parameters: Map<String, Value>,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}
