//! How a list is spread over categories, suppliers and parameters.

use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::{
    super::{FacetCount, Facets, ParameterFacet, ProductFilter, search::Sought},
    listing::push_conditions,
};
use crate::ids::{CategoryId, SupplierId};

/// At most so many products are counted.
const MAX_COUNTED: i64 = 5_000;

/// At most so many categories and suppliers are named, so many parameters, and so many values of each.
const MAX_NAMED: i64 = 50;
const MAX_PARAMETERS: i64 = 20;
const MAX_VALUES: i64 = 20;

/// The counts over the products of a filter, each product once.
pub(in super::super) async fn facets(
    conn: &mut PgConnection,
    filter: &ProductFilter,
    sought: Option<Sought<'_>>,
) -> Result<Facets, sqlx::Error> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "with matched as materialized (
            select l.product_id, l.category_id
            from listed_products l
            join products p on p.id = l.product_id
            where true",
    );
    push_conditions(&mut sql, filter, sought);
    sql.push(" limit ").push_bind(MAX_COUNTED + 1);
    sql.push(
        "), shown as materialized (
            select m.product_id, o.supplier_id, g.name as supplier_name, o.parameters
            from matched m
            join offers o on o.product_id = m.product_id
            join organizations g on g.id = o.supplier_id
            where o.withdrawn_at is null and g.approved_at is not null
        ), valued as (
            select v.key as name, v.value, count(distinct s.product_id) as products
            from shown s
            cross join lateral jsonb_each_text(s.parameters) as v
            group by v.key, v.value
        ), ranked as (
            select
                name, value, products, sum(products) over (partition by name) as weight,
                row_number() over (partition by name order by products desc, value) as place
            from valued
        ), named as (
            select name, value, products, dense_rank() over (order by weight desc, name) as name_place, place
            from ranked
        )
        select 0::bigint, null::uuid, '', '', count(*) from matched
        union all
        (
            select 1, m.category_id, c.name, '', count(*)
            from matched m
            join categories c on c.id = m.category_id
            group by m.category_id, c.name
            order by 5 desc, 3
            limit ",
    );
    sql.push_bind(MAX_NAMED);
    sql.push(
        ")
        union all
        (
            select 2, supplier_id, supplier_name, '', count(distinct product_id)
            from shown
            group by supplier_id, supplier_name
            order by 5 desc, 3
            limit ",
    );
    sql.push_bind(MAX_NAMED);
    sql.push(") union all (select 3, null, name, value, products from named where name_place <= ");
    sql.push_bind(MAX_PARAMETERS).push(" and place <= ").push_bind(MAX_VALUES);
    sql.push(" order by name_place, place)");

    let mut facets = Facets::default();
    for row in sql.build().persistent(false).fetch_all(conn).await? {
        let (name, products): (String, i64) = (row.try_get(2)?, row.try_get(4)?);
        let id: Option<Uuid> = row.try_get(1)?;
        match (row.try_get::<i64, _>(0)?, id) {
            (0, _) => {
                facets.counted = products.min(MAX_COUNTED);
                facets.complete = products <= MAX_COUNTED;
            }
            (1, Some(id)) => facets.categories.push(FacetCount { id: CategoryId(id), name, products }),
            (2, Some(id)) => facets.suppliers.push(FacetCount { id: SupplierId(id), name, products }),
            _ => {
                let value = row.try_get(3)?;
                match facets.parameters.last_mut().filter(|facet| facet.name == name) {
                    Some(facet) => facet.values.push((value, products)),
                    None => facets.parameters.push(ParameterFacet { name, values: vec![(value, products)] }),
                }
            }
        }
    }
    Ok(facets)
}
