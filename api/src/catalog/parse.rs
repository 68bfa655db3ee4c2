//! What a query asks of the list of products.

use common::{
    catalog::{ParameterFilter, ProductCursor, ProductFilter, ProductList, ProductRequest, SearchText, Sort},
    money::Money,
    text::Invalid,
};

use crate::{
    error::{ApiError, ApiResult},
    params::{PageQuery, Query},
};

/// At most so many parameters, with so many values each, of at most so many characters.
const MAX_PARAMETERS: usize = 10;
const MAX_VALUES: usize = 20;
const MAX_LENGTH: usize = 200;

/// The page that is asked for.
pub(super) fn products(query: PageQuery<ProductCursor>) -> ApiResult<ProductRequest> {
    let PageQuery { paging, mut query } = query;
    let mut filter = ProductFilter {
        q: query.take("q", SearchText::parse),
        category_id: query.take_id("category_id"),
        supplier_id: query.take_id("supplier_id"),
        price_min: query.take("price_min", Money::parse_exact),
        price_max: query.take("price_max", Money::parse_exact),
        in_stock: query.take_bool("in_stock").unwrap_or_default(),
        parameters: parameters(&mut query),
    };
    if filter.price_min.zip(filter.price_max).is_some_and(|(min, max)| min > max) {
        query.refuse("price_max", Invalid::new("out_of_range", "expected at least `price_min`"));
        filter.price_max = None;
    }
    let sort = query.take_word("sort", "relevance, name, price or -price", Sort::parse);
    let facets = query.take_bool("facets").unwrap_or_default();
    query.finish()?;
    let list = ProductList::new(filter, sort);
    if paging.after.as_ref().is_some_and(|cursor| !list.has(cursor)) {
        let foreign = Invalid::new("invalid", "expected a `next_cursor` of this list");
        return Err(ApiError::field("cursor", foreign));
    }
    Ok(ProductRequest { list, after: paging.after, limit: paging.limit, facets })
}

fn parameters(query: &mut Query) -> ParameterFilter {
    let mut filter = ParameterFilter::new();
    for (name, value) in query.take_map("param") {
        if name.chars().count() > MAX_LENGTH || value.chars().count() > MAX_LENGTH {
            let detail = format!("expected a name and a value of at most {MAX_LENGTH} characters");
            query.refuse("param", Invalid::new("too_long", detail));
            continue;
        }
        filter.entry(name).or_default().insert(value);
    }
    if filter.len() > MAX_PARAMETERS || filter.values().any(|values| values.len() > MAX_VALUES) {
        let detail = format!("expected at most {MAX_PARAMETERS} parameters with {MAX_VALUES} values each");
        query.refuse("param", Invalid::new("too_many", detail));
    }
    filter
}

/// The one spelling of a request: whatever is written otherwise and asks for the same page has the same.
pub(super) fn spelling(request: &ProductRequest) -> String {
    let after = request.after.as_ref().and_then(|cursor| serde_json::to_string(cursor).ok());
    let (list, limit) = (request.list.spelling(), request.limit.and_one());
    format!("{list}&{limit}&{}&{}", u8::from(request.facets), after.unwrap_or_default())
}
