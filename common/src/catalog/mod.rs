//! The catalogue: what can be bought, from whom, at what price.
//!
//! A *product* is one thing, whoever sells it; an *offer* is a supplier's product, and what is ordered. What
//! is described and priced (`offers`) stands apart from what orders rewrite (`offer_stock`). The catalogue changes by
//! price lists ([`imports`](crate::imports)) and orders only.
//!
//! Lists and searches do not look through the offers. Each product that has an offer to show stands in
//! `listed_products`, narrow and indexed in every order that a list can have; a page walks one of these indexes, and reads
//! price, stock and number of offers from the offers of the products that it shows. So a page costs the same in any
//! catalogue, an order touches no product, and what is shown is never older than the answer. Imports keep the places of the
//! products they touch; when a supplier opens, closes or is approved, [`relist_supplier`] has a job do it.
//!
//! How words find products is the matter of [`search`].

mod actions;
mod gtin;
pub mod jobs;
mod listing;
mod model;
pub mod search;
mod store;
mod synonyms;
mod terms;

pub(crate) use actions::have_places_cleared;
pub use actions::{ProductPage, ProductRequest, Relisted, products, relist_some, relist_supplier};
pub use gtin::{Gtin, GtinError};
pub use listing::{ParameterFilter, ProductCursor, ProductFilter, ProductList, Sort};
pub use model::{
    CategorySummary, FacetCount, Facets, OfferSummary, ParameterFacet, ProductCard, ProductSummary,
    SupplierSummary,
};
pub use search::SearchText;
pub use store::{
    categories, clear_places, delete_synonym, product_card, put_synonym, supplier, suppliers,
    synonyms as list_synonyms,
};
pub(crate) use store::{claim_supplier, index, relist, rests};
pub use synonyms::{Meanings, Synonym, SynonymWord};
pub use terms::OfferTerms;
