//! The janitor: throws away what was kept long enough, a little at a time, and makes the ledgers' partitions ahead.
//!
//! It comes by a schedule, as a job of the queue `maintenance`. What it leaves is whatever an invariant still asks for:
//! of messages their rows stay, without anything personal; ledgers and histories stay whole.

pub mod jobs;
mod retention;
mod store;

pub use retention::{Retention, RetentionArgs};

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{accounts::EmailAddress, idempotency, imports};

/// How many rows one transaction throws away.
pub const CHUNK: i64 = 1_000;

/// How many pieces of files one transaction throws away; each has up to 1 MiB.
const PIECES: i64 = 64;

/// How far ahead the ledgers have their partitions, in months.
const MONTHS_AHEAD: u8 = 12;

/// What is thrown away once it is old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Litter {
    /// Jobs that are done or were discarded.
    FinishedJobs,
    /// Dead letters.
    DeadJobs,
    /// Answers kept for idempotency keys.
    IdempotencyKeys,
    /// Tokens of mailed links that have expired.
    MailedTokens,
    /// Tokens of sessions that have expired.
    RefreshTokens,
    /// Sessions that ended, or whose last token has expired.
    Sessions,
    /// What is personal in messages.
    Messages,
    /// Price lists that nobody has decided upon: they are discarded.
    UndecidedImports,
    /// Files of price lists, where one was left when its import ended.
    ImportFiles,
    /// Rows of price lists that were refused or changed something.
    ImportRows,
    /// Workers that are gone.
    Workers,
    /// What payment providers told us unasked.
    PaymentNotices,
}

impl Litter {
    /// All of it.
    pub const ALL: [Self; 12] = [
        Self::FinishedJobs,
        Self::DeadJobs,
        Self::IdempotencyKeys,
        Self::MailedTokens,
        Self::RefreshTokens,
        Self::Sessions,
        Self::Messages,
        Self::UndecidedImports,
        Self::ImportFiles,
        Self::ImportRows,
        Self::Workers,
        Self::PaymentNotices,
    ];
}

/// Throws some of it away; returns how much. Call it again until that is nothing.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(
    conn: &mut PgConnection,
    litter: Litter,
    keep: &Retention,
    now: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let before = |age: crate::age::Age| now - age.duration();
    match litter {
        Litter::FinishedJobs => store::finished_jobs(conn, before(keep.finished_jobs), CHUNK).await,
        Litter::DeadJobs => store::dead_jobs(conn, before(keep.dead_jobs), CHUNK).await,
        Litter::IdempotencyKeys => store::idempotency_keys(conn, now - idempotency::LIFETIME, CHUNK).await,
        Litter::MailedTokens => store::mailed_tokens(conn, before(keep.sessions), CHUNK).await,
        Litter::RefreshTokens => store::refresh_tokens(conn, before(keep.sessions), CHUNK).await,
        Litter::Sessions => store::sessions(conn, before(keep.sessions), CHUNK).await,
        Litter::Messages => store::messages(conn, before(keep.messages), EmailAddress::NOBODY, CHUNK).await,
        Litter::UndecidedImports => {
            imports::discard_forgotten(conn, now, before(keep.undecided_imports), CHUNK).await
        }
        Litter::ImportFiles => store::import_files(conn, before(keep.import_rows), PIECES).await,
        Litter::ImportRows => store::import_rows(conn, before(keep.import_rows), CHUNK).await,
        Litter::Workers => store::workers(conn, before(keep.workers), CHUNK).await,
        Litter::PaymentNotices => store::payment_notices(conn, before(keep.payment_notices), CHUNK).await,
    }
}

/// Makes the partitions of the ledgers for the months to come; returns how many were missing.
///
/// # Errors
/// When the database refuses.
pub async fn make_partitions(conn: &mut PgConnection, now: OffsetDateTime) -> Result<i32, sqlx::Error> {
    let mut until = now.date();
    for _ in 0..MONTHS_AHEAD {
        until = until.replace_day(28).unwrap_or(until).saturating_add(time::Duration::days(7));
    }
    store::make_partitions(conn, until).await
}
