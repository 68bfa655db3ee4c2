//! Orders that wait for a card: released to their suppliers once the money is held, or called off when it does not
//! come in time.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{StockEffect, messages, store};
use crate::{config::TradeSettings, ids::OrderId, mail};

/// Lets the suppliers of an order see it, and mails it to them and to the administrator, once; nothing when nothing
/// of it is left.
pub(crate) async fn release(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: OrderId,
) -> Result<(), sqlx::Error> {
    let Some((organization_id, buyer)) = store::release(conn, now, id).await? else { return Ok(()) };
    let order = store::find(conn, organization_id, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    let letters = messages::of_order(conn, trade, buyer, &order).await?;
    mail::post(conn, now, &letters.to_others).await
}

/// Calls off an order that was never released: its parts are canceled by nobody, its goods can be ordered by others,
/// and the buyer is told. False when there was nothing to call off.
///
/// # Errors
/// When the database refuses.
pub async fn expire(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: OrderId,
) -> Result<bool, sqlx::Error> {
    // The lock order of the whole house: stock first, then orders.
    store::lock_stock_of_order(conn, id).await?;
    if !store::lock_unreleased(conn, id).await? {
        return Ok(false);
    }
    let canceled = store::cancel_parts(conn, now, id).await?;
    if canceled.is_empty() {
        return Ok(false);
    }
    store::give_up_reservations(conn, now, &canceled, StockEffect::Release).await?;
    let told = store::buyer_of_order(conn, id).await?;
    mail::post(conn, now, &[messages::order_expired(trade, id, told)]).await?;
    Ok(true)
}
