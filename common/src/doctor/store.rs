//! What the doctor asks of the database. Nothing of it is checked at compile time: it must also run where the schema is
//! missing.

use sqlx::PgConnection;
use time::OffsetDateTime;

/// What a server says of itself and of the database.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Server {
    pub(super) version: String,
    pub(super) version_number: i32,
    pub(super) encoding: String,
    pub(super) knows_cyrillic: bool,
    pub(super) max_connections: i32,
    pub(super) fsync: bool,
    pub(super) synchronous_commit: String,
    pub(super) lock_timeout_ms: i64,
    pub(super) statement_timeout_ms: i64,
}

pub(super) async fn server(conn: &mut PgConnection) -> Result<Server, sqlx::Error> {
    sqlx::query_as(
        "select current_setting('server_version') as version,
           current_setting('server_version_num')::int4 as version_number,
           current_setting('server_encoding') as encoding,
           lower(chr(1046)) = chr(1078) as knows_cyrillic,
           current_setting('max_connections')::int4 as max_connections,
           current_setting('fsync')::bool as fsync,
           current_setting('synchronous_commit') as synchronous_commit,
           (select setting::int8 from pg_settings where name = 'lock_timeout') as lock_timeout_ms,
           (select setting::int8 from pg_settings where name = 'statement_timeout') as statement_timeout_ms",
    )
    .fetch_one(conn)
    .await
}

/// How a database writes its texts: one that is not UTF-8 cannot be asked much else.
pub(super) async fn encoding(conn: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("select current_setting('server_encoding')").fetch_one(conn).await
}

pub(super) async fn now(conn: &mut PgConnection) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar("select clock_timestamp()").fetch_one(conn).await
}

/// Which of these extensions are installed, and which could be.
pub(super) async fn extensions(
    conn: &mut PgConnection,
    wanted: &[&str],
) -> Result<Vec<(String, bool)>, sqlx::Error> {
    sqlx::query_as(
        "select name::text, installed_version is not null from pg_available_extensions where name = any($1)",
    )
    .bind(wanted)
    .fetch_all(conn)
    .await
}

/// The migrations that were applied: number and checksum. None where there is no schema.
pub(super) async fn migrations(conn: &mut PgConnection) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
    let known: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(&mut *conn)
        .await?;
    if !known {
        return Ok(Vec::new());
    }
    sqlx::query_as(
        "select version, checksum from _sqlx_migrations where success order by version limit 10000",
    )
    .fetch_all(conn)
    .await
}

/// A queue, as far as it needs workers.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) has_jobs: bool,
    pub(super) has_workers: bool,
}

pub(super) async fn queues(conn: &mut PgConnection, names: &[&str]) -> Result<Vec<Queue>, sqlx::Error> {
    sqlx::query_as(
        "select q.name,
           exists (select from jobs j where j.queue = q.name and j.state = 'ready' and j.run_at <= now()) as has_jobs,
           exists (select from workers w where q.name = any (w.queues) and w.lease_until > now()) as has_workers
         from unnest($1::text[]) as q (name)",
    )
    .bind(names)
    .fetch_all(conn)
    .await
}

/// How many card payments are open. None where there is no such table.
pub(super) async fn open_cards(conn: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    let known: bool =
        sqlx::query_scalar("select to_regclass('payments') is not null").fetch_one(&mut *conn).await?;
    if !known {
        return Ok(None);
    }
    sqlx::query_scalar(
        "select count(*) from payments where status in ('pending', 'requires_action', 'authorized')",
    )
    .fetch_one(conn)
    .await
    .map(Some)
}
