//! The stock that a list sets. It comes last, since orders of these goods wait until the import commits, and is short: the
//! ledger, which takes longer than the stock itself, is written before anything is locked. Only here, before anybody sees
//! it, is a line of the ledger ever changed.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::ids::{OfferId, PriceImportId};

/// Writes a line of the ledger for each offer whose quantity differs, from what there was of it when the list was compared
/// with it. Where the stock moves meanwhile the line is wrong, until [`set_stock`] has corrected it.
pub(super) async fn note_movements(
    conn: &mut PgConnection,
    id: PriceImportId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into stock_movements (
            id, offer_id, at, kind, cause, stock_delta, reserved_delta, stock_after, reserved_after
        )
        select uuid_v7(), offer_id, $2, 'price_list', $1, stock - stock_before, 0, stock, reserved_before
        from price_import_stage
        where import_id = $1 and change = 'updated' and changes ? 'quantity'
        "#,
        id as PriceImportId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Empties the stage, then locks these offers in offer order, like orders do, and sets their stock. All the stage is read
/// before the first lock, since it is sorted; that it goes in the same statement saves orders from waiting for it.
pub(super) async fn set_stock(
    conn: &mut PgConnection,
    id: PriceImportId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    // PostgreSQL expects few goods of `emptied` to be looked for, and looks their stock up one by one. It must not read the
    // whole table while orders wait.
    let moved = sqlx::query_as!(
        Moved,
        r#"
        with emptied as (
            delete from price_import_stage
            where import_id = $1
            returning
                offer_id, stock, stock_before, reserved_before, change, changes ? 'quantity' as has_quantity
        ),
        locked as materialized (
            select
                t.offer_id, t.stock, t.reserved, e.stock as wanted,
                (t.stock, t.reserved) <> (e.stock_before, e.reserved_before) as moved
            from emptied e
            join offer_stock t on t.offer_id = e.offer_id
            where e.change = 'updated' and e.has_quantity
            order by t.offer_id
            for no key update of t
        ),
        stocked as (
            update offer_stock t
            set stock = l.wanted
            from locked l
            where t.offer_id = l.offer_id
        )
        select offer_id as "offer_id!: OfferId", stock as "stock!", reserved as "reserved!"
        from locked
        where moved
        "#,
        id as PriceImportId,
    )
    .fetch_all(&mut *conn)
    .await?;
    correct_movements(conn, id, now, &moved).await
}

/// An offer whose stock has moved since the list was compared with it, and what there was of it when it was locked.
struct Moved {
    offer_id: OfferId,
    stock: i32,
    reserved: i32,
}

/// Corrects the lines of these offers alone: they are few, and orders wait meanwhile. Where as much was shipped as the list
/// says, the line stays, and says that nothing changed.
async fn correct_movements(
    conn: &mut PgConnection,
    id: PriceImportId,
    now: OffsetDateTime,
    moved: &[Moved],
) -> Result<(), sqlx::Error> {
    if moved.is_empty() {
        return Ok(());
    }
    let offers: Vec<OfferId> = moved.iter().map(|offer| offer.offer_id).collect();
    let stock: Vec<i32> = moved.iter().map(|offer| offer.stock).collect();
    let reserved: Vec<i32> = moved.iter().map(|offer| offer.reserved).collect();
    let corrected = sqlx::query!(
        r#"
        update stock_movements m
        set stock_delta = m.stock_after - w.stock, reserved_after = w.reserved
        from unnest($3::uuid[], $4::integer[], $5::integer[]) as w (offer_id, stock, reserved)
        where m.offer_id = w.offer_id and m.at = $2 and m.cause = $1 and m.kind = 'price_list'
        "#,
        id as PriceImportId,
        now,
        &offers as &[OfferId],
        &stock,
        &reserved,
    )
    .execute(conn)
    .await?;
    // Each has its line.
    if corrected.rows_affected() == moved.len() as u64 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
