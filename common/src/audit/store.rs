//! All SQL of the audit log.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{AuditFilter, Author, Entry, Record};
use crate::{
    ids::{AuditRecordId, UserId},
    page::Limit,
    request,
};

/// Writes down what is done, in the transaction that does it.
///
/// # Errors
/// When the database refuses.
pub async fn record(conn: &mut PgConnection, now: OffsetDateTime, entry: &Entry) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into audit_log (id, at, by_user, action, subject_kind, subject_id, details, request_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        AuditRecordId::new() as AuditRecordId,
        now,
        entry.by as Option<UserId>,
        entry.action.word(),
        entry.action.subject_kind(),
        entry.action.subject_id(),
        entry.details,
        request::current(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A page of the log, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    conn: &mut PgConnection,
    filter: AuditFilter,
    before: Option<AuditRecordId>,
    limit: Limit,
) -> Result<Vec<Record>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            a.id as "id: AuditRecordId", a.at, a.by_user as "by_user: UserId",
            concat_ws(' ', u.first_name, u.last_name) as "name!", a.action, a.subject_kind, a.subject_id, a.details,
            a.request_id
        from audit_log a
        left join users u on u.id = a.by_user
        where ($1::uuid is null or a.by_user = $1)
          and ($2::uuid is null or a.subject_id = $2)
          and ($3::text is null or a.action = $3)
          and ($4::uuid is null or a.id < $4)
        order by a.id desc
        limit $5
        "#,
        filter.by as Option<UserId>,
        filter.subject_id,
        filter.action,
        before as Option<AuditRecordId>,
        limit.and_one(),
    )
    .fetch_all(conn)
    .await?;
    let records = rows.into_iter().map(|row| Record {
        id: row.id,
        at: row.at,
        by: row.by_user.map(|id| Author { id, name: row.name }),
        action: row.action,
        subject_kind: row.subject_kind,
        subject_id: row.subject_id,
        details: row.details,
        request_id: row.request_id,
    });
    Ok(records.collect())
}
