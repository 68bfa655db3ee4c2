//! The SQL of the janitor. Each statement takes a few old rows at a time, past those that somebody holds.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// Ids are made in the order of time: what is older has a smaller one. So old rows are found by the primary key.
fn first_id_at(instant: OffsetDateTime) -> Uuid {
    let millis = u64::try_from(instant.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

/// Deletes of a table what is older than a time, so many rows at most, and says how many there were.
macro_rules! delete_old {
    ($($(#[doc = $doc:literal])+ $name:ident: $sql:literal;)+) => {$(
        $(#[doc = $doc])+
        pub(super) async fn $name(
            conn: &mut PgConnection,
            before: OffsetDateTime,
            at_most: i64,
        ) -> Result<u64, sqlx::Error> {
            Ok(sqlx::query!($sql, before, at_most).execute(conn).await?.rows_affected())
        }
    )+};
}

delete_old! {
    /// Dead letters.
    dead_jobs: r#"
        delete from jobs
        where id in (
            select id from jobs where state = 'dead' and finished_at < $1 limit $2 for update skip locked
        )
    "#;

    /// Answers kept for requests that may come again.
    idempotency_keys: r#"
        delete from idempotency_keys
        where (user_id, key) in (
            select user_id, key
            from idempotency_keys
            where created_at < $1
            order by created_at
            limit $2
            for update skip locked
        )
    "#;

    /// Tokens that were mailed and have expired.
    mailed_tokens: r#"
        delete from one_time_tokens
        where token_hash in (
            select token_hash
            from one_time_tokens
            where expires_at < $1
            order by expires_at
            limit $2
            for update skip locked
        )
    "#;

    /// Refresh tokens that have expired.
    refresh_tokens: r#"
        delete from refresh_tokens
        where token_hash in (
            select token_hash
            from refresh_tokens
            where expires_at < $1
            order by expires_at
            limit $2
            for update skip locked
        )
    "#;

    /// Pieces of files whose import has ended.
    import_files: r#"
        delete from price_import_chunks
        where (import_id, position) in (
            select c.import_id, c.position
            from price_imports i
            join price_import_chunks c on c.import_id = i.id
            where i.finished_at < $1
            limit $2
        )
    "#;

    /// Rows of imports that have ended.
    import_rows: r#"
        delete from price_import_rows
        where (import_id, position) in (
            select r.import_id, r.position
            from price_imports i
            join price_import_rows r on r.import_id = i.id
            where i.finished_at < $1
            limit $2
        )
    "#;

    /// Others take over from a worker within seconds and forget it then; this is for those that nobody was there to forget.
    workers: r#"
        delete from workers
        where name in (
            select w.name
            from workers w
            where w.lease_until < $1
              and not exists (select from jobs j where j.lock_by = w.name and j.state = 'running')
            limit $2
            for update skip locked
        )
    "#;

    /// Notices that came then for the last time.
    payment_notices: r#"
        delete from payment_notices
        where (provider, provider_payment_id, event) in (
            select provider, provider_payment_id, event
            from payment_notices
            where last_at < $1
            order by last_at
            limit $2
            for update skip locked
        )
    "#;
}

pub(super) async fn finished_jobs(
    conn: &mut PgConnection,
    before: OffsetDateTime,
    at_most: i64,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        delete from jobs
        where id in (
            select id
            from jobs
            where id < $1 and state in ('done', 'discarded') and finished_at < $2
            order by id
            limit $3
            for update skip locked
        )
        "#,
        first_id_at(before),
        before,
        at_most,
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected())
}

/// A session without a token can never be used again: access tokens end long before refresh tokens do.
pub(super) async fn sessions(
    conn: &mut PgConnection,
    before: OffsetDateTime,
    at_most: i64,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        delete from sessions
        where id in (
            select s.id
            from sessions s
            where s.id < $1 and s.created_at < $2
              and (s.ended_at < $2 or not exists (select from refresh_tokens t where t.session_id = s.id))
            order by s.id
            limit $3
            for update of s skip locked
        )
        "#,
        first_id_at(before),
        before,
        at_most,
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected())
}

/// Takes everything personal out of messages that have come to an end. What they were about, and that they were sent,
/// stays: invariant I6 asks for it.
pub(super) async fn messages(
    conn: &mut PgConnection,
    before: OffsetDateTime,
    domain_of_nobody: &str,
    at_most: i64,
) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query!(
        r#"
        with old as (
            select id
            from email_messages
            where id < $1 and created_at < $2 and status in ('sent', 'failed')
              and right(recipient, length($3)) <> $3
            order by id
            limit $4
            for update skip locked
        ),
        forgotten as (
            update email_messages m
            set recipient = m.id || $3, data = '{}', last_response = null
            from old
            where m.id = old.id
            returning m.id
        ),
        told as (
            update email_message_history h set response = null from forgotten f where h.message_id = f.id
        )
        select count(*) as "forgotten!" from forgotten
        "#,
        first_id_at(before),
        before,
        domain_of_nobody,
        at_most,
    )
    .fetch_one(conn)
    .await?;
    Ok(forgotten.forgotten.unsigned_abs())
}

pub(super) async fn make_partitions(conn: &mut PgConnection, until: Date) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select sum(make_ledger_partitions(ledger, $1))::integer as "made!"
        from unnest(array['stock_movements', 'offer_changes']) as ledger
        "#,
        until,
    )
    .fetch_one(conn)
    .await
}
