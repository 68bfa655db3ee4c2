//! The inbox of what providers tell us unasked.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::super::{Notice, PaymentStatus};
use crate::ids::PaymentId;

/// Which of our payments the provider calls by a name.
pub(in super::super) async fn payment_of(
    conn: &mut PgConnection,
    provider: &str,
    provider_payment_id: &str,
) -> Result<Option<(PaymentId, PaymentStatus)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select id as "id: PaymentId", status as "status: PaymentStatus"
        from payments
        where provider = $1 and provider_payment_id = $2
        "#,
        provider,
        provider_payment_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.status)))
}

/// Keeps a notice, once for each payment and event, and counts how often it came. Returns the end of the second in which
/// it came, by the database's clock: by that jobs run.
pub(in super::super) async fn keep_notice(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    provider: &str,
    notice: &Notice,
) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into payment_notices (provider, provider_payment_id, event, first_at, last_at)
        values ($1, $2, $3, $4, $4)
        on conflict (provider, provider_payment_id, event) do update
        set times = payment_notices.times + 1, last_at = excluded.last_at
        returning date_trunc('second', now()) + interval '1 second' as "end_of_second!"
        "#,
        provider,
        notice.provider_payment_id,
        notice.event,
        now,
    )
    .fetch_one(conn)
    .await
}
