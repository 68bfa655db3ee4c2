//! Lists that are the one applied last.

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    super::{Counts, RELEASE},
    Begun,
    applying::{OnSale, finish, note_counts},
    receiving::delete_chunks,
};
use crate::ids::PriceImportId;

/// What is known of a list without reading it, since it is the one applied last.
pub(in super::super) struct Same {
    rows: i64,
    shop: Option<String>,
    ignored_fields: Value,
    offers: i64,
    pieces: i64,
}

/// Whether a list is, byte by byte, the one that its supplier's offers were last made from, and these are still what it
/// made of them: no other list was applied, and nothing was shipped, which is when their stock falls.
pub(in super::super) async fn same_as_last(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<Option<Same>, sqlx::Error> {
    sqlx::query_as!(
        Same,
        r#"
        select
            last.rows_total as "rows!", last.shop, last.ignored_fields, s.offers_count as offers,
            last.stock_after as "pieces!"
        from price_imports i
        join suppliers s on s.id = i.supplier_id
        join price_imports last on last.supplier_id = s.id and last.catalog_version = s.catalog_version
        where i.id = $1 and last.status = 'completed' and not last.exclude_held
          and i.reverts is null and last.reverts is null
          and case
            -- All the stock is added up for the same bytes only.
            when (last.sha256, last.bytes, last.format, last.mode, last.release)
                = (i.sha256, i.bytes, i.format, i.mode, $2)
            then last.stock_after = (
                select coalesce(sum(t.stock), 0)
                from offers o
                join offer_stock t on t.offer_id = o.id
                where o.supplier_id = s.id and o.withdrawn_at is null
            )
          end
        "#,
        id as PriceImportId,
        RELEASE,
    )
    .fetch_optional(conn)
    .await
}

/// Notes that a list changes nothing.
pub(in super::super) async fn repeat(
    conn: &mut PgConnection,
    begun: &Begun,
    same: &Same,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update price_imports
        set shop = $2, rows_read = $3, rows_total = $3, bytes_read = bytes, ignored_fields = $4
        where id = $1
        "#,
        begun.id as PriceImportId,
        same.shop,
        same.rows,
        same.ignored_fields,
    )
    .execute(&mut *conn)
    .await?;
    note_counts(conn, begun.id, Counts { unchanged: same.rows, ..Counts::default() }).await?;
    delete_chunks(conn, begun.id).await?;
    // As they were compared: what is shipped meanwhile makes the next one another list.
    let on_sale = OnSale { offers: same.offers, pieces: same.pieces };
    finish(conn, begun, now, on_sale).await
}
