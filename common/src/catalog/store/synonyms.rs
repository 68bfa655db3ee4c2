//! Synonyms.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::super::{Meanings, Synonym, SynonymWord};
use crate::{ids::SynonymId, page::Limit};

/// A page of synonyms, by their words.
///
/// # Errors
/// When the database refuses.
pub async fn synonyms(
    conn: &mut PgConnection,
    after: Option<&SynonymWord>,
    limit: Limit,
) -> Result<Vec<Synonym>, sqlx::Error> {
    sqlx::query_as!(
        Synonym,
        r#"
        select id as "id: SynonymId", word, means, updated_at
        from search_synonyms
        where $1::text is null or word > $1
        order by word
        limit $2
        "#,
        after.map(SynonymWord::as_str),
        limit.and_one(),
    )
    .fetch_all(conn)
    .await
}

/// Says what a word means from now on; `None` for what the database, which knows other letters, does not compare as one
/// word.
///
/// # Errors
/// When the database refuses.
pub async fn put_synonym(
    conn: &mut PgConnection,
    word: &SynonymWord,
    means: &Meanings,
    now: OffsetDateTime,
) -> Result<Option<Synonym>, sqlx::Error> {
    sqlx::query_as!(
        Synonym,
        r#"
        insert into search_synonyms (id, word, means, updated_at)
        select $1, $2, $3, $4
        where $2 = search_words($2) and $2 ~ '^\S+$'
        on conflict (word) do update set means = excluded.means, updated_at = excluded.updated_at
        returning id as "id: SynonymId", word, means, updated_at
        "#,
        SynonymId::new() as SynonymId,
        word.as_str(),
        means.as_slice(),
        now,
    )
    .fetch_optional(conn)
    .await
}

/// Lets a word mean itself again; `None` when it had no synonyms.
///
/// # Errors
/// When the database refuses.
pub async fn delete_synonym(
    conn: &mut PgConnection,
    word: &SynonymWord,
) -> Result<Option<SynonymId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"delete from search_synonyms where word = $1 returning id as "id: SynonymId""#,
        word.as_str(),
    )
    .fetch_optional(conn)
    .await
}
