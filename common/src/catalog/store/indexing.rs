//! Keeping what searches find products by.

use sqlx::PgConnection;

use crate::ids::ProductId;

/// Makes products findable by their names, categories, and the models and parameters of their offers. The caller has
/// locked them.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn index(conn: &mut PgConnection, products: &[ProductId]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with texts as materialized (
            select
                p.id, p.name, c.name as category,
                (select string_agg(distinct o.model, ' ') from offers o where o.product_id = p.id) as models,
                (
                    select string_agg(distinct v.key || ' ' || v.value, ' ')
                    from offers o, jsonb_each_text(o.parameters) as v
                    where o.product_id = p.id
                ) as parameters
            from unnest($1::uuid[]) as t (id)
            join products p on p.id = t.id
            join categories c on c.id = p.category_id
        ),
        -- In one order, so that two imports with the same new words do not wait for each other in a circle.
        new_words as (
            select distinct w
            from texts t, vocabulary_of(concat_ws(' ', t.name, t.category, t.models, left(t.parameters, 10000))) as w
            where not exists (select from search_vocabulary v where v.word = w)
            order by w
        ),
        learned as (
            insert into search_vocabulary (word) select w from new_words on conflict (word) do nothing
        )
        update products p
        set search = product_vector(t.name, t.models, t.category, t.parameters)
        from texts t
        where p.id = t.id
        "#,
        products as &[ProductId],
    )
    .execute(conn)
    .await?;
    Ok(())
}
