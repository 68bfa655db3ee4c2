//! Filling a basket.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    NewLine, Orderable, Problem, Quantity, RejectedLine,
    filling::Filling,
    store::{self, PutLine},
};
use crate::ids::{OfferId, UserId};

/// What a basket refuses; it then stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum BasketError {
    /// There is no such offer.
    #[error("there is no such offer")]
    OfferUnknown,
    /// The offer cannot be ordered so.
    #[error("the offer cannot be put into the basket: {problem:?}, {orderable:?}")]
    Refused {
        /// Why.
        problem: Problem,
        /// What of it can be ordered now.
        orderable: Orderable,
    },
    /// The basket is full.
    #[error("a basket has at most 1000 lines")]
    TooManyLines,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// How many lines a basket has at most.
pub const MAX_LINES: usize = 1_000;

/// Sets the quantity of an offer in a user's basket, at the price of now.
///
/// # Errors
/// [`BasketError`].
pub async fn put(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    user_id: UserId,
    offer_id: OfferId,
    quantity: Quantity,
) -> Result<(), BasketError> {
    store::lock(conn, user_id, now).await?;
    let offer = store::find_offer(conn, offer_id).await?.ok_or(BasketError::OfferUnknown)?;
    if let Some(problem) = Problem::of(&offer.orderable, quantity) {
        return Err(BasketError::Refused { problem, orderable: offer.orderable });
    }
    store::put(conn, now, user_id, &[PutLine { offer_id, quantity, price: offer.price }]).await?;
    if store::offers_in(conn, user_id).await?.len() > MAX_LINES {
        return Err(BasketError::TooManyLines);
    }
    Ok(())
}

/// Sets the quantities of many offers in a user's basket, at the prices of now, with as many statements for a
/// thousand as for one. Returns the lines that were not put, by their place; the others are in the basket.
///
/// Lines for the same offer are one demand: their quantities are added up, and it is put or rejected whole.
///
/// # Errors
/// When the database refuses.
pub async fn fill(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    user_id: UserId,
    lines: &[NewLine],
) -> Result<Vec<RejectedLine>, sqlx::Error> {
    store::lock(conn, user_id, now).await?;
    let there = store::offers_in(conn, user_id).await?;
    let offers = store::find_offers(conn, lines).await?;
    let Filling { put, rejected } = Filling::decide(lines, &offers, &there);
    store::put(conn, now, user_id, &put).await?;
    Ok(rejected)
}

/// Takes an offer out of a user's basket; nothing happens when it is not there.
///
/// # Errors
/// When the database refuses.
pub async fn remove(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    user_id: UserId,
    offer_id: OfferId,
) -> Result<(), sqlx::Error> {
    store::lock(conn, user_id, now).await?;
    store::remove(conn, user_id, offer_id).await
}

/// Empties a user's basket.
///
/// # Errors
/// When the database refuses.
pub async fn clear(conn: &mut PgConnection, now: OffsetDateTime, user_id: UserId) -> Result<(), sqlx::Error> {
    store::lock(conn, user_id, now).await?;
    store::clear(conn, user_id).await
}
