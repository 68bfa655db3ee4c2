//! The SQL of leases: who lives, and taking over from who does not.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{ClaimedJob, payload};
use crate::ids::JobId;

/// Which lease of a worker it is: another one once it was forgotten, or its jobs were taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::queue) struct Tenure {
    started_at: OffsetDateTime,
    rescues: i32,
}

/// Renews this worker's lease, registering it where it is not known (any more).
pub(in crate::queue) async fn renew_lease(
    conn: &mut PgConnection,
    worker: &str,
    queues: &[String],
    lease: Duration,
) -> Result<Tenure, sqlx::Error> {
    sqlx::query_as!(
        Tenure,
        r#"
        insert into workers (name, queues, lease_until)
        values ($1, $2, now() + make_interval(secs => $3))
        on conflict (name) do update set lease_until = excluded.lease_until
        returning started_at, rescues
        "#,
        worker,
        queues,
        lease.as_secs_f64(),
    )
    .fetch_one(conn)
    .await
}

/// Notes that the jobs of an expired worker are being taken over, so that it knows, should it come back.
pub(in crate::queue) async fn note_rescue(conn: &mut PgConnection, expired: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("update workers set rescues = rescues + 1 where name = $1", expired).execute(conn).await?;
    Ok(())
}

/// Forgets a worker that has stopped or died. Waits for its claims that are under way; later ones find no lease.
pub(in crate::queue) async fn end_lease(conn: &mut PgConnection, worker: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from workers where name = $1", worker).execute(conn).await?;
    Ok(())
}

/// Registers the workers of running jobs that are not registered, as expired ones.
///
/// No move of ours leads there, but a table that somebody emptied by hand does; nobody would take those jobs over.
pub(in crate::queue) async fn register_unknown_workers(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into workers (name, queues, lease_until)
        select distinct j.lock_by, array[]::text[], now() - interval '1 second'
        from jobs j
        where j.state = 'running' and not exists (select from workers w where w.name = j.lock_by)
        on conflict (name) do nothing
        "#
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Workers that have not renewed their lease in time.
pub(in crate::queue) async fn expired_workers(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!("select name from workers where lease_until < now() limit 100").fetch_all(pool).await
}

/// Holds an expired worker's row until the end of the transaction, so that it neither claims nor renews its lease
/// meanwhile. False when it has come back since it was seen as expired, or is being taken over by another.
pub(in crate::queue) async fn lock_expired(
    conn: &mut PgConnection,
    worker: &str,
) -> Result<bool, sqlx::Error> {
    let locked = sqlx::query_scalar!(
        "select name from workers where name = $1 and lease_until < now() for update skip locked",
        worker
    )
    .fetch_optional(conn)
    .await?;
    Ok(locked.is_some())
}

/// Puts back what an expired worker ran and still has attempts; returns how many jobs that were.
pub(in crate::queue) async fn put_back(
    conn: &mut PgConnection,
    expired: &str,
    error: &str,
) -> Result<u64, sqlx::Error> {
    let put_back = sqlx::query!(
        r#"
        with lost as (
            update jobs
            set state = 'ready', lock_by = null, run_at = now(), last_error = $2
            where lock_by = $1 and state = 'running' and attempts < max_attempts
            returning id, attempts, locked_at
        )
        insert into job_attempts (job_id, attempt, worker, started_at, error)
        select id, attempts, $1, locked_at, $2 from lost
        "#,
        expired,
        error,
    )
    .execute(conn)
    .await?;
    Ok(put_back.rows_affected())
}

/// One job that an expired worker ran in its last attempt.
pub(in crate::queue) async fn next_exhausted(
    conn: &mut PgConnection,
    expired: &str,
) -> Result<Option<ClaimedJob>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select
            id as "id: JobId", kind, payload::text as "payload!", attempts, max_attempts, claims, run_at, request_id,
            trace_parent
        from jobs
        where lock_by = $1 and state = 'running' and attempts >= max_attempts
        limit 1
        for update
        "#,
        expired,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| ClaimedJob {
        id: row.id,
        kind: row.kind,
        payload: payload(row.payload),
        attempt: row.attempts.unsigned_abs(),
        max_attempts: row.max_attempts.unsigned_abs(),
        claim: row.claims,
        due_at: row.run_at,
        request_id: row.request_id,
        trace_parent: row.trace_parent,
    }))
}
