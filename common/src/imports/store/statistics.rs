//! What PostgreSQL knows of its tables when it plans. By itself it looks at one up to minutes after it has changed.

use sqlx::PgConnection;

/// A list with fewer new offers does no harm before PostgreSQL looks by itself.
const MANY: i64 = 1_000;

/// Has it look at the stage. Between lists that is empty, and PostgreSQL notes that by itself: a plan that is made for an
/// empty stage compares every good of a large list with every other.
pub(in super::super) async fn analyze_stage(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("analyze price_import_stage").execute(conn).await?;
    Ok(())
}

/// Has it look at the catalogue where a list has brought as many offers as there were, or more: pages that are planned for
/// a small catalogue take seconds in a large one. Until the transaction ends nobody else can analyze, vacuum or alter these
/// tables; reading and writing go on.
pub(super) async fn analyze_catalog(conn: &mut PgConnection, inserted: i64) -> Result<(), sqlx::Error> {
    // As earlier lists have left it. What PostgreSQL has counted outlasts an attempt that was rolled back.
    let before =
        sqlx::query_scalar!(r#"select coalesce(sum(offers_count), 0)::bigint as "before!" from suppliers"#)
            .fetch_one(&mut *conn)
            .await?;
    if inserted < before.max(MANY) {
        return Ok(());
    }
    sqlx::query!("analyze products, listed_products, offers, offer_stock").execute(conn).await?;
    Ok(())
}
