//! Keeping `listed_products`, the order of lists.

use sqlx::PgConnection;

use crate::ids::{ProductId, SupplierId};

/// How many offers are looked at in one transaction.
const AT_ONCE: i64 = 2_000;

/// Waits for its turn with a supplier's offers, and keeps it until the transaction ends: for whoever rewrites them.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn claim_supplier(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 2))",
        supplier_id as SupplierId
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether nobody rewrites a supplier's offers; nobody begins to before the transaction ends.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn rests(conn: &mut PgConnection, supplier_id: SupplierId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock_shared(hashtextextended($1::uuid::text, 2)) as "rests!""#,
        supplier_id as SupplierId,
    )
    .fetch_one(conn)
    .await
}

/// Begins a pass over a supplier's products, before which older ones give way, and says its number.
pub(in super::super) async fn begin_pass(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"update suppliers set relistings = relistings + 1 where id = $1 returning relistings"#,
        supplier_id as SupplierId,
    )
    .fetch_one(conn)
    .await
}

/// Whether a pass is the last one that was begun.
pub(in super::super) async fn is_last_pass(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    pass: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from suppliers where id = $1 and relistings = $2) as "last!""#,
        supplier_id as SupplierId,
        pass,
    )
    .fetch_one(conn)
    .await
}

/// Some of a supplier's products, and the last sku that was looked at.
pub(in super::super) struct Locked {
    pub(in super::super) products: Vec<ProductId>,
    pub(in super::super) last_sku: Option<String>,
}

/// The products of the supplier's next offers, locked in the order of their ids, as imports do.
pub(in super::super) async fn lock_products_of(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    after_sku: Option<&str>,
) -> Result<Locked, sqlx::Error> {
    let offers = sqlx::query!(
        r#"
        select sku, product_id as "product_id: ProductId"
        from offers
        where supplier_id = $1 and ($2::text is null or sku > $2)
        order by sku
        limit $3
        "#,
        supplier_id as SupplierId,
        after_sku,
        AT_ONCE,
    )
    .fetch_all(&mut *conn)
    .await?;
    let products: Vec<ProductId> = offers.iter().map(|offer| offer.product_id).collect();
    let products = sqlx::query_scalar!(
        r#"
        select id as "id: ProductId"
        from products
        where id = any ($1)
        order by id
        for no key update
        "#,
        &products as &[ProductId],
    )
    .fetch_all(conn)
    .await?;
    Ok(Locked { products, last_sku: offers.into_iter().last().map(|offer| offer.sku) })
}

/// Brings products to their places in lists, or takes them off: those that have an offer to show are listed, at the
/// price of their cheapest offer of an open supplier. The caller has locked them. Says how many left a place.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn relist(conn: &mut PgConnection, products: &[ProductId]) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with wanted as materialized (
            select
                p.id, p.category_id, p.name_key, x.is_shown, x.price_minor,
                l.product_id is not null as is_listed, l.price_minor as price_before
            from unnest($1::uuid[]) as t (id)
            join products p on p.id = t.id
            left join listed_products l on l.product_id = p.id
            cross join lateral (
                select count(*) > 0 as is_shown, min(o.price_minor) filter (where s.accepting_orders) as price_minor
                from offers o
                join suppliers s on s.id = o.supplier_id
                join organizations g on g.id = s.id
                where o.product_id = p.id and o.withdrawn_at is null and g.approved_at is not null
            ) x
        ),
        gone as (
            delete from listed_products l
            using wanted w
            where l.product_id = w.id and not w.is_shown
        ),
        placed as (
            insert into listed_products (product_id, category_id, name_key, price_minor)
            select w.id, w.category_id, w.name_key, w.price_minor
            from wanted w
            where w.is_shown and (not w.is_listed or w.price_before is distinct from w.price_minor)
            on conflict (product_id) do update set price_minor = excluded.price_minor
        )
        select count(*) as "left!"
        from wanted w
        where w.is_listed and (not w.is_shown or w.price_before is distinct from w.price_minor)
        "#,
        products as &[ProductId],
    )
    .fetch_one(conn)
    .await
}

/// Clears away the places that products have left. Not within a transaction.
///
/// # Errors
/// When the database refuses; also when a list has just had the table analyzed, and takes long to commit.
pub async fn clear_places(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    // On one processor only, and without a lock that stops readers, for space that the next list needs again.
    sqlx::query!("vacuum (parallel 0, truncate off) listed_products").execute(conn).await?;
    Ok(())
}
