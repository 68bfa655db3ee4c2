//! The queue's SQL. Every change of a running job is fenced: it needs the worker that holds it.

use std::time::Duration;

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::QueueName;
use crate::ids::JobId;

pub(super) mod figures;
pub(super) mod workers;

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
    /// When they may run; at once when it is none.
    pub(super) run_at: Option<OffsetDateTime>,
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
        insert into jobs (id, queue, kind, payload, key, max_attempts, request_id, run_at)
        select n.id, $4, $5, n.payload, n.key, $6, $7, coalesce($8, now())
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
        new.run_at,
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
        returning
            id as "id: JobId", kind, payload::text as "payload!", attempts, max_attempts, request_id
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
        payload: payload(row.payload),
        attempt: row.attempts.unsigned_abs(),
        max_attempts: row.max_attempts.unsigned_abs(),
        request_id: row.request_id,
    });
    Ok(jobs.collect())
}

/// A payload as it is stored. PostgreSQL keeps JSON that serde does not read (`1e400`, a thousand levels): that
/// stays text, which is no payload of any job, so that only this job fails and not the claim of all.
fn payload(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// An attempt by a worker. Its number is part of the fence: a worker that lost its lease may come back and claim
/// the same job anew, while its earlier attempt still runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    pub(super) worker: &'a str,
    pub(super) job: JobId,
    pub(super) number: u16,
}

impl Attempt<'_> {
    fn number(self) -> i16 {
        i16::try_from(self.number).unwrap_or(i16::MAX)
    }
}

/// Marks an attempt's job done; false when it is no longer this attempt's.
pub(super) async fn finish(conn: &mut PgConnection, attempt: Attempt<'_>) -> Result<bool, sqlx::Error> {
    let finished = finish_all(conn, attempt.worker, &[attempt.job], &[attempt.number()]).await?;
    Ok(finished == 1)
}

/// Whether an attempt's job is still its own; it stays so until the transaction ends.
pub(super) async fn hold(conn: &mut PgConnection, attempt: Attempt<'_>) -> Result<bool, sqlx::Error> {
    let held = sqlx::query!(
        "select from jobs where id = $1 and lock_by = $2 and attempts = $3 and state = 'running' for share",
        attempt.job as JobId,
        attempt.worker,
        attempt.number(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(held.is_some())
}

/// Marks jobs done whose attempts of these numbers are still this worker's; returns how many were.
pub(super) async fn finish_all(
    conn: &mut PgConnection,
    worker: &str,
    jobs: &[JobId],
    attempts: &[i16],
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update jobs j
        set state = 'done', finished_at = now(), lock_by = null, last_error = null
        from unnest($1::uuid[], $2::smallint[]) as a (id, number)
        where j.id = a.id and j.attempts = a.number and j.lock_by = $3 and j.state = 'running'
        "#,
        jobs as &[JobId],
        attempts,
        worker,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Puts a failed job back to wait for its next attempt.
pub(super) async fn retry(
    conn: &mut PgConnection,
    attempt: Attempt<'_>,
    delay: Duration,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update jobs
        set state = 'ready', lock_by = null, run_at = now() + make_interval(secs => $4), last_error = $5
        where id = $1 and lock_by = $2 and attempts = $3 and state = 'running'
        "#,
        attempt.job as JobId,
        attempt.worker,
        attempt.number(),
        delay.as_secs_f64(),
        error,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a job back that waits for something else: its attempt is not charged.
pub(super) async fn postpone(
    conn: &mut PgConnection,
    attempt: Attempt<'_>,
    delay: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update jobs
        set state = 'ready', lock_by = null, run_at = now() + make_interval(secs => $4),
            attempts = greatest(attempts - 1, 0)
        where id = $1 and lock_by = $2 and attempts = $3 and state = 'running'
        "#,
        attempt.job as JobId,
        attempt.worker,
        attempt.number(),
        delay.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks an attempt's job dead; false when it is no longer this attempt's.
pub(super) async fn bury(
    conn: &mut PgConnection,
    attempt: Attempt<'_>,
    error: &str,
) -> Result<bool, sqlx::Error> {
    let dead = sqlx::query!(
        r#"
        update jobs
        set state = 'dead', finished_at = now(), lock_by = null, last_error = $4
        where id = $1 and lock_by = $2 and attempts = $3 and state = 'running'
        "#,
        attempt.job as JobId,
        attempt.worker,
        attempt.number(),
        error,
    )
    .execute(conn)
    .await?;
    Ok(dead.rows_affected() == 1)
}

/// Adds to what is noted on a job that died in this transaction.
pub(super) async fn add_to_error(conn: &mut PgConnection, job: JobId, more: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update jobs set last_error = concat_ws('; ', last_error, $2::text) where id = $1",
        job as JobId,
        more
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the errors of jobs with these payloads. Those that are done have none.
pub(super) async fn forget_errors(
    conn: &mut PgConnection,
    queue: QueueName,
    kind: &str,
    payloads: &[Value],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update jobs
        set last_error = null
        where ((state = 'ready' and queue = $1) or state = 'running' or (state = 'dead' and queue = $1))
          and kind = $2 and last_error is not null and payload = any ($3)
        "#,
        queue.as_str(),
        kind,
        payloads,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Hands jobs back as if they had never been claimed: all of this worker's, or only those named.
pub(super) async fn hand_back(
    conn: &mut PgConnection,
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
    .execute(conn)
    .await?;
    Ok(handed_back.rows_affected())
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
