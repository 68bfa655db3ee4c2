//! Which products a list shows, in which order, and where a page of it begins.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::search::{Reading, SearchText};
use crate::{
    ids::{CategoryId, ProductId, SupplierId},
    money::Money,
};

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// The best match first; ends after 1,000 results. Without words to match it is [`Sort::Name`].
    Relevance,
    /// By name.
    Name,
    /// The cheapest first.
    Price,
    /// The dearest first.
    PriceDescending,
}

impl Sort {
    /// Reads it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "relevance" => Self::Relevance,
            "name" => Self::Name,
            "price" => Self::Price,
            "-price" => Self::PriceDescending,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Name => "name",
            Self::Price => "price",
            Self::PriceDescending => "-price",
        }
    }
}

/// Parameters by name, each with the values of which one must be there.
pub type ParameterFilter = BTreeMap<String, BTreeSet<String>>;

/// Which products to list. `supplier_id`, `in_stock` and `parameters` must all be true of one and the same offer.
#[derive(Clone, Debug, Default)]
pub struct ProductFilter {
    /// Words of the name, model, category or parameters.
    pub q: Option<SearchText>,
    /// Of this category.
    pub category_id: Option<CategoryId>,
    /// With an offer of this supplier.
    pub supplier_id: Option<SupplierId>,
    /// With a `price_from` of at least this.
    pub price_min: Option<Money>,
    /// With a `price_from` of at most this.
    pub price_max: Option<Money>,
    /// With an offer of which a piece can be ordered now.
    pub in_stock: bool,
    /// With an offer that has all these parameters.
    pub parameters: ParameterFilter,
}

impl ProductFilter {
    /// Whether it asks anything of a product's offers.
    pub(super) fn asks_of_offers(&self) -> bool {
        self.supplier_id.is_some() || self.in_stock || !self.parameters.is_empty()
    }

    /// Whether it asks for more than words.
    pub(super) fn is_narrower_than_its_words(&self) -> bool {
        self.asks_of_offers()
            || self.category_id.is_some()
            || self.price_min.is_some()
            || self.price_max.is_some()
    }
}

/// A list of products: what is in it, in which order.
#[derive(Clone, Debug)]
pub struct ProductList {
    filter: ProductFilter,
    sort: Sort,
}

impl ProductList {
    /// The products of `filter`, by relevance where words are searched for and by name otherwise, unless another
    /// order is asked for.
    #[must_use]
    pub fn new(filter: ProductFilter, sort: Option<Sort>) -> Self {
        let sort = match sort {
            Some(Sort::Relevance) | None if filter.q.is_some() => Sort::Relevance,
            Some(Sort::Relevance) | None => Sort::Name,
            Some(other) => other,
        };
        Self { filter, sort }
    }

    /// What is in it.
    #[must_use]
    pub fn filter(&self) -> &ProductFilter {
        &self.filter
    }

    /// Its order.
    #[must_use]
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// The one spelling of this list: two that are written differently and mean the same have the same.
    #[must_use]
    pub fn spelling(&self) -> String {
        let filter = &self.filter;
        let mut text = String::from(self.sort.as_str());
        // Lengths, since values may contain whatever stands between them.
        let mut part = |name: char, value: &str| _ = write!(text, "&{name}{}={value}", value.len());
        if let Some(q) = &filter.q {
            part('q', q.as_str());
        }
        if let Some(id) = filter.category_id {
            part('c', &id.to_string());
        }
        if let Some(id) = filter.supplier_id {
            part('s', &id.to_string());
        }
        if let Some(price) = filter.price_min {
            part('m', &price.minor().to_string());
        }
        if let Some(price) = filter.price_max {
            part('x', &price.minor().to_string());
        }
        if filter.in_stock {
            part('i', "");
        }
        for (name, values) in &filter.parameters {
            part('p', name);
            for value in values {
                part('v', value);
            }
        }
        text
    }

    /// A place in this list, for its next page.
    pub(super) fn cursor(&self, reading: Reading, place: Place) -> ProductCursor {
        ProductCursor { list: self.digest(), reading, place }
    }

    /// Whether a cursor is a place in this list.
    #[must_use]
    pub fn has(&self, cursor: &ProductCursor) -> bool {
        let fits = match self.sort {
            Sort::Relevance => matches!(cursor.place, Place::Rank(..)),
            Sort::Name => matches!(cursor.place, Place::Name(..)),
            Sort::Price | Sort::PriceDescending => matches!(cursor.place, Place::Price(..)),
        };
        fits && cursor.list == self.digest()
    }

    fn digest(&self) -> String {
        Sha256::digest(self.spelling()).iter().take(8).fold(String::new(), |mut text, byte| {
            _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Where a page of a list begins: after this place. It belongs to its list, by the list's digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductCursor {
    list: String,
    /// How the words were understood when the list began.
    pub(super) reading: Reading,
    pub(super) place: Place,
}

/// Where a product stands in a list: what the list is sorted by, then its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Place {
    /// By its name, as it is compared.
    Name(String, ProductId),
    /// By `cheap_first` or `dear_first`.
    Price(i64, ProductId),
    /// By relevance; higher first.
    Rank(f32, ProductId),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(change: impl FnOnce(&mut ProductFilter), sort: Option<Sort>) -> ProductList {
        let mut filter = ProductFilter::default();
        change(&mut filter);
        ProductList::new(filter, sort)
    }

    fn searched(filter: &mut ProductFilter) {
        filter.q = SearchText::parse("айфон").ok();
    }

    #[test]
    fn relevance_needs_words() {
        assert_eq!(list(|_| {}, None).sort(), Sort::Name);
        assert_eq!(list(|_| {}, Some(Sort::Relevance)).sort(), Sort::Name);
        assert_eq!(list(searched, None).sort(), Sort::Relevance);
        assert_eq!(list(searched, Some(Sort::Name)).sort(), Sort::Name);
    }

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let by_name = list(|_| {}, None);
        let cursor = by_name.cursor(Reading::AsTyped, Place::Name("а".to_owned(), ProductId::new()));
        assert!(by_name.has(&cursor));
        assert!(list(|_| {}, Some(Sort::Name)).has(&cursor), "the same list, said otherwise");
        assert!(!list(|_| {}, Some(Sort::Price)).has(&cursor));
        assert!(!list(|filter| filter.in_stock = true, None).has(&cursor));
        assert!(!list(searched, Some(Sort::Name)).has(&cursor));
        let forged = by_name.cursor(Reading::AsTyped, Place::Price(1, ProductId::new()));
        assert!(!by_name.has(&forged), "a place of another kind");
    }

    #[test]
    fn different_filters_are_spelled_differently() {
        let with = |pairs: &[(&str, &str)]| {
            let fill = |filter: &mut ProductFilter| {
                for (name, value) in pairs {
                    filter.parameters.entry((*name).to_owned()).or_default().insert((*value).to_owned());
                }
            };
            list(fill, None).spelling()
        };
        let all = [
            with(&[]),
            with(&[("a", "b")]),
            with(&[("a", "b"), ("a", "c")]),
            with(&[("a", "b"), ("c", "d")]),
            with(&[("a", "b&v1=c")]),
        ];
        let distinct: BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
        assert_eq!(with(&[("c", "d"), ("a", "b")]), with(&[("a", "b"), ("c", "d")]));
    }
}
