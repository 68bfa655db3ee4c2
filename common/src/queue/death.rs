//! A job's death: the mark, and what it means for the thing that the job is about, in one transaction.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use sqlx::{Connection, PgConnection};

use super::{
    ClaimedJob, Kinds,
    store::outcomes::{self, Fence},
};

/// Marks an attempt's job dead and runs its `on_dead`; does nothing when it is no longer this attempt's.
///
/// A job whose `on_dead` panics or is refused for good dies all the same, and says so: tried for ever, it would
/// be neither running nor dead, and hold up whatever waits behind it.
///
/// # Errors
/// When the database was away or too busy: then it is worth another try.
pub(super) async fn bury(
    conn: &mut PgConnection,
    kinds: &dyn Kinds,
    worker: &str,
    job: &ClaimedJob,
    error: &str,
) -> Result<(), sqlx::Error> {
    let fence = Fence { worker, job: job.id, claim: job.claim };
    if !outcomes::bury(conn, fence, error).await? {
        return Ok(());
    }
    let mut effect = conn.begin().await?;
    let dying = async { kinds.on_dead(&job.kind, &job.payload, &mut effect, error).await };
    let died = AssertUnwindSafe(dying).catch_unwind().await;
    let refused = match died {
        Ok(Ok(())) => return effect.commit().await,
        Ok(Err(error)) if may_pass(&error) => return Err(error),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it panicked".to_owned(),
    };
    effect.rollback().await?;
    tracing::error!(job_id = %job.id, kind = job.kind, error = refused, "a job died without its last effect");
    outcomes::add_to_error(conn, job.id, &format!("what its death should have done failed: {refused}")).await
}

/// Whether what failed may succeed later: the database was away, too busy, or somebody was in the way.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Connections, rollbacks by conflict, resources, locks, shutdowns and timeouts, the system.
            ["08", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class))
        }),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}
