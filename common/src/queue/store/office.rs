//! The SQL of what operators see and do.

use serde_json::Value;
use sqlx::PgConnection;

use super::{
    super::{
        QueueName,
        office::{AttemptRecord, JobFilter, JobRecord, JobState, Pause},
    },
    payload,
};
use crate::{
    ids::{JobId, PauseId},
    page::Limit,
};

/// How many attempts of a job are shown, the newest ones.
const ATTEMPTS_SHOWN: i64 = 100;

/// A page of jobs, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &mut PgConnection,
    filter: &JobFilter,
    before: Option<JobId>,
    limit: Limit,
) -> Result<Vec<JobRecord>, sqlx::Error> {
    sqlx::query_as!(
        JobRecord,
        r#"
        select
            id as "id: JobId", queue, kind, state, key, attempts, max_attempts, run_at, lock_by as worker,
            locked_at as started_at, last_error, request_id, created_at, finished_at, payload
        from jobs
        where ($1::text is null or queue = $1)
          and ($2::text is null or kind = $2)
          and ($3::text is null or state = $3)
          and ($4::timestamptz is null or created_at >= $4)
          and ($5::timestamptz is null or created_at < $5)
          and ($6::uuid is null or id < $6)
        order by id desc
        limit $7
        "#,
        filter.queue.map(QueueName::as_str),
        filter.kind,
        filter.state.map(JobState::as_str),
        filter.created_from,
        filter.created_to,
        before as Option<JobId>,
        limit.and_one(),
    )
    .fetch_all(conn)
    .await
}

/// The ids of jobs that fit, the oldest first, after one of them.
///
/// # Errors
/// When the database refuses.
pub async fn matching(
    conn: &mut PgConnection,
    filter: &JobFilter,
    after: Option<JobId>,
    at_most: i64,
) -> Result<Vec<JobId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id as "id: JobId"
        from jobs
        where ($1::text is null or queue = $1)
          and ($2::text is null or kind = $2)
          and ($3::text is null or state = $3)
          and ($4::timestamptz is null or created_at >= $4)
          and ($5::timestamptz is null or created_at < $5)
          and ($6::uuid is null or id > $6)
        order by id
        limit $7
        "#,
        filter.queue.map(QueueName::as_str),
        filter.kind,
        filter.state.map(JobState::as_str),
        filter.created_from,
        filter.created_to,
        after as Option<JobId>,
        at_most,
    )
    .fetch_all(conn)
    .await
}

/// A job.
///
/// # Errors
/// When the database refuses.
pub async fn find(conn: &mut PgConnection, id: JobId) -> Result<Option<JobRecord>, sqlx::Error> {
    sqlx::query_as!(
        JobRecord,
        r#"
        select
            id as "id: JobId", queue, kind, state, key, attempts, max_attempts, run_at, lock_by as worker,
            locked_at as started_at, last_error, request_id, created_at, finished_at, payload
        from jobs
        where id = $1
        "#,
        id as JobId,
    )
    .fetch_optional(conn)
    .await
}

/// The attempts at a job that failed, the earliest first; of very many the last ones.
///
/// # Errors
/// When the database refuses.
pub async fn attempts(conn: &mut PgConnection, id: JobId) -> Result<Vec<AttemptRecord>, sqlx::Error> {
    let mut attempts = sqlx::query_as!(
        AttemptRecord,
        r#"
        select attempt, worker, started_at, ended_at, error
        from job_attempts
        where job_id = $1
        order by position desc
        limit $2
        "#,
        id as JobId,
        ATTEMPTS_SHOWN,
    )
    .fetch_all(conn)
    .await?;
    attempts.reverse();
    Ok(attempts)
}

/// Where a job stands, and what it is.
pub(in crate::queue) struct Standing {
    pub(in crate::queue) state: JobState,
    pub(in crate::queue) kind: String,
    pub(in crate::queue) payload: Value,
}

/// Where a job stands; it stays there until the transaction ends.
pub(in crate::queue) async fn lock(
    conn: &mut PgConnection,
    id: JobId,
) -> Result<Option<Standing>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select state, kind, payload::text as "payload!" from jobs where id = $1 for update"#,
        id as JobId,
    )
    .fetch_optional(conn)
    .await?;
    // The column's CHECK knows no other words.
    Ok(row.and_then(|row| {
        Some(Standing { state: JobState::parse(&row.state)?, kind: row.kind, payload: payload(row.payload) })
    }))
}

/// Lets a job that has ended begin anew, unless another one has its key.
pub(in crate::queue) async fn revive(conn: &mut PgConnection, id: JobId) -> Result<bool, sqlx::Error> {
    let revived = sqlx::query!(
        r#"
        update jobs j
        set state = 'ready', attempts = 0, run_at = now(), finished_at = null
        where id = $1
          and not exists (
            select
            from jobs o
            where o.queue = j.queue and o.key = j.key and o.state in ('ready', 'running')
          )
        "#,
        id as JobId,
    )
    .execute(conn)
    .await;
    match revived {
        Ok(revived) => Ok(revived.rows_affected() == 1),
        // Enqueued at the same moment.
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("jobs_key") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Lets a job that waits run at once.
pub(in crate::queue) async fn make_due(conn: &mut PgConnection, id: JobId) -> Result<(), sqlx::Error> {
    sqlx::query!("update jobs set run_at = least(run_at, now()) where id = $1", id as JobId)
        .execute(conn)
        .await?;
    Ok(())
}

/// Lets a job never run.
pub(in crate::queue) async fn discard(conn: &mut PgConnection, id: JobId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update jobs set state = 'discarded', finished_at = coalesce(finished_at, now()) where id = $1",
        id as JobId
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The queues from which nobody claims.
///
/// # Errors
/// When the database refuses.
pub async fn pauses(conn: &mut PgConnection) -> Result<Vec<Pause>, sqlx::Error> {
    sqlx::query_as!(Pause, r#"select queue, id as "id: PauseId", since from paused_queues limit 100"#)
        .fetch_all(conn)
        .await
}

/// Pauses a queue; nothing when it pauses already.
pub(in crate::queue) async fn pause(
    conn: &mut PgConnection,
    queue: QueueName,
) -> Result<Option<PauseId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into paused_queues (queue, id)
        values ($1, $2)
        on conflict (queue) do nothing
        returning id as "id: PauseId"
        "#,
        queue.as_str(),
        PauseId::new() as PauseId,
    )
    .fetch_optional(conn)
    .await
}

/// Resumes a queue; nothing when it does not pause.
pub(in crate::queue) async fn resume(
    conn: &mut PgConnection,
    queue: QueueName,
) -> Result<Option<PauseId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"delete from paused_queues where queue = $1 returning id as "id: PauseId""#,
        queue.as_str()
    )
    .fetch_optional(conn)
    .await
}
