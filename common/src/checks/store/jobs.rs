//! I8: the jobs that run.

use std::time::Duration;

use sqlx::PgConnection;

use super::super::model::{AT_MOST, Found};

/// How long after the end of a lease others may take to take its jobs over; they look twice a second.
const TAKEOVER: Duration = Duration::from_secs(5);

/// No attempt at any job may take longer.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(60 * 60);

/// Jobs that run on no worker that lives. Where no worker lives at all there is nobody to take them over;
/// they are named all the same.
pub(in super::super) async fn abandoned_jobs(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'job ' || j.id as "subject!",
            format(
                '%s runs on %s, %s; it should have been taken over', j.kind, j.lock_by,
                coalesce('whose lease ended at ' || w.lease_until, 'which has no lease')
            ) as "detail!"
        from jobs j
        left join workers w on w.name = j.lock_by
        where j.state = 'running'
          and coalesce(w.lease_until <= now() - make_interval(secs => $1), true)
        order by j.id
        limit $2
        "#,
        TAKEOVER.as_secs_f64(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Jobs that have run for longer than any attempt may.
pub(in super::super) async fn endless_jobs(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'job ' || j.id as "subject!",
            format(
                '%s has run on %s since %s; no attempt may take more than %s minutes', j.kind, j.lock_by,
                coalesce(j.locked_at::text, 'nobody knows when'), $1::double precision / 60
            ) as "detail!"
        from jobs j
        where j.state = 'running'
          and coalesce(j.locked_at < now() - make_interval(secs => $1::double precision), true)
        order by j.id
        limit $2
        "#,
        LONGEST_ATTEMPT.as_secs_f64(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}
