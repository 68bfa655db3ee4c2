//! Keeping what searches find products by.

use sqlx::PgConnection;

use crate::ids::ProductId;

/// Makes products findable by their names, categories, and the models and parameters of their offers. The caller has
/// locked them.
///
/// A product may have any number of offers: of their models and parameters some are enough, and what is made of them
/// must fit into a `tsvector`, which holds 1 MiB.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn index(conn: &mut PgConnection, products: &[ProductId]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update products p
        set search = product_vector(p.name, m.models, c.name, v.parameters)
        from unnest($1::uuid[]) as t (id)
        join products q on q.id = t.id
        join categories c on c.id = q.category_id
        cross join lateral (
            select string_agg(model, ' ') as models
            from (select distinct model from offers where product_id = t.id order by model limit 500) as few
        ) as m
        cross join lateral (
            select string_agg(parameter, ' ') as parameters
            from (
                select distinct e.key || ' ' || e.value as parameter
                from offers o, jsonb_each_text(o.parameters) as e
                where o.product_id = t.id
                order by parameter
                limit 2000
            ) as few
        ) as v
        where p.id = t.id
        "#,
        products as &[ProductId],
    )
    .execute(conn)
    .await?;
    Ok(())
}
