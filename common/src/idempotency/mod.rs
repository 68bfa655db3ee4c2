//! Idempotency keys: the same request, sent twice, creates one thing (decision 4).
//!
//! The first answer is kept in the transaction of what it created. While that runs, an advisory lock that is
//! tried, not waited for, tells a second one so.

mod store;

pub use store::forget;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::{
    ids::UserId,
    text::{Invalid, one_line},
};

/// How long an answer is kept.
pub const LIFETIME: Duration = Duration::hours(24);

/// What a client sends to make a request repeatable: 1 to 255 characters. Keys belong to their user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Checks it.
    ///
    /// # Errors
    /// `required`, `too_long` or `control_characters`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text, 255).map(Self)
    }
}

/// What makes two requests the same: method, path, query and content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHash(Vec<u8>);

impl RequestHash {
    /// Hashes the parts of a request, each with its length, so that no two cuts look alike.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().to_vec())
    }
}

/// An answer, as it was given first.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAnswer {
    /// The status code.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body.
    pub body: Value,
}

/// A request that carries a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Whose key it is.
    pub user_id: UserId,
    /// The key.
    pub key: IdempotencyKey,
    /// What makes it the same request.
    pub hash: RequestHash,
}

/// Why a key is refused.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    Reused,
    /// The first request still runs.
    #[error("the first request with this Idempotency-Key is still running")]
    InFlight,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Claims a request's key for the rest of the transaction, or finds the answer that was given before. Without one
/// the request is the first: do the work, then [`keep`] the answer.
///
/// # Errors
/// [`IdempotencyError`].
pub async fn begin(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    request: &KeyedRequest,
) -> Result<Option<KeptAnswer>, IdempotencyError> {
    let is_ours = store::try_lock(conn, request).await?;
    match store::find(conn, request, now - LIFETIME).await? {
        Some((hash, answer)) if hash == request.hash.0 => Ok(Some(answer)),
        Some(_) => Err(IdempotencyError::Reused),
        None if is_ours => Ok(None),
        // Whoever has the lock is the first; of an answer that is kept many may read at once.
        None => Err(IdempotencyError::InFlight),
    }
}

/// Keeps the answer, in the transaction of what it created.
///
/// # Errors
/// When the database refuses.
pub async fn keep(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    request: &KeyedRequest,
    answer: &KeptAnswer,
) -> Result<(), sqlx::Error> {
    store::insert(conn, now, request, answer).await
}
