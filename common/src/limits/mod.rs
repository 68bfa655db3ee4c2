//! How often something may be tried, counted in windows of time.
//!
//! What is tried with an account is counted in the database, for all processes together. Nobody is locked out for
//! good: a window ends by itself, however much is tried meanwhile. And nobody can lock out another: a caller from
//! whose address an account was signed in to of late has a window of their own, which strangers do not use up.
//!
//! What is tried from one address of a caller is counted by each API process for itself (`api/src/limits.rs`): that
//! guards the process, and must cost less than what it guards.

mod quota;
mod store;

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

pub use quota::Quota;

/// How long a caller is remembered from whose address an account was signed in to.
const REMEMBERED: Duration = Duration::days(30);

/// What is counted for an account.
#[derive(Clone, Copy, Debug)]
pub enum Attempt {
    /// Offering a password.
    SignIn,
    /// Having a link mailed.
    Mail,
}

/// What is tried with which account, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// What.
    pub attempt: Attempt,
    /// With which account: its address, whether or not there is such an account, or its id.
    pub account: &'a str,
    /// From which address, where that is known.
    pub caller: Option<IpAddr>,
}

/// Why something may not be tried.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// It was tried too often.
    #[error("this was tried too often; try again in {} seconds", .0.whole_seconds())]
    TooOften(Duration),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Counts an attempt. It counts at once, and not in the transaction of what is tried.
///
/// # Errors
/// [`LimitError::TooOften`].
pub async fn count(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    quota: Quota,
    tried: Tried<'_>,
) -> Result<(), LimitError> {
    let counted = store::count(conn, &Keys::of(tried), now, now + quota.period()).await?;
    if counted.count == 1 {
        store::drop_ended(conn, now).await?;
    }
    if i64::from(counted.count) > i64::from(quota.count()) {
        return Err(LimitError::TooOften(counted.until - now));
    }
    Ok(())
}

/// Remembers that what was tried went well: strangers cannot use up this caller's attempts any more.
///
/// # Errors
/// When the database refuses.
pub async fn remember(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    tried: Tried<'_>,
) -> Result<(), sqlx::Error> {
    store::remember(conn, &Keys::of(tried).known, now + REMEMBERED).await
}

/// Under which keys an attempt is looked for. Hashes, so that no addresses stand in the table.
struct Keys {
    /// The account's window, which all callers share.
    shared: Vec<u8>,
    /// The account's window for this caller.
    own: Vec<u8>,
    /// Stands in the table while the caller is remembered.
    known: Vec<u8>,
}

impl Keys {
    fn of(Tried { attempt, account, caller }: Tried<'_>) -> Self {
        let kind = match attempt {
            Attempt::SignIn => "sign-in",
            Attempt::Mail => "mail",
        };
        let account = account.to_lowercase();
        let caller = caller.map_or_else(String::new, |address| address.to_string());
        let key = |parts: &[&str]| Sha256::digest(parts.join("\n")).to_vec();
        Self {
            shared: key(&[kind, "shared", &account]),
            own: key(&[kind, "own", &account, &caller]),
            known: key(&[kind, "known", &account, &caller]),
        }
    }
}
