//! All SQL of the catalogue. Offers of organizations that wait for approval are nowhere.

mod card;
mod facets;
mod indexing;
mod listing;
mod relisting;
mod search;
mod summaries;
mod synonyms;

pub use card::product_card;
pub(super) use facets::facets;
pub(crate) use indexing::index;
pub(super) use listing::{Keyed, products};
pub use relisting::clear_places;
pub(super) use relisting::{begin_pass, is_last_pass, lock_products_of};
pub(crate) use relisting::{claim_supplier, relist, rests};
pub(super) use search::{finds_any, has_gtin, search_query, similar_words};
pub use summaries::{categories, supplier, suppliers};
pub use synonyms::{delete_synonym, put_synonym, synonyms};
