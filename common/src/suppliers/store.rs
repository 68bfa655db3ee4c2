//! All SQL of suppliers' own settings.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::Supplier;
use crate::ids::SupplierId;

/// A supplier.
///
/// # Errors
/// When the database refuses.
pub async fn find(conn: &mut PgConnection, id: SupplierId) -> Result<Option<Supplier>, sqlx::Error> {
    sqlx::query_as!(
        Supplier,
        r#"
        select
            s.id as "id: SupplierId", g.name, s.accepting_orders, g.approved_at is not null as "approved!",
            exists (
                select from users u where u.organization_id = s.id and u.email_confirmed_at is not null
            ) as "confirmed!",
            s.price_list_url
        from suppliers s
        join organizations g on g.id = s.id
        where s.id = $1
        "#,
        id as SupplierId,
    )
    .fetch_optional(conn)
    .await
}

/// Whether that changed anything.
pub(super) async fn set_accepting_orders(
    conn: &mut PgConnection,
    id: SupplierId,
    accepting: bool,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query!(
        "update suppliers set accepting_orders = $2, updated_at = $3 where id = $1 and accepting_orders <> $2",
        id as SupplierId,
        accepting,
        now,
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}
