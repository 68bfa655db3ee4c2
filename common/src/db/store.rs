//! What a start asks of the database.

use sqlx::{PgConnection, PgPool};

/// A migration that was applied: its number, and the hash of its text.
pub(super) type Applied = (i64, Vec<u8>);

/// The migrations that were applied; none on an empty database.
pub(super) async fn applied_migrations(pool: &PgPool) -> Result<Vec<Applied>, sqlx::Error> {
    let known = sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations') is not null as "known!""#)
        .fetch_one(pool)
        .await?;
    if !known {
        return Ok(Vec::new());
    }
    // Not checked at compile time: sqlx keeps this table for itself.
    sqlx::query_as("select version, checksum from _sqlx_migrations where success").fetch_all(pool).await
}

/// Whether the locale can lower-case a Cyrillic letter: without it neither search nor matching by name works.
pub(super) async fn lower_cases_cyrillic(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select lower('Ж') = 'ж' as "knows!""#).fetch_one(pool).await
}

/// Fails where a statement of the transaction has failed before. At its end that would go unnoticed: PostgreSQL answers
/// COMMIT with ROLLBACK then, and sqlx says that it was committed.
pub(super) async fn check_that_it_stands(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select 1").execute(conn).await?;
    Ok(())
}

/// Lets the statements of a connection take as long as they take.
pub(super) async fn lift_statement_timeout(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("set statement_timeout = 0").execute(conn).await?;
    Ok(())
}
