//! The SQL of schedules.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::super::schedule::ScheduleRecord;
use crate::ids::JobId;

/// Moves a schedule on to its last tick; nothing when it stands there already.
pub(in crate::queue) async fn take_tick(
    conn: &mut PgConnection,
    name: &str,
    every_s: i32,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into schedules as s (name, every_s, last_tick)
        values ($1, $2, date_bin(make_interval(secs => $2::integer), now(), timestamptz '1970-01-01 00:00:00+00'))
        on conflict (name) do update
        set every_s = excluded.every_s, last_tick = excluded.last_tick
        where s.last_tick < excluded.last_tick
        returning last_tick
        "#,
        name,
        every_s,
    )
    .fetch_optional(conn)
    .await
}

/// Notes the job of a schedule's last tick.
pub(in crate::queue) async fn note_job(
    conn: &mut PgConnection,
    name: &str,
    job: Option<JobId>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update schedules set last_job = $2 where name = $1", name, job as Option<JobId>)
        .execute(conn)
        .await?;
    Ok(())
}

/// The schedules that ever ticked.
///
/// # Errors
/// When the database refuses.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<ScheduleRecord>, sqlx::Error> {
    sqlx::query_as!(
        ScheduleRecord,
        r#"
        select
            s.name, s.every_s, s.last_tick, s.last_job as "last_job: JobId", j.state as "last_job_state?",
            s.last_tick + make_interval(secs => s.every_s) as "next_tick!"
        from schedules s
        left join jobs j on j.id = s.last_job
        order by s.name
        limit 100
        "#,
    )
    .fetch_all(conn)
    .await
}
