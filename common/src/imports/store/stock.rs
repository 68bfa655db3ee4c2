//! The stock that a list sets. It comes last: orders of these goods wait from here until the import commits.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::ids::PriceImportId;

/// Sets the stock of the offers whose quantity differs, each with its line in the ledger. Rows are locked in offer
/// order, like orders do.
pub(super) async fn set_stock(
    conn: &mut PgConnection,
    id: PriceImportId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with locked as materialized (
            select t.offer_id
            from offer_stock t
            join price_import_stage s on s.offer_id = t.offer_id
            where s.import_id = $1 and s.change = 'updated' and s.changes ? 'quantity'
            order by t.offer_id
            for no key update of t
        )
        select count(*) from locked
        "#,
        id as PriceImportId,
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        r#"
        with wanted as (
            select s.offer_id, s.stock, t.stock as stock_before
            from price_import_stage s
            join offer_stock t on t.offer_id = s.offer_id
            where s.import_id = $1 and s.change = 'updated' and s.changes ? 'quantity'
        ),
        stocked as (
            update offer_stock t
            set stock = w.stock
            from wanted w
            where t.offer_id = w.offer_id and w.stock <> w.stock_before
            returning t.offer_id, w.stock - w.stock_before as stock_delta, t.stock, t.reserved
        )
        insert into stock_movements (
            id, offer_id, at, kind, cause, stock_delta, reserved_delta, stock_after, reserved_after
        )
        select uuid_v7(), offer_id, $2, 'price_list', $1, stock_delta, 0, stock, reserved
        from stocked
        "#,
        id as PriceImportId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
