//! The queue's SQL: how jobs come in, and how they are claimed. What becomes of them stands in [`outcomes`].

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{QueueName, place::Position};
use crate::ids::JobId;

pub(super) mod figures;
pub(super) mod office;
pub(super) mod outcomes;
pub(super) mod schedules;
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
    /// How often it was claimed so far. Unlike the attempt's number, which is given back where none is charged, it only
    /// grows: no two claims of a job have the same.
    pub claim: i64,
    /// Since when it was due.
    pub due_at: OffsetDateTime,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// Where it goes on from in a trace.
    pub trace_parent: Option<String>,
}

/// What a job goes back to.
#[derive(Default)]
pub(super) struct Origin {
    /// The request that causes it.
    pub(super) request_id: Option<String>,
    /// Where that stands in a trace.
    pub(super) trace_parent: Option<String>,
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
    origin: &Origin,
) -> Result<Vec<JobId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into jobs (id, queue, kind, payload, key, max_attempts, request_id, run_at, trace_parent)
        select n.id, $4, $5, n.payload, n.key, $6, $7, coalesce($8, now()), $9
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
        origin.request_id.as_deref(),
        new.run_at,
        origin.trace_parent.as_deref(),
    )
    .fetch_all(conn)
    .await
}

/// Announces that jobs may be waiting. Nobody waits for it to be on the disk: one that is lost costs a tick.
pub(super) async fn notify(pool: &PgPool) -> Result<(), sqlx::Error> {
    let statement =
        sqlx::query!("select set_config('synchronous_commit', 'off', true), pg_notify($1, '')", CHANNEL);
    statement.fetch_one(pool).await?;
    Ok(())
}

/// How many jobs one claim takes at most: beyond that it costs as much for each as two claims.
///
/// It stands in the statement, too, within the limit that is asked for. Of that alone PostgreSQL assumes that it is a tenth of
/// all that wait, and plans each claim of a long queue anew; of a tenth of 500 it did so for a few slots. Rows come one by
/// one, so no more are locked than are asked for.
pub(super) const CLAIMED_AT_ONCE: usize = 200;

/// What a worker takes from a queue.
pub(super) struct Demand<'a> {
    pub(super) queue: QueueName,
    pub(super) worker: &'a str,
    /// The kinds of jobs that it knows.
    pub(super) kinds: &'a [String],
    /// How many jobs at most.
    pub(super) limit: i64,
    /// From where on it looks at those that are due; at all where there is none.
    pub(super) begin: Option<Position>,
}

/// Takes jobs that are due; each claim charges an attempt.
///
/// Numbers of claims follow the clock: where a crash has taken a claim back (a standby that lags, `synchronous_commit` off)
/// the next one does not get the number of one that is in hand.
///
/// Without a lease nothing is claimed. The lease's row is locked meanwhile, so that nobody ends it and misses
/// what is being claimed; renewing it goes on. Nor is anything claimed while the queue pauses.
pub(super) async fn claim(
    conn: &mut PgConnection,
    demand: &Demand<'_>,
) -> Result<Vec<ClaimedJob>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        with lease as materialized (
            select name
            from workers
            where name = $2 and lease_until > now() and not exists (select from paused_queues where queue = $1)
            for key share
        )
        update jobs
        set
            state = 'running', lock_by = $2, locked_at = now(), attempts = attempts + 1,
            claims = greatest(claims + 1, (date_part('epoch', clock_timestamp()) * 1000000)::bigint)
        where id = any (array(
            select id
            from (
                select id
                from jobs
                where queue = $1 and state = 'ready' and run_at <= now() and kind = any ($3)
                  and (run_at, id) >= (coalesce($5, '-infinity'::timestamptz), coalesce($6, '00000000-0000-0000-0000-000000000000'::uuid))
                  and exists (select from lease)
                order by run_at, id
                limit 200
                for update skip locked
            ) as due
            limit $4
        ))
        returning
            id as "id: JobId", kind, payload::text as "payload!", attempts, max_attempts, claims, request_id, run_at,
            trace_parent
        "#,
        demand.queue.as_str(),
        demand.worker,
        demand.kinds,
        demand.limit,
        demand.begin.map(|begin| begin.due_at),
        demand.begin.map(|begin| begin.id) as Option<JobId>,
    )
    .fetch_all(conn)
    .await?;
    let jobs = rows.into_iter().map(|row| ClaimedJob {
        id: row.id,
        kind: row.kind,
        payload: payload(row.payload),
        attempt: row.attempts.unsigned_abs(),
        max_attempts: row.max_attempts.unsigned_abs(),
        claim: row.claims,
        due_at: row.run_at,
        request_id: row.request_id,
        trace_parent: row.trace_parent,
    });
    Ok(jobs.collect())
}

/// A kind of jobs that are due in a queue and none of `kinds`.
pub(super) async fn unknown_kind(
    conn: &mut PgConnection,
    queue: QueueName,
    kinds: &[String],
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select kind from jobs where queue = $1 and state = 'ready' and run_at <= now() and kind <> all ($2) limit 1",
        queue.as_str(),
        kinds,
    )
    .fetch_optional(conn)
    .await
}

/// A payload as it is stored. PostgreSQL keeps JSON that serde does not read (`1e400`, a thousand levels): that
/// stays text, which is no payload of any job, so that only this job fails and not the claim of all.
fn payload(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// Forgets the errors of jobs with these payloads, and those of their attempts. Jobs that are done have only the latter,
/// which go with them within days.
///
/// Each payload is looked for by the index of those that failed (`jobs_failed`): a backlog of others costs nothing.
pub(super) async fn forget_errors(
    conn: &mut PgConnection,
    kind: &str,
    payloads: &[Value],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with forgotten as (
            update jobs j
            set last_error = null
            from unnest($2::jsonb[]) as about (payload)
            where j.payload = about.payload and j.kind = $1 and j.last_error is not null
            returning j.id
        )
        update job_attempts a set error = '' from forgotten f where a.job_id = f.id
        "#,
        kind,
        payloads,
    )
    .execute(conn)
    .await?;
    Ok(())
}
