//! The queue's SQL. Every change of a running job is fenced: it needs the worker that holds it.

use std::time::Duration;

use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::QueueName;
use crate::ids::JobId;

/// The channel on which commits are announced to the workers.
pub(super) const CHANNEL: &str = "postavka_jobs";

/// A job as a worker gets it.
#[derive(Clone, Debug)]
pub struct ClaimedJob {
    /// Which one.
    pub id: JobId,
    /// [`Job::KIND`](super::Job::KIND) of its payload.
    pub kind: String,
    /// What [`Job`](super::Job) decodes.
    pub payload: Value,
    /// This attempt's number, from 1.
    pub attempt: u16,
    /// The last attempt's number.
    pub max_attempts: u16,
    /// The request that caused it.
    pub request_id: Option<String>,
}

/// Jobs about to be inserted, column by column.
#[derive(Default)]
pub(super) struct NewJobs {
    ids: Vec<JobId>,
    payloads: Vec<Value>,
    keys: Vec<Option<String>>,
}

impl NewJobs {
    pub(super) fn push(&mut self, payload: Value, key: Option<String>) {
        self.ids.push(JobId::new());
        self.payloads.push(payload);
        self.keys.push(key);
    }
}

/// Inserts jobs; those whose key an unfinished job holds are left out, without harm to the transaction.
pub(super) async fn insert(
    conn: &mut PgConnection,
    queue: QueueName,
    kind: &str,
    max_attempts: u16,
    new: NewJobs,
    request_id: Option<&str>,
) -> Result<Vec<JobId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into jobs (id, queue, kind, payload, key, max_attempts, request_id)
        select n.id, $4, $5, n.payload, n.key, $6, $7
        from unnest($1::uuid[], $2::jsonb[], $3::text[]) as n (id, payload, key)
        on conflict (queue, key) where key is not null and state in ('ready', 'running') do nothing
        returning id as "id: JobId"
        "#,
        &new.ids as &[JobId],
        &new.payloads,
        &new.keys as &[Option<String>],
        queue.as_str(),
        kind,
        i16::try_from(max_attempts).unwrap_or(i16::MAX),
        request_id,
    )
    .fetch_all(conn)
    .await
}

/// Announces that jobs may be waiting.
pub(super) async fn notify(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, '')", CHANNEL).execute(pool).await?;
    Ok(())
}

/// Takes up to `limit` jobs that are due, for this worker; each claim charges an attempt.
///
/// Without a lease nothing is claimed. The lease's row is locked meanwhile, so that nobody ends it and misses
/// what is being claimed.
pub(super) async fn claim(
    pool: &PgPool,
    queue: QueueName,
    worker: &str,
    limit: i64,
) -> Result<Vec<ClaimedJob>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        with lease as materialized (
            select name from workers where name = $2 and lease_until > now() for share
        )
        update jobs
        set state = 'running', lock_by = $2, locked_at = now(), attempts = attempts + 1
        where id = any (array(
            select id
            from jobs
            where queue = $1 and state = 'ready' and run_at <= now() and exists (select from lease)
            order by priority desc, run_at
            limit $3
            for update skip locked
        ))
        returning id as "id: JobId", kind, payload, attempts, max_attempts, request_id
        "#,
        queue.as_str(),
        worker,
        limit,
    )
    .fetch_all(pool)
    .await?;
    let jobs = rows.into_iter().map(|row| ClaimedJob {
        id: row.id,
        kind: row.kind,
        payload: row.payload,
        attempt: row.attempts.unsigned_abs(),
        max_attempts: row.max_attempts.unsigned_abs(),
        request_id: row.request_id,
    });
    Ok(jobs.collect())
}

/// Marks jobs done that are still this worker's; returns how many were.
pub(super) async fn finish(
    conn: &mut PgConnection,
    worker: &str,
    jobs: &[JobId],
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update jobs
        set state = 'done', finished_at = now(), lock_by = null, last_error = null
        where id = any ($1) and lock_by = $2 and state = 'running'
        "#,
        jobs as &[JobId],
        worker,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Puts a failed job back to wait for its next attempt.
pub(super) async fn retry(
    conn: &mut PgConnection,
    worker: &str,
    job: JobId,
    delay: Duration,
    error: &str,
) -> Result<u64, sqlx::Error> {
    let put_back = sqlx::query!(
        r#"
        update jobs
        set state = 'ready', lock_by = null, run_at = now() + make_interval(secs => $3), last_error = $4
        where id = $1 and lock_by = $2 and state = 'running'
        "#,
        job as JobId,
        worker,
        delay.as_secs_f64(),
        error,
    )
    .execute(conn)
    .await?;
    Ok(put_back.rows_affected())
}

/// Puts a job back that waits for something else: its attempt is not charged.
pub(super) async fn postpone(
    conn: &mut PgConnection,
    worker: &str,
    job: JobId,
    delay: Duration,
) -> Result<u64, sqlx::Error> {
    let put_back = sqlx::query!(
        r#"
        update jobs
        set state = 'ready', lock_by = null, run_at = now() + make_interval(secs => $3),
            attempts = greatest(attempts - 1, 0)
        where id = $1 and lock_by = $2 and state = 'running'
        "#,
        job as JobId,
        worker,
        delay.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(put_back.rows_affected())
}

/// Marks a job dead that is still this worker's; false when it no longer is.
pub(super) async fn bury(
    conn: &mut PgConnection,
    worker: &str,
    job: JobId,
    error: &str,
) -> Result<bool, sqlx::Error> {
    let dead = sqlx::query!(
        r#"
        update jobs
        set state = 'dead', finished_at = now(), lock_by = null, last_error = $3
        where id = $1 and lock_by = $2 and state = 'running'
        "#,
        job as JobId,
        worker,
        error,
    )
    .execute(conn)
    .await?;
    Ok(dead.rows_affected() == 1)
}

/// Hands jobs back as if they had never been claimed: all of this worker's, or only those named.
pub(super) async fn hand_back(
    pool: &PgPool,
    worker: &str,
    only: Option<&[JobId]>,
) -> Result<u64, sqlx::Error> {
    let handed_back = sqlx::query!(
        r#"
        update jobs
        set state = 'ready', lock_by = null, attempts = greatest(attempts - 1, 0)
        where lock_by = $1 and state = 'running' and ($2::uuid[] is null or id = any ($2))
        "#,
        worker,
        only as Option<&[JobId]>,
    )
    .execute(pool)
    .await?;
    Ok(handed_back.rows_affected())
}

/// Renews this worker's lease, registering it where it is not known (any more).
pub(super) async fn renew_lease(
    pool: &PgPool,
    worker: &str,
    queues: &[String],
    lease: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into workers (name, queues, lease_until)
        values ($1, $2, now() + make_interval(secs => $3))
        on conflict (name) do update set lease_until = excluded.lease_until
        "#,
        worker,
        queues,
        lease.as_secs_f64(),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Forgets a worker that has stopped or died.
pub(super) async fn end_lease(conn: &mut PgConnection, worker: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from workers where name = $1", worker).execute(conn).await?;
    Ok(())
}

/// Workers that have not renewed their lease in time.
pub(super) async fn expired_workers(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!("select name from workers where lease_until < now() limit 100").fetch_all(pool).await
}

/// Puts back what an expired worker ran and still has attempts, and names what has none left.
pub(super) async fn rescue(
    conn: &mut PgConnection,
    expired: &str,
    error: &str,
) -> Result<(u64, Vec<ClaimedJob>), sqlx::Error> {
    // The worker may have come back since it was seen as expired: then its row is locked or its lease renewed.
    let gone = sqlx::query_scalar!(
        "select name from workers where name = $1 and lease_until < now() for update skip locked",
        expired
    )
    .fetch_optional(&mut *conn)
    .await?;
    if gone.is_none() {
        return Ok((0, Vec::new()));
    }
    let put_back = sqlx::query!(
        r#"
        update jobs
        set state = 'ready', lock_by = null, run_at = now(), last_error = $2
        where lock_by = $1 and state = 'running' and attempts < max_attempts
        "#,
        expired,
        error,
    )
    .execute(&mut *conn)
    .await?;
    let exhausted = sqlx::query!(
        r#"
        select id as "id: JobId", kind, payload, attempts, max_attempts, request_id
        from jobs
        where lock_by = $1 and state = 'running'
        for update
        "#,
        expired,
    )
    .fetch_all(&mut *conn)
    .await?;
    let exhausted = exhausted.into_iter().map(|row| ClaimedJob {
        id: row.id,
        kind: row.kind,
        payload: row.payload,
        attempt: row.attempts.unsigned_abs(),
        max_attempts: row.max_attempts.unsigned_abs(),
        request_id: row.request_id,
    });
    Ok((put_back.rows_affected(), exhausted.collect()))
}

/// How much waits in a queue.
#[derive(Clone, Debug)]
pub struct QueueDepth {
    /// Which queue.
    pub queue: String,
    /// Jobs that wait or run.
    pub unfinished: i64,
    /// Jobs that gave up.
    pub dead: i64,
    /// How long the oldest job that is due has waited, in seconds.
    pub oldest_s: f64,
}

/// How much waits in each queue that has jobs.
///
/// # Errors
/// When the database is away.
pub async fn depths(pool: &PgPool) -> Result<Vec<QueueDepth>, sqlx::Error> {
    sqlx::query_as!(
        QueueDepth,
        r#"
        select
            queue,
            count(*) filter (where state in ('ready', 'running')) as "unfinished!",
            count(*) filter (where state = 'dead') as "dead!",
            coalesce(extract(epoch from now() - min(run_at) filter (where state = 'ready' and run_at <= now())), 0)
                ::double precision as "oldest_s!"
        from jobs
        where state in ('ready', 'running', 'dead')
        group by queue
        "#,
    )
    .fetch_all(pool)
    .await
}
