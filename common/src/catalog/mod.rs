//! The catalogue: what can be bought, from whom, at what price.
//!
//! A *product* is one thing, whoever sells it; an *offer* is a supplier's product, and what is ordered. What
//! is described and priced (`offers`) stands apart from what orders rewrite (`offer_stock`). Nothing here
//! writes: the catalogue changes by price lists ([`imports`](crate::imports)) and orders only.

mod model;
mod store;

pub use model::{
    CategorySummary, OfferSummary, ProductCard, ProductCursor, ProductFilter, ProductSummary, SupplierSummary,
};
pub use store::{categories, product_card, products, supplier, suppliers};
