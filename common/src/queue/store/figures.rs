//! Counting jobs.

use sqlx::PgPool;
use time::OffsetDateTime;

/// One queue.
#[derive(Clone, Debug)]
pub struct QueueFigures {
    /// Its name.
    pub queue: String,
    /// Jobs that may run now.
    pub ready: i64,
    /// Jobs that wait for their time or another attempt.
    pub waiting: i64,
    /// Jobs that run.
    pub running: i64,
    /// Jobs that gave up.
    pub dead: i64,
    /// For how long the next one has been ready, in seconds.
    pub oldest_ready_s: f64,
    /// Workers that live and take from it.
    pub workers: i64,
    /// Since when nobody claims from it, where that is so.
    pub paused_since: Option<OffsetDateTime>,
}

/// Jobs of each queue by state, counted up to 100,000, and for how long the next one has been ready.
pub(in crate::queue) async fn of_queues(
    pool: &PgPool,
    names: &[String],
) -> Result<Vec<QueueFigures>, sqlx::Error> {
    sqlx::query_as!(
        QueueFigures,
        r#"
        select q.name as "queue!",
          (select count(*) from (select from jobs j where j.queue = q.name and j.state = 'ready'
            and j.run_at <= now() limit 100000) j) as "ready!",
          (select count(*) from (select from jobs j where j.queue = q.name and j.state = 'ready'
            and j.run_at > now() limit 100000) j) as "waiting!",
          (select count(*) from (select from jobs j where j.queue = q.name and j.state = 'running'
            limit 100000) j) as "running!",
          (select count(*) from (select from jobs j where j.queue = q.name and j.state = 'dead'
            limit 100000) j) as "dead!",
          coalesce((select greatest(extract(epoch from now() - j.run_at)::float8, 0) from jobs j
            where j.queue = q.name and j.state = 'ready' and j.run_at <= now()
            order by j.run_at limit 1), 0) as "oldest_ready_s!",
          (select count(*) from workers w where q.name = any (w.queues) and w.lease_until > now()) as "workers!",
          p.since as "paused_since?"
        from unnest($1::text[]) with ordinality as q (name, place)
        left join paused_queues p on p.queue = q.name
        order by q.place
        "#,
        names,
    )
    .fetch_all(pool)
    .await
}
