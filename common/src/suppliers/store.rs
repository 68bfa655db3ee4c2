//! All SQL of suppliers' own settings.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{GuardChange, Supplier};
use crate::{
    ids::SupplierId,
    imports::{Guard, Percent, PriceFactor},
};

/// A supplier.
///
/// # Errors
/// When the database refuses.
pub async fn find(conn: &mut PgConnection, id: SupplierId) -> Result<Option<Supplier>, sqlx::Error> {
    let found = sqlx::query!(
        r#"
        select
            g.name, s.accepting_orders, g.approved_at is not null as "approved!",
            exists (
                select from users u where u.organization_id = s.id and u.email_confirmed_at is not null
            ) as "confirmed!",
            s.guard_price_factor as "price_factor: PriceFactor",
            s.guard_withdrawn_percent as "withdrawn_percent: Percent"
        from suppliers s
        join organizations g on g.id = s.id
        where s.id = $1
        "#,
        id as SupplierId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Supplier {
        id,
        name: row.name,
        accepting_orders: row.accepting_orders,
        approved: row.approved,
        confirmed: row.confirmed,
        guard: Guard { price_factor: row.price_factor, withdrawn_percent: row.withdrawn_percent },
    }))
}

/// Changes what a supplier lets pass of its price lists.
///
/// # Errors
/// When the database refuses.
pub async fn set_guard(
    conn: &mut PgConnection,
    id: SupplierId,
    change: GuardChange,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update suppliers
        set guard_price_factor = coalesce($2, guard_price_factor),
            guard_withdrawn_percent = coalesce($3, guard_withdrawn_percent)
        where id = $1
        "#,
        id as SupplierId,
        change.price_factor as Option<PriceFactor>,
        change.withdrawn_percent as Option<Percent>,
    )
    .execute(conn)
    .await?;
    Ok(())
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
