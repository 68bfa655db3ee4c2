//! How long the queue waits for the database, and what it does with a connection that did not answer.
//!
//! A connection can die in silence: its machine is gone, or something between forgot it. Nobody says so, and the kernel
//! waits for a quarter of an hour. The server's own timeouts are no help there.

use std::{io, time::Duration};

use sqlx::{Postgres, pool::PoolConnection};
use tokio::time::error::Elapsed;

use crate::db::{LOCK_TIMEOUT, STATEMENT_TIMEOUT};

/// How long a statement of the queue may take: it touches few rows by their keys, and may wait for one of them.
pub(super) const ANSWERED_WITHIN: Duration = LOCK_TIMEOUT.saturating_mul(2);

/// How long a job's death may take, which does what that means for the thing that the job is about.
pub(super) const BURIED_WITHIN: Duration = STATEMENT_TIMEOUT.saturating_add(LOCK_TIMEOUT);

/// The answer of a statement that had a deadline. Where there was none the connection is given up: it may be dead, and
/// whoever had it next would wait as long.
pub(super) fn answer<T>(
    mut connection: PoolConnection<Postgres>,
    answered: Result<Result<T, sqlx::Error>, Elapsed>,
) -> Result<T, sqlx::Error> {
    answered.unwrap_or_else(|_| {
        connection.close_on_drop();
        Err(no_answer())
    })
}

/// The database has not answered within a deadline. What was asked of it may have happened, or may happen yet.
pub(super) fn no_answer() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer"))
}
