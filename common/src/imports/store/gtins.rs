//! GTINs of a staged list: which products its goods are by them, and which products get one, or lose it.
//!
//! An offer carries the GTIN that its supplier says; a product has one where an offer of it that is shown says so, and no
//! two products have the same.
//!
//! - A GTIN that a product has through somebody else's offer leads there, whatever the list calls the good.
//! - Any other is for the list to place: its goods go by category and name, and take their GTIN along. So a supplier that
//!   mends a slip, or goods whose GTINs stood in the wrong rows, are where they belong with its next list.
//! - Goods of one list with the same GTIN are one product; the first of them names it. A new product whose goods have several
//!   gets the lowest.
//! - A product that was made without a GTIN gets it with the first offer that says one. Goods without one go by their name,
//!   whether or not the product has one.
//! - A product keeps its GTIN while an offer that is shown says so. Another GTIN under the same category and name is an
//!   offer of the same product then, and carries its own: nobody's list fails for what a stranger's says.
//!
//! Of this only the names change in the stage, so that what follows finds products by name and nothing else. Products
//! get their GTINs when they are locked, in the order of their ids, with all else that is written of them; and only
//! by one list at a time, since two that give the same number to different products would not see each other. A list
//! whose GTINs are all where they belong waits for nobody.

use sqlx::PgConnection;

use super::Begun;
use crate::ids::{PriceImportId, ProductId, SupplierId};

/// Brings the goods of a list to the names of the products that they are by their GTINs. Returns whether products get
/// GTINs by it; no other list gives any until the transaction ends then.
pub(super) async fn follow_gtins(conn: &mut PgConnection, begun: &Begun) -> Result<bool, sqlx::Error> {
    if !look_up_gtins(conn, begun).await? || !are_new(conn, begun.id).await? {
        return Ok(false);
    }
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('gtins', 4))").execute(&mut *conn).await?;
    // Another list may have given them meanwhile.
    look_up_gtins(conn, begun).await
}

/// The same for a list that is only looked at. Returns whether it names any GTIN.
pub(super) async fn look_up_gtins(conn: &mut PgConnection, begun: &Begun) -> Result<bool, sqlx::Error> {
    let any = sqlx::query_scalar!(
        r#"
        select exists (
            select from price_import_stage where import_id = $1 and gtin is not null and not withdraw
        ) as "any!"
        "#,
        begun.id as PriceImportId,
    );
    if !any.fetch_one(&mut *conn).await? {
        return Ok(false);
    }
    name_as_others(conn, begun).await?;
    name_as_first(conn, begun.id).await?;
    Ok(true)
}

/// What others offer under the GTIN of a good is what the good is. A limit keeps each such product a look-up of its own,
/// where the planner would read all offers that there are.
async fn name_as_others(conn: &mut PgConnection, begun: &Begun) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with elsewhere as materialized (
            select
                s.ctid as place, p.id, p.gtin, p.name, p.name_key, c.name as category, c.name_key as category_key
            from price_import_stage s
            join products p on p.gtin = s.gtin
            join categories c on c.id = p.category_id
            where s.import_id = $1 and not s.withdraw and (s.category_key, s.name_key) <> (c.name_key, p.name_key)
        )
        update price_import_stage s
        set category = e.category, category_key = e.category_key, name = e.name, name_key = e.name_key
        from elsewhere e
        cross join lateral (
            select o.id
            from offers o
            join organizations g on g.id = o.supplier_id
            where o.product_id = e.id and o.gtin = e.gtin and o.supplier_id <> $2 and o.withdrawn_at is null
              and g.approved_at is not null
            limit 1
        ) as said
        where s.ctid = e.place and s.import_id = $1
        "#,
        begun.id as PriceImportId,
        begun.supplier_id as SupplierId,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Goods with one GTIN are one product.
async fn name_as_first(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update price_import_stage s
        set category = f.category, category_key = f.category_key, name = f.name, name_key = f.name_key
        from (
            select distinct on (gtin) gtin, category, category_key, name, name_key
            from price_import_stage
            where import_id = $1 and gtin is not null and not withdraw
            order by gtin, row
        ) as f
        where s.import_id = $1 and s.gtin = f.gtin and not s.withdraw
          and (s.category_key, s.name_key) <> (f.category_key, f.name_key)
        "#,
        id as PriceImportId,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether some GTIN is not that of the product of its good's name. Counted, since mostly none is, and then looking for
/// the first one would be looking up each by itself.
async fn are_new(conn: &mut PgConnection, id: PriceImportId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) > 0 as "new!"
        from price_import_stage s
        where s.import_id = $1 and s.gtin is not null and not s.withdraw
          and not exists (
            select
            from products p
            join categories c on c.id = p.category_id
            where p.gtin = s.gtin and p.name_key = s.name_key and c.name_key = s.category_key
          )
        "#,
        id as PriceImportId,
    )
    .fetch_one(conn)
    .await
}

/// Takes GTINs from products of which no offer that is shown says so any more, and gives products without one what such
/// an offer of them says, where the list may do that. The caller has locked the products.
pub(super) async fn move_gtins(
    conn: &mut PgConnection,
    products: &[ProductId],
    may_give: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update products p
        set gtin = null
        where p.id = any ($1) and p.gtin is not null
          and not exists (select from shown_offers o where o.product_id = p.id and o.gtin = p.gtin)
        "#,
        products as &[ProductId],
    )
    .execute(&mut *conn)
    .await?;
    if !may_give {
        return Ok(());
    }
    sqlx::query!(
        r#"
        update products p
        set gtin = n.gtin
        from (
            select distinct on (f.gtin) f.product_id, f.gtin
            from (
                select distinct on (o.product_id) o.product_id, o.gtin
                from products k
                join shown_offers o on o.product_id = k.id
                where k.id = any ($1) and k.gtin is null and o.gtin is not null
                  and not exists (select from products t where t.gtin = o.gtin)
                order by o.product_id, o.id
            ) as f
            order by f.gtin, f.product_id
        ) as n
        where p.id = n.product_id
        "#,
        products as &[ProductId],
    )
    .execute(conn)
    .await?;
    Ok(())
}
