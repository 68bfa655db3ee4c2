//! Filling a basket.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Problem, Quantity, store};
use crate::ids::{OfferId, UserId};

/// What a basket refuses; it then stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum BasketError {
    /// There is no such offer.
    #[error("there is no such offer")]
    OfferUnknown,
    /// The offer cannot be ordered so; with the pieces that are available.
    #[error("the offer cannot be put into the basket: {problem:?}, {available} available")]
    Refused {
        /// Why.
        problem: Problem,
        /// Pieces that can be ordered now.
        available: i32,
    },
    /// The basket is full.
    #[error("a basket has at most 1000 lines")]
    TooManyLines,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// How many lines a basket has at most.
const MAX_LINES: i64 = 1_000;

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
    let problem = if offer.withdrawn {
        Some(Problem::Withdrawn)
    } else if !offer.accepting_orders {
        Some(Problem::SupplierClosed)
    } else if offer.available < quantity.pieces() {
        Some(Problem::NotEnoughStock)
    } else {
        None
    };
    if let Some(problem) = problem {
        return Err(BasketError::Refused { problem, available: offer.available });
    }
    store::put(conn, user_id, offer_id, quantity, offer.price, now).await?;
    if store::count_lines(conn, user_id).await? > MAX_LINES {
        return Err(BasketError::TooManyLines);
    }
    Ok(())
}
