//! Orders that wait for a card: released to their suppliers once the money is held, or called off when it does not
//! come in time. Where held money is lost again the order waits anew.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::{By, Named, SupplierOrderStatus, actions, messages, store};
use crate::{config::TradeSettings, ids::OrderId, mail};

/// Lets the suppliers of an order see it, and mails it to them and to the administrator, once; nothing when nothing
/// of it is left. It waits no more.
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

/// Has an order wait to be paid again; false when nothing of it is left.
pub(crate) async fn wait_again(
    conn: &mut PgConnection,
    id: OrderId,
    until: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    store::wait_again(conn, id, until).await
}

/// How long an order waits yet for its card, nothing or less when its time is up; none when it does not wait. That stays
/// so until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn time_to_pay(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: OrderId,
) -> Result<Option<Duration>, sqlx::Error> {
    Ok(store::lock_waiting(conn, id).await?.map(|until| until - now))
}

/// What became of an order whose time may be up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It does not wait: the money is held or came, or nothing was left.
    Over,
    /// It waits for so long yet.
    Waits(Duration),
    /// It was called off.
    CalledOff,
}

/// Calls off an order whose payment did not come in time: its parts are canceled by nobody, its goods can be ordered by
/// others, and everybody who knew of it is told.
///
/// # Errors
/// When the database refuses.
pub async fn expire(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: OrderId,
) -> Result<Expiry, sqlx::Error> {
    let to = SupplierOrderStatus::Canceled;
    let mut parts = actions::lock(conn, By::System, Named::Whole(id), to).await?;
    match time_to_pay(conn, now, id).await? {
        None => return Ok(Expiry::Over),
        Some(left) if left.is_positive() => return Ok(Expiry::Waits(left)),
        Some(_) => store::wait_no_more(conn, id).await?,
    }
    parts.retain(|part| part.status.may_become(to));
    if parts.is_empty() {
        return Ok(Expiry::Over);
    }
    let step = store::Move { by: By::System, parts: &parts, to, comment: None };
    actions::make(conn, trade, now, &step).await?;
    let told = store::buyer_of_order(conn, id).await?;
    mail::post(conn, now, &[messages::order_expired(trade, id, told)]).await?;
    Ok(Expiry::CalledOff)
}
