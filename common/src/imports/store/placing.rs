//! The products that a list touches: how searches find them, and where they stand in lists.

use sqlx::PgConnection;

use crate::{
    catalog,
    ids::{PriceImportId, ProductId},
};

/// Of so many products at once what they are found by is made anew.
const PLACED_AT_ONCE: usize = 5_000;

/// A product that the list touched, and how.
struct Touched {
    id: ProductId,
    /// What it is found by may have changed.
    reindex: bool,
    /// Whether or at what price it is listed may have changed.
    relist: bool,
}

/// Makes what the list touched findable, and brings it to its places in the catalogue's lists. A product that had no
/// description gets its first.
///
/// Products are shared by suppliers: they are locked first, all of them in one order, so that two imports neither wait
/// in a circle nor overlook each other's offers.
pub(super) async fn place_products(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    let touched = lock_touched(conn, id).await?;
    for some in touched.chunks(PLACED_AT_ONCE) {
        let ids = |wanted: fn(&Touched) -> bool| -> Vec<ProductId> {
            some.iter().filter(|product| wanted(product)).map(|product| product.id).collect()
        };
        let (reindex, relist) = (ids(|product| product.reindex), ids(|product| product.relist));
        if !reindex.is_empty() {
            describe(conn, id, &reindex).await?;
            catalog::index(conn, &reindex).await?;
        }
        if !relist.is_empty() {
            catalog::relist(conn, &relist).await?;
        }
    }
    learn_words(conn, id).await
}

async fn lock_touched(conn: &mut PgConnection, id: PriceImportId) -> Result<Vec<Touched>, sqlx::Error> {
    sqlx::query_as!(
        Touched,
        r#"
        select p.id as "id: ProductId", t.reindex as "reindex!", t.relist as "relist!"
        from products p
        join (
            select id, bool_or(reindex) as reindex, bool_or(relist) as relist
            from (
                select
                    product_id as id, reindex,
                    change = 'inserted' or changes ?| array['price', 'product', 'withdrawn'] as relist
                from price_import_stage
                where import_id = $1 and change in ('inserted', 'updated')
                union all
                select product_id, true, false
                from price_import_stage
                where import_id = $1 and change = 'unchanged' and reindex
                union all
                select product_before, true, true
                from price_import_stage
                where import_id = $1 and product_before <> product_id
                union all
                select o.product_id, false, true
                from offer_changes c
                join offers o on o.id = c.offer_id
                where c.import_id = $1 and c.change = 'withdrawn'
            ) as every
            where reindex or relist
            group by id
        ) as t on t.id = p.id
        order by p.id
        for no key update of p
        "#,
        id as PriceImportId,
    )
    .fetch_all(conn)
    .await
}

async fn describe(
    conn: &mut PgConnection,
    id: PriceImportId,
    products: &[ProductId],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update products p
        set description = d.description
        from (
            select distinct on (s.product_id) s.product_id, s.description
            from price_import_stage s
            where s.import_id = $2 and s.description is not null and s.product_id = any ($1)
            order by s.product_id, s.row
        ) as d
        where p.id = d.product_id and p.description is null
        "#,
        products as &[ProductId],
        id as PriceImportId,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds the words of the goods that searches may find now to the vocabulary. All of them in one order, by one
/// statement, so that two imports with the same new words do not wait for each other in a circle; and late, since
/// whoever has the same new words waits until the transaction ends.
async fn learn_words(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into search_vocabulary (word)
        select w.word
        from (
            select distinct v.word
            from price_import_stage s
            cross join lateral (
                select string_agg(p.key || ' ' || p.value, ' ') as words from jsonb_each_text(s.parameters) as p
            ) as p
            cross join lateral vocabulary_of(concat_ws(' ', s.name, s.category, s.model, p.words)) as v (word)
            where s.import_id = $1 and s.reindex
        ) as w
        where not exists (select from search_vocabulary k where k.word = w.word)
        order by w.word
        on conflict (word) do nothing
        "#,
        id as PriceImportId,
    )
    .execute(conn)
    .await?;
    Ok(())
}
