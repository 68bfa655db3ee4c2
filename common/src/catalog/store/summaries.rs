//! Suppliers and categories.

use sqlx::PgConnection;

use super::super::{CategorySummary, SupplierSummary};
use crate::{
    ids::{CategoryId, SupplierId},
    page::Limit,
};

/// A page of suppliers, by id: the oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn suppliers(
    conn: &mut PgConnection,
    after: Option<SupplierId>,
    limit: Limit,
) -> Result<Vec<SupplierSummary>, sqlx::Error> {
    sqlx::query_as!(
        SupplierSummary,
        r#"
        select
            s.id as "id: SupplierId", g.name, s.accepting_orders, s.updated_at, s.offers_count
        from suppliers s
        join organizations g on g.id = s.id
        where g.approved_at is not null and ($1::uuid is null or s.id > $1)
        order by s.id
        limit $2
        "#,
        after as Option<SupplierId>,
        limit.and_one(),
    )
    .fetch_all(conn)
    .await
}

/// One supplier.
///
/// # Errors
/// When the database refuses.
pub async fn supplier(
    conn: &mut PgConnection,
    id: SupplierId,
) -> Result<Option<SupplierSummary>, sqlx::Error> {
    sqlx::query_as!(
        SupplierSummary,
        r#"
        select
            s.id as "id: SupplierId", g.name, s.accepting_orders, s.updated_at, s.offers_count
        from suppliers s
        join organizations g on g.id = s.id
        where g.approved_at is not null and s.id = $1
        "#,
        id as SupplierId,
    )
    .fetch_optional(conn)
    .await
}

/// A page of categories that have products, by id.
///
/// # Errors
/// When the database refuses.
pub async fn categories(
    conn: &mut PgConnection,
    after: Option<CategoryId>,
    limit: Limit,
) -> Result<Vec<CategorySummary>, sqlx::Error> {
    sqlx::query_as!(
        CategorySummary,
        r#"
        select
            c.id as "id: CategoryId", c.name,
            (select count(*) from listed_products l where l.category_id = c.id) as "products_count!"
        from categories c
        where ($1::uuid is null or c.id > $1)
          and exists (select from listed_products l where l.category_id = c.id)
        order by c.id
        limit $2
        "#,
        after as Option<CategoryId>,
        limit.and_one(),
    )
    .fetch_all(conn)
    .await
}
