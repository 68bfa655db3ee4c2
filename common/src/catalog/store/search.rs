//! Words, as PostgreSQL searches for them. The functions stand in migration 9.

use sqlx::PgConnection;

use super::super::Gtin;

/// A search for words, each in all its readings, with their synonyms; `None` when nothing of it can be searched for.
pub(in super::super) async fn search_query(
    conn: &mut PgConnection,
    words: &[String],
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select q::text as "query!"
        from search_query($1) as q
        where numnode(q) > 0
        "#,
        words,
    )
    .fetch_optional(conn)
    .await
}

/// Words of the vocabulary that are like each of some words, with the places of these, from zero.
pub(in super::super) async fn similar_words(
    conn: &mut PgConnection,
    words: &[String],
) -> Result<Vec<(usize, String)>, sqlx::Error> {
    let rows = sqlx::query!(r#"select place - 1 as "place!", word as "word!" from similar_words($1)"#, words)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().filter_map(|row| Some((usize::try_from(row.place).ok()?, row.word))).collect())
}

/// Whether a product that is shown has this number.
pub(in super::super) async fn has_gtin(conn: &mut PgConnection, gtin: &Gtin) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from products p join listed_products l on l.product_id = p.id where p.gtin = $1
        ) as "has!"
        "#,
        gtin.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Whether a search finds any product that is shown.
pub(in super::super) async fn finds_any(conn: &mut PgConnection, query: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select
            from products p
            join listed_products l on l.product_id = p.id
            where p.search @@ $1::text::tsquery
        ) as "any!"
        "#,
        query,
    )
    .fetch_one(conn)
    .await
}
