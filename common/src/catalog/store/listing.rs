//! Pages of products.
//!
//! A list walks an index of `listed_products` in its order from where the page begins, and reads what it shows from the
//! offers. Its statement is put together from the conditions that are asked for, since one for all of them
//! (`$1 is null or …`) would leave PostgreSQL no index to walk. Only the texts here go into it; values are bound.

use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row, postgres::PgRow};

use super::super::{ProductFilter, ProductList, ProductSummary, Sort, listing::Place, search::Sought};
use crate::{
    ids::{CategoryId, ProductId},
    money::Money,
    page::Limit,
};

/// `sort=relevance` ends after so many.
const MAX_RELEVANT: i64 = 1_000;

/// Of a search that finds more, so many are compared by relevance.
const MAX_COMPARED: i64 = 5_000;

/// What of a product is read from its offers: what can be ordered now, of suppliers that are approved.
const OFFERS: &str = "
    cross join lateral (
        select
            min(o.price_minor) filter (where s.accepting_orders) as price_from,
            coalesce(sum(greatest(t.stock - t.reserved, 0)) filter (where s.accepting_orders), 0)::bigint as available,
            count(*) as offers_count
        from offers o
        join offer_stock t on t.offer_id = o.id
        join suppliers s on s.id = o.supplier_id
        join organizations g on g.id = s.id
        where o.product_id = l.product_id and o.withdrawn_at is null and g.approved_at is not null
    ) x";

/// A product and where it stands in its list.
pub(in super::super) struct Keyed {
    pub(in super::super) key: Key,
    pub(in super::super) product: ProductSummary,
}

/// What a list is sorted by; of the three, what its order needs.
#[derive(Default)]
pub(in super::super) struct Key {
    pub(in super::super) name: String,
    pub(in super::super) price: i64,
    pub(in super::super) rank: f32,
}

/// The column that a list is sorted by, and its type.
fn key_column(sort: Sort) -> &'static str {
    match sort {
        Sort::Relevance => "f.rank",
        Sort::Name => "l.name_key",
        Sort::Price => "l.cheap_first",
        Sort::PriceDescending => "l.dear_first",
    }
}

/// The products of a page and one more, if there is one.
pub(in super::super) async fn products(
    conn: &mut PgConnection,
    list: &ProductList,
    sought: Option<Sought<'_>>,
    after: Option<&Place>,
    limit: Limit,
) -> Result<Vec<Keyed>, sqlx::Error> {
    let (filter, sort) = (list.filter(), list.sort());
    let key = key_column(sort);
    let mut sql = QueryBuilder::<Postgres>::new(format!(
        "select p.id, p.name, p.description, c.id, c.name, x.price_from, x.available, x.offers_count, {key} from "
    ));
    if sort == Sort::Relevance {
        push_relevant(&mut sql, filter, sought);
        sql.push(" f join listed_products l on l.product_id = f.product_id");
    } else {
        sql.push("listed_products l");
    }
    sql.push(" join products p on p.id = l.product_id join categories c on c.id = l.category_id");
    sql.push(OFFERS);
    sql.push(" where x.offers_count > 0");
    if sort != Sort::Relevance {
        push_conditions(&mut sql, filter, sought);
    }
    match after {
        // The best first, so this order turns round, and its two parts do not fit into one comparison.
        Some(Place::Rank(rank, id)) => {
            sql.push(" and (f.rank < ").push_bind(*rank).push(" or (f.rank = ").push_bind(*rank);
            sql.push(" and l.product_id > ").push_bind(*id).push("))");
        }
        Some(Place::Name(name, id)) => {
            sql.push(" and (l.name_key, l.product_id) > (").push_bind(name.clone());
            sql.push(", ").push_bind(*id).push(")");
        }
        Some(Place::Price(price, id)) => {
            sql.push(format!(" and ({key}, l.product_id) > (")).push_bind(*price);
            sql.push(", ").push_bind(*id).push(")");
        }
        None => {}
    }
    let direction = if sort == Sort::Relevance { " desc" } else { "" };
    // The limit stands in the text. Of a plan that must do for any limit PostgreSQL thinks that it reads a tenth of the
    // list, and plans each page of a long list anew instead, which costs more than reading it.
    sql.push(format!(" order by {key}{direction}, l.product_id limit {}", limit.and_one()));

    // A statement that many lists share keeps its plan; of the others the best plan depends on the values.
    let is_common = sought.is_none()
        && !filter.asks_of_offers()
        && filter.price_min.is_none()
        && filter.price_max.is_none();
    let rows = sql.build().persistent(is_common).fetch_all(conn).await?;
    rows.iter().map(|row| keyed(row, sort)).collect()
}

/// The products that are found, with their ranks, the best of them.
fn push_relevant(sql: &mut QueryBuilder<Postgres>, filter: &ProductFilter, sought: Option<Sought<'_>>) {
    let words = match sought {
        Some(Sought::Words(words)) => words,
        Some(Sought::Gtin(_)) | None => "",
    };
    sql.push("(select m.product_id, ts_rank(m.search, ").push_bind(words.to_owned());
    sql.push("::text::tsquery) as rank from (select l.product_id, p.search from listed_products l ");
    sql.push("join products p on p.id = l.product_id where true");
    push_conditions(sql, filter, sought);
    sql.push(" limit ").push_bind(MAX_COMPARED);
    sql.push(") m order by rank desc, m.product_id limit ").push_bind(MAX_RELEVANT).push(")");
}

/// What a product `p` that is listed as `l` must be.
pub(super) fn push_conditions(
    sql: &mut QueryBuilder<Postgres>,
    filter: &ProductFilter,
    sought: Option<Sought<'_>>,
) {
    match sought {
        Some(Sought::Words(words)) => {
            sql.push(" and p.search @@ ").push_bind(words.to_owned()).push("::text::tsquery");
        }
        Some(Sought::Gtin(gtin)) => {
            sql.push(" and p.gtin = ").push_bind(gtin.clone());
        }
        None => {}
    }
    if let Some(id) = filter.category_id {
        sql.push(" and l.category_id = ").push_bind(id);
    }
    if let Some(price) = filter.price_min {
        sql.push(" and l.price_minor >= ").push_bind(price);
    }
    if let Some(price) = filter.price_max {
        sql.push(" and l.price_minor <= ").push_bind(price);
    }
    if filter.asks_of_offers() {
        push_offer_conditions(sql, filter);
    }
}

/// What one of its offers must be.
fn push_offer_conditions(sql: &mut QueryBuilder<Postgres>, filter: &ProductFilter) {
    sql.push(" and exists (select from offers o join suppliers s on s.id = o.supplier_id");
    sql.push(" join organizations g on g.id = s.id");
    if filter.in_stock {
        sql.push(" join offer_stock t on t.offer_id = o.id");
    }
    sql.push(" where o.product_id = l.product_id and o.withdrawn_at is null and g.approved_at is not null");
    if filter.in_stock {
        sql.push(" and s.accepting_orders and t.stock > t.reserved");
    }
    if let Some(id) = filter.supplier_id {
        sql.push(" and o.supplier_id = ").push_bind(id);
    }
    for (name, values) in &filter.parameters {
        sql.push(" and (false");
        for value in values {
            sql.push(" or o.parameters @> ").push_bind(serde_json::json!({ name.clone(): value }));
        }
        sql.push(")");
    }
    sql.push(")");
}

fn keyed(row: &PgRow, sort: Sort) -> Result<Keyed, sqlx::Error> {
    let mut key = Key::default();
    match sort {
        Sort::Relevance => key.rank = row.try_get(8)?,
        Sort::Name => key.name = row.try_get(8)?,
        Sort::Price | Sort::PriceDescending => key.price = row.try_get(8)?,
    }
    Ok(Keyed { key, product: ProductSummary::from_row(row)? })
}

impl FromRow<'_, PgRow> for ProductSummary {
    /// By position: looking up names costs as much as the values.
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get::<ProductId, _>(0)?,
            name: row.try_get(1)?,
            description: row.try_get(2)?,
            category_id: row.try_get::<CategoryId, _>(3)?,
            category_name: row.try_get(4)?,
            price_from: row.try_get::<Option<Money>, _>(5)?,
            available: row.try_get(6)?,
            offers_count: row.try_get(7)?,
        })
    }
}
