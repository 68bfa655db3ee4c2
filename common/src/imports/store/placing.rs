//! The products that a list touches: how searches find them, and where they stand in lists.

use sqlx::PgConnection;

use super::gtins::move_gtins;
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
    /// Whether it may get a GTIN, or lose one.
    moves_gtin: bool,
}

/// Makes what the list touched findable, and brings it to its places in the catalogue's lists. A product that had no
/// description gets its first.
///
/// Products are shared by suppliers: they are locked first, all of them in one order, so that two imports neither wait
/// in a circle nor overlook each other's offers. Those that the list has brought are nobody else's yet.
pub(super) async fn place_products(
    conn: &mut PgConnection,
    id: PriceImportId,
    has_new_gtins: bool,
) -> Result<(), sqlx::Error> {
    list_fresh(conn, id).await?;
    let touched = lock_touched(conn, id).await?;
    let moved: Vec<ProductId> =
        touched.iter().filter(|product| product.moves_gtin).map(|product| product.id).collect();
    if !moved.is_empty() {
        move_gtins(conn, &moved, has_new_gtins).await?;
    }
    describe(conn, id).await?;
    let mut left = 0;
    for some in touched.chunks(PLACED_AT_ONCE) {
        let ids = |wanted: fn(&Touched) -> bool| -> Vec<ProductId> {
            some.iter().filter(|product| wanted(product)).map(|product| product.id).collect()
        };
        let (reindex, relist) = (ids(|product| product.reindex), ids(|product| product.relist));
        if !reindex.is_empty() {
            catalog::index(conn, &reindex).await?;
        }
        if !relist.is_empty() {
            left += catalog::relist(conn, &relist).await?;
        }
    }
    catalog::have_places_cleared(conn, left).await?;
    learn_words(conn, id).await
}

/// Lists the products that the list has brought: no other supplier's offers count yet.
async fn list_fresh(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into listed_products (product_id, category_id, name_key, price_minor)
        select p.id, p.category_id, p.name_key, f.price_minor
        from (
            select s.product_id, case when u.accepting_orders then min(s.price_minor) end as price_minor
            from price_imports i
            join suppliers u on u.id = i.supplier_id
            join organizations g on g.id = u.id
            join price_import_stage s on s.import_id = i.id
            where i.id = $1 and g.approved_at is not null and s.fresh and not s.withdraw
            group by s.product_id, u.accepting_orders
        ) as f
        join products p on p.id = f.product_id
        order by p.category_id, p.name_key
        "#,
        id as PriceImportId,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn lock_touched(conn: &mut PgConnection, id: PriceImportId) -> Result<Vec<Touched>, sqlx::Error> {
    sqlx::query_as!(
        Touched,
        r#"
        select
            p.id as "id: ProductId", t.reindex as "reindex!", t.relist as "relist!", t.moves_gtin as "moves_gtin!"
        from products p
        join (
            select
                id, bool_or(reindex) as reindex, bool_or(relist) as relist, bool_or(moves_gtin) as moves_gtin
            from (
                select
                    product_id as id, reindex,
                    not fresh and (change = 'inserted' or changes ?| array['price', 'product', 'withdrawn'])
                        as relist,
                    moves_gtin
                from price_import_stage
                where import_id = $1 and change in ('inserted', 'updated')
                union all
                select product_id, reindex, false, moves_gtin
                from price_import_stage
                where import_id = $1 and change is null and (reindex or moves_gtin)
                union all
                select product_before, true, true, true
                from price_import_stage
                where import_id = $1 and product_before <> product_id
                union all
                select p.id, false, false, true
                from price_import_stage s
                join products p on p.gtin = s.gtin
                where s.import_id = $1 and s.moves_gtin and p.id <> s.product_id
                union all
                select o.product_id, false, true, false
                from offer_changes c
                join offers o on o.id = c.offer_id
                where c.import_id = $1 and c.change = 'withdrawn'
            ) as every
            where reindex or relist or moves_gtin
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

/// Gives products that have none a description.
async fn describe(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update products p
        set description = d.description
        from (
            select distinct on (product_id) product_id, description
            from price_import_stage
            where import_id = $1 and description is not null and not fresh
            order by product_id, row
        ) as d
        where p.id = d.product_id and p.description is null
        "#,
        id as PriceImportId,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds the words of the goods that searches may find now to the vocabulary. All of them in one order, by one
/// statement, so that two imports with the same new words do not wait for each other in a circle; and late, since
/// whoever has the same new words waits until the transaction ends. Texts that goods share are cut into words once.
async fn learn_words(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with found as materialized (
            select name, category, model, parameters
            from price_import_stage
            where import_id = $1 and (reindex or fresh)
        )
        insert into search_vocabulary (word)
        select distinct w.word
        from (
            select name from found
            union
            select category from found
            union
            select model from found
            union
            select e.key from found, jsonb_each_text(parameters) as e
            union
            select e.value from found, jsonb_each_text(parameters) as e
        ) as t (words)
        cross join lateral vocabulary_of(t.words) as w (word)
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
