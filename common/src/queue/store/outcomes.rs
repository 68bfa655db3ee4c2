//! The SQL of what becomes of jobs. Every change of a running job is fenced: it needs the worker that holds it, and the
//! claim by which it does.

use std::time::Duration;

use sqlx::PgConnection;

use super::super::QueueName;
use crate::ids::JobId;

/// A claim of a job by a worker: its fence. A worker that lost its lease may come back and claim the same job anew,
/// while its earlier attempt still runs; and what is written again since its answer was lost must not meet a later claim.
#[derive(Clone, Copy, Debug)]
pub(in crate::queue) struct Fence<'a> {
    pub(in crate::queue) worker: &'a str,
    pub(in crate::queue) job: JobId,
    pub(in crate::queue) claim: i64,
}

/// Several jobs of a worker, each with its claim, column by column.
///
/// Statements look them up by their ids. They do not name the state, which `lock_by` implies: it would invite PostgreSQL to
/// walk all that the worker runs, by their own index, and compare each with each.
#[derive(Debug, Default)]
pub(in crate::queue) struct Fences {
    jobs: Vec<JobId>,
    claims: Vec<i64>,
}

impl Fences {
    pub(in crate::queue) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

impl FromIterator<(JobId, i64)> for Fences {
    fn from_iter<I: IntoIterator<Item = (JobId, i64)>>(pairs: I) -> Self {
        let (jobs, claims) = pairs.into_iter().unzip();
        Self { jobs, claims }
    }
}

/// Marks a job done; false when it is no longer this claim's.
pub(in crate::queue) async fn finish(conn: &mut PgConnection, fence: Fence<'_>) -> Result<bool, sqlx::Error> {
    let finished = finish_all(conn, fence.worker, &Fences::from_iter([(fence.job, fence.claim)])).await?;
    Ok(finished == 1)
}

/// Whether a job is still this claim's; it stays so until the transaction ends.
pub(in crate::queue) async fn hold(conn: &mut PgConnection, fence: Fence<'_>) -> Result<bool, sqlx::Error> {
    let held = sqlx::query!(
        "select from jobs where id = $1 and lock_by = $2 and claims = $3 and state = 'running' for share",
        fence.job as JobId,
        fence.worker,
        fence.claim,
    )
    .fetch_optional(conn)
    .await?;
    Ok(held.is_some())
}

/// Marks jobs done that are still this worker's by these claims; returns how many were.
pub(in crate::queue) async fn finish_all(
    conn: &mut PgConnection,
    worker: &str,
    fences: &Fences,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update jobs j
        set state = 'done', finished_at = now(), lock_by = null, last_error = null
        from unnest($1::uuid[], $2::bigint[]) as c (id, claim)
        where j.id = c.id and j.claims = c.claim and j.lock_by = $3
        "#,
        &fences.jobs as &[JobId],
        &fences.claims,
        worker,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Puts a failed job back to wait for its next attempt, and keeps what became of this one.
pub(in crate::queue) async fn retry(
    conn: &mut PgConnection,
    fence: Fence<'_>,
    delay: Duration,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with failed as (
            update jobs
            set state = 'ready', lock_by = null, run_at = now() + make_interval(secs => $4), last_error = $5
            where id = $1 and lock_by = $2 and claims = $3 and state = 'running'
            returning id, attempts, locked_at
        )
        insert into job_attempts (job_id, attempt, worker, started_at, error)
        select id, attempts, $2, locked_at, $5 from failed
        "#,
        fence.job as JobId,
        fence.worker,
        fence.claim,
        delay.as_secs_f64(),
        error,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a job back that waits for something else: its attempt is not charged.
pub(in crate::queue) async fn postpone(
    conn: &mut PgConnection,
    fence: Fence<'_>,
    delay: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update jobs
        set state = 'ready', lock_by = null, run_at = now() + make_interval(secs => $4),
            attempts = greatest(attempts - 1, 0)
        where id = $1 and lock_by = $2 and claims = $3 and state = 'running'
        "#,
        fence.job as JobId,
        fence.worker,
        fence.claim,
        delay.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a job dead, and keeps what became of its last attempt; false when it is no longer this claim's.
pub(in crate::queue) async fn bury(
    conn: &mut PgConnection,
    fence: Fence<'_>,
    error: &str,
) -> Result<bool, sqlx::Error> {
    let dead = sqlx::query!(
        r#"
        with dead as (
            update jobs
            set state = 'dead', finished_at = now(), lock_by = null, last_error = $4
            where id = $1 and lock_by = $2 and claims = $3 and state = 'running'
            returning id, attempts, locked_at
        )
        insert into job_attempts (job_id, attempt, worker, started_at, error)
        select id, attempts, $2, locked_at, $4 from dead
        "#,
        fence.job as JobId,
        fence.worker,
        fence.claim,
        error,
    )
    .execute(conn)
    .await?;
    Ok(dead.rows_affected() == 1)
}

/// Adds to what is noted on a job that died in this transaction.
pub(in crate::queue) async fn add_to_error(
    conn: &mut PgConnection,
    job: JobId,
    more: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update jobs set last_error = concat_ws('; ', last_error, $2::text) where id = $1",
        job as JobId,
        more
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a queue's jobs say that this worker runs.
pub(in crate::queue) async fn running(
    conn: &mut PgConnection,
    queue: QueueName,
    worker: &str,
) -> Result<Vec<(JobId, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id as "id: JobId", claims from jobs where lock_by = $1 and state = 'running' and queue = $2"#,
        worker,
        queue.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.claims)).collect())
}

/// Hands jobs back as if they had never been claimed.
pub(in crate::queue) async fn hand_back(
    conn: &mut PgConnection,
    worker: &str,
    fences: &Fences,
) -> Result<u64, sqlx::Error> {
    let handed_back = sqlx::query!(
        r#"
        update jobs j
        set state = 'ready', lock_by = null, attempts = greatest(attempts - 1, 0)
        from unnest($1::uuid[], $2::bigint[]) as c (id, claim)
        where j.id = c.id and j.claims = c.claim and j.lock_by = $3
        "#,
        &fences.jobs as &[JobId],
        &fences.claims,
        worker,
    )
    .execute(conn)
    .await?;
    Ok(handed_back.rows_affected())
}

/// Hands all jobs of a worker back as if they had never been claimed.
pub(in crate::queue) async fn hand_back_all(
    conn: &mut PgConnection,
    worker: &str,
) -> Result<u64, sqlx::Error> {
    let handed_back = sqlx::query!(
        r#"
        update jobs
        set state = 'ready', lock_by = null, attempts = greatest(attempts - 1, 0)
        where lock_by = $1 and state = 'running'
        "#,
        worker,
    )
    .execute(conn)
    .await?;
    Ok(handed_back.rows_affected())
}
