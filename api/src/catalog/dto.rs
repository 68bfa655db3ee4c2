//! The JSON of the catalogue.

use common::{
    catalog::{
        CategorySummary, FacetCount, Facets, OfferSummary, ParameterFacet, ProductCard, ProductSummary,
        SupplierSummary,
    },
    money::Currency,
};
use salvo::oapi::ToSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::params::page_response;

/// A supplier.
#[derive(Debug, Serialize, ToSchema)]
pub struct SupplierResponse {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it takes orders now.
    pub accepting_orders: bool,
    /// Offers in its current price list.
    pub offers_count: i64,
    /// When its price list or settings last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl From<SupplierSummary> for SupplierResponse {
    fn from(supplier: SupplierSummary) -> Self {
        Self {
            id: supplier.id.to_string(),
            name: supplier.name,
            accepting_orders: supplier.accepting_orders,
            offers_count: supplier.offers_count,
            updated_at: supplier.updated_at,
        }
    }
}

page_response! {
    /// A page of suppliers.
    SuppliersResponse of SupplierResponse
}

/// A category.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryResponse {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Products in it.
    pub products_count: i64,
}

impl From<CategorySummary> for CategoryResponse {
    fn from(category: CategorySummary) -> Self {
        Self { id: category.id.to_string(), name: category.name, products_count: category.products_count }
    }
}

page_response! {
    /// A page of categories.
    CategoriesResponse of CategoryResponse
}

/// The category of a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductCategory {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A product in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductResponse {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its category.
    pub category: ProductCategory,
    /// The cheapest offer that can be ordered now; null when none can.
    pub price_from: Option<String>,
    /// The currency of prices.
    pub currency: String,
    /// Pieces in all offers that can be ordered now.
    pub available: i64,
    /// How many suppliers' offers there are.
    pub offers_count: i64,
}

impl ProductResponse {
    /// A product, priced in `currency`.
    pub fn new(product: ProductSummary, currency: Currency) -> Self {
        Self {
            id: product.id.to_string(),
            name: product.name,
            description: product.description,
            category: ProductCategory { id: product.category_id.to_string(), name: product.category_name },
            price_from: product.price_from.map(|price| price.to_string()),
            currency: currency.to_string(),
            available: product.available,
            offers_count: product.offers_count,
        }
    }
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductsResponse {
    /// This page's products.
    pub items: Vec<ProductResponse>,
    /// What to send as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// How the whole list is spread; only with `facets=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facets: Option<FacetsResponse>,
}

/// How the products of a list are spread over categories, suppliers and parameters.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetsResponse {
    /// How many products were counted: at most 5,000.
    pub counted: i64,
    /// Whether that is the whole list.
    pub complete: bool,
    /// The 50 categories that most of them are in.
    pub categories: Vec<FacetResponse>,
    /// The 50 suppliers that offer most of them.
    pub suppliers: Vec<FacetResponse>,
    /// The 20 parameters that most of them have.
    pub parameters: Vec<ParameterFacetResponse>,
}

/// A category or supplier, and how many of the products are its.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetResponse {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many products.
    pub products_count: i64,
}

/// A parameter, and how many of the products have which value.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParameterFacetResponse {
    /// Its name.
    pub name: String,
    /// Its 20 commonest values.
    pub values: Vec<ParameterValueResponse>,
}

/// A value of a parameter.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParameterValueResponse {
    /// The value.
    pub value: String,
    /// How many products have it.
    pub products_count: i64,
}

impl From<Facets> for FacetsResponse {
    fn from(facets: Facets) -> Self {
        let parameter = |facet: ParameterFacet| ParameterFacetResponse {
            name: facet.name,
            values: facet
                .values
                .into_iter()
                .map(|(value, products_count)| ParameterValueResponse { value, products_count })
                .collect(),
        };
        Self {
            counted: facets.counted,
            complete: facets.complete,
            categories: facets.categories.into_iter().map(FacetResponse::from).collect(),
            suppliers: facets.suppliers.into_iter().map(FacetResponse::from).collect(),
            parameters: facets.parameters.into_iter().map(parameter).collect(),
        }
    }
}

impl<Id: ToString> From<FacetCount<Id>> for FacetResponse {
    fn from(facet: FacetCount<Id>) -> Self {
        Self { id: facet.id.to_string(), name: facet.name, products_count: facet.products }
    }
}

/// Whose offer it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferSupplier {
    /// The supplier's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it takes orders now.
    pub accepting_orders: bool,
}

/// One supplier's offer of a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferResponse {
    /// Its id, for the basket.
    pub id: String,
    /// Whose.
    pub supplier: OfferSupplier,
    /// The supplier's own id of it.
    pub sku: String,
    /// The maker's model.
    pub model: Option<String>,
    /// Price of a piece, with VAT.
    pub price: String,
    /// Recommended retail price.
    pub recommended_price: Option<String>,
    /// The currency of prices.
    pub currency: String,
    /// Pieces that can be ordered now.
    pub available: i32,
    /// The GTIN that the supplier says it has: 8, 12, 13 or 14 digits.
    pub gtin: Option<String>,
    /// The rate of the VAT that is in the price: `none` or percent; null where the supplier does not say.
    pub vat_rate: Option<String>,
    /// What a piece is: `шт`, `кг`; null where the supplier does not say.
    pub unit: Option<String>,
    /// At least so many pieces are ordered.
    pub min_quantity: i32,
    /// So many pieces, or several times as many.
    pub multiple: i32,
    /// Named properties.
    #[salvo(schema(value_type = BTreeMap<String, String>))]
    pub parameters: Box<RawValue>,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl OfferResponse {
    fn new(offer: OfferSummary, currency: Currency) -> Self {
        Self {
            id: offer.id.to_string(),
            supplier: OfferSupplier {
                id: offer.supplier_id.to_string(),
                name: offer.supplier_name,
                accepting_orders: offer.accepting_orders,
            },
            sku: offer.sku,
            model: offer.model,
            price: offer.price.to_string(),
            recommended_price: offer.recommended_price.map(|price| price.to_string()),
            currency: currency.to_string(),
            available: offer.available,
            gtin: offer.gtin.map(|gtin| gtin.to_string()),
            vat_rate: offer.vat_rate.map(|rate| rate.to_string()),
            unit: offer.unit,
            min_quantity: offer.terms.min_quantity,
            multiple: offer.terms.multiple,
            parameters: offer.parameters,
            updated_at: offer.updated_at,
        }
    }
}

/// A product with its offers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductCardResponse {
    /// The product.
    #[serde(flatten)]
    pub product: ProductResponse,
    /// The number by which it is known whoever sells it: 8, 12, 13 or 14 digits.
    pub gtin: Option<String>,
    /// Its offers, cheapest first; of more than 200 the cheapest that can be ordered.
    pub offers: Vec<OfferResponse>,
}

impl ProductCardResponse {
    /// A card, priced in `currency`.
    pub fn new(card: ProductCard, currency: Currency) -> Self {
        Self {
            product: ProductResponse::new(card.product, currency),
            gtin: card.gtin.map(|gtin| gtin.to_string()),
            offers: card.offers.into_iter().map(|offer| OfferResponse::new(offer, currency)).collect(),
        }
    }
}
