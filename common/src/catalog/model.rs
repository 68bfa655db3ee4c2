//! What the catalogue shows.

use serde_json::value::RawValue;
use time::OffsetDateTime;

use super::{Gtin, OfferTerms};
use crate::{
    ids::{CategoryId, OfferId, ProductId, SupplierId},
    money::Money,
    vat::VatRate,
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
}

/// A product with all its offers.
#[derive(Clone, Debug)]
pub struct ProductCard {
    /// The product.
    pub product: ProductSummary,
    /// The number by which it is known whoever sells it.
    pub gtin: Option<Gtin>,
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
    /// The GTIN that the supplier says.
    pub gtin: Option<Gtin>,
    /// The rate of the VAT that is in the price.
    pub vat_rate: Option<VatRate>,
    /// What a piece is.
    pub unit: Option<String>,
    /// In which quantities it is ordered.
    pub terms: OfferTerms,
    /// Named properties, as JSON: an object of texts.
    pub parameters: Box<RawValue>,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// How the products of a list are spread over categories, suppliers and parameters.
#[derive(Clone, Debug, Default)]
pub struct Facets {
    /// How many products were counted.
    pub counted: i64,
    /// Whether that is all of them; otherwise there are more than are ever counted.
    pub complete: bool,
    /// The categories that most of them are in.
    pub categories: Vec<FacetCount<CategoryId>>,
    /// The suppliers that offer most of them.
    pub suppliers: Vec<FacetCount<SupplierId>>,
    /// The parameters that most of them have, each with its commonest values.
    pub parameters: Vec<ParameterFacet>,
}

/// How many products of a list are in a category, or offered by a supplier.
#[derive(Clone, Debug)]
pub struct FacetCount<Id> {
    /// Which one.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// How many products.
    pub products: i64,
}

/// A parameter, and how many products have which value.
#[derive(Clone, Debug)]
pub struct ParameterFacet {
    /// The parameter's name.
    pub name: String,
    /// Values and products, the commonest first.
    pub values: Vec<(String, i64)>,
}
