//! Reading lists, and keeping them in order.

use sqlx::PgConnection;

use super::{
    Facets, ProductCursor, ProductList, ProductSummary, Sort,
    jobs::{ClearPlaces, RelistSupplier},
    listing::Place,
    search::{Reading, SearchText, Sought, Word, corrections, with_corrections},
    store::{self, Keyed},
};
use crate::{
    ids::SupplierId,
    page::{Limit, Page},
    queue,
};

/// Fewer add at most a seventh to what a page reads, and wait for autovacuum, which heeds the same number (migration 34).
const MANY_PLACES: i64 = 10_000;

/// A page of products, with the facets of the whole list where they were asked for.
#[derive(Clone, Debug)]
pub struct ProductPage {
    /// The page.
    pub page: Page<ProductSummary, ProductCursor>,
    /// The facets.
    pub facets: Option<Facets>,
}

/// How a list is asked for.
#[derive(Clone, Debug)]
pub struct ProductRequest {
    /// Which list.
    pub list: ProductList,
    /// After which of its places.
    pub after: Option<ProductCursor>,
    /// How many products.
    pub limit: Limit,
    /// Whether with facets.
    pub facets: bool,
}

/// A page of a list. Words that find nothing as they were typed are read in other ways, and the cursor remembers in which.
///
/// # Errors
/// When the database refuses.
pub async fn products(conn: &mut PgConnection, request: &ProductRequest) -> Result<ProductPage, sqlx::Error> {
    let Some(q) = &request.list.filter().q else {
        return page(conn, request, Reading::AsTyped, None).await;
    };
    if let Some(gtin) = q.as_gtin()
        && store::has_gtin(conn, &gtin).await?
    {
        return page(conn, request, Reading::AsTyped, Some(Sought::Gtin(&gtin))).await;
    }
    let from = request.after.as_ref().map_or(Reading::AsTyped, |cursor| cursor.reading);
    for reading in Reading::ALL.into_iter().skip_while(|reading| *reading != from) {
        let Some(query) = interpret(conn, q, reading).await? else { continue };
        let found = page(conn, request, reading, Some(Sought::Words(&query))).await?;
        let ends_here = !found.page.items.is_empty()
            || request.after.is_some()
            // The words are understood, and it is the rest of the filter that leaves nothing.
            || (request.list.filter().is_narrower_than_its_words() && store::finds_any(conn, &query).await?);
        if ends_here {
            return Ok(found);
        }
    }
    let nothing = Page { items: Vec::new(), next: None };
    let facets = request.facets.then(|| Facets { complete: true, ..Facets::default() });
    Ok(ProductPage { page: nothing, facets })
}

/// The words in one reading, as PostgreSQL searches for them; `None` when there is nothing to search for.
async fn interpret(
    conn: &mut PgConnection,
    q: &SearchText,
    reading: Reading,
) -> Result<Option<String>, sqlx::Error> {
    let words = match reading {
        Reading::AsTyped => q.as_typed(),
        Reading::OtherLayout => q.in_both_layouts(),
        Reading::Corrected => match correct(conn, &q.words()).await? {
            Some(words) => words,
            None => return Ok(None),
        },
    };
    store::search_query(conn, &words).await
}

/// The words, each with those that it may be misspelled from; `None` when there are none.
async fn correct(conn: &mut PgConnection, words: &[Word]) -> Result<Option<Vec<String>>, sqlx::Error> {
    let (typed, other) = (words.iter().map(|word| &word.typed), words.iter().map(|word| &word.other));
    let both: Vec<String> = typed.chain(other).cloned().collect();
    let mut alike = vec![Vec::new(); both.len()];
    for (place, word) in store::similar_words(conn, &both).await? {
        if let Some(words) = alike.get_mut(place) {
            words.push(word);
        }
    }
    let (like_typed, like_other) = alike.split_at(words.len());
    let (mut readings, mut is_changed) = (Vec::new(), false);
    for (word, (like_typed, like_other)) in words.iter().zip(like_typed.iter().zip(like_other)) {
        let corrections = corrections(word, like_typed, like_other);
        is_changed |= !corrections.is_empty();
        readings.push(with_corrections(word, &corrections));
    }
    Ok(is_changed.then_some(readings))
}

async fn page(
    conn: &mut PgConnection,
    request: &ProductRequest,
    reading: Reading,
    sought: Option<Sought<'_>>,
) -> Result<ProductPage, sqlx::Error> {
    let list = &request.list;
    let after = request.after.as_ref().map(|cursor| &cursor.place);
    let found = store::products(conn, list, sought, after, request.limit).await?;
    let page = request.limit.page(found, |Keyed { key, product }| {
        let place = match list.sort() {
            Sort::Relevance => Place::Rank(key.rank, product.id),
            Sort::Name => Place::Name(key.name.clone(), product.id),
            Sort::Price | Sort::PriceDescending => Place::Price(key.price, product.id),
        };
        list.cursor(reading, place)
    });
    let items = page.items.into_iter().map(|keyed| keyed.product).collect();
    let facets = if request.facets { Some(store::facets(conn, list.filter(), sought).await?) } else { None };
    Ok(ProductPage { page: Page { items, next: page.next }, facets })
}

/// Has the products of a supplier brought to their places: for whoever closes, opens or approves it, in the same
/// transaction.
///
/// # Errors
/// When the database refuses.
pub async fn relist_supplier(conn: &mut PgConnection, supplier_id: SupplierId) -> Result<(), sqlx::Error> {
    let pass = store::begin_pass(conn, supplier_id).await?;
    queue::enqueue(conn, &RelistSupplier { supplier_id, pass, after_sku: None, left: 0 }).await?;
    Ok(())
}

/// What became of some of a supplier's products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relisted {
    /// They stand in their places. Those that are left are the next job's, if there are any.
    Done,
    /// A newer pass takes care of all of them.
    GivenWay,
    /// A list of the supplier is being applied, whose offers nobody sees yet, and which itself does not see what has
    /// changed.
    Busy,
}

/// Brings the products of some of a supplier's offers to their places, and has the next job go on after them.
///
/// # Errors
/// When the database refuses.
pub async fn relist_some(conn: &mut PgConnection, job: &RelistSupplier) -> Result<Relisted, sqlx::Error> {
    if !store::is_last_pass(conn, job.supplier_id, job.pass).await? {
        return Ok(Relisted::GivenWay);
    }
    if !store::rests(conn, job.supplier_id).await? {
        return Ok(Relisted::Busy);
    }
    let locked = store::lock_products_of(conn, job.supplier_id, job.after_sku.as_deref()).await?;
    let left = job.left + store::relist(conn, &locked.products).await?;
    if locked.last_sku.is_some() {
        queue::enqueue(conn, &RelistSupplier { after_sku: locked.last_sku, left, ..*job }).await?;
    } else {
        have_places_cleared(conn, left).await?;
    }
    Ok(Relisted::Done)
}

/// Has the places that products have left cleared away, if they are many.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn have_places_cleared(conn: &mut PgConnection, left: i64) -> Result<(), sqlx::Error> {
    if left >= MANY_PLACES {
        queue::enqueue(conn, &ClearPlaces {}).await?;
    }
    Ok(())
}
