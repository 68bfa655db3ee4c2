//! I6: the messages that events owe, and the jobs that messages need.
//!
//! Suppliers are told through their people: one who confirmed their address only after the event, or whose
//! account is closed by now, is owed nothing.

use sqlx::PgConnection;

use super::super::model::{AT_MOST, Found};
use crate::{
    mail::{MessageKind, jobs::SendEmail},
    queue::Job,
};

/// Orders that were not confirmed to their buyer exactly once.
pub(in super::super) async fn unconfirmed_orders(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'order ' || o.id as "subject!",
            format('has %s messages %s; it owes its buyer one', count(m.id), $1::text) as "detail!"
        from orders o
        left join email_messages m on m.cause = o.id and m.kind = $1
        group by o.id
        having count(m.id) <> 1
        order by o.id
        limit $2
        "#,
        MessageKind::OrderPlaced.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Parts of orders of which nobody at the supplier was told.
pub(in super::super) async fn unannounced_parts(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier order ' || p.id as "subject!",
            format('has no message %s; it owes one to everybody at supplier %s', $1::text, p.supplier_id)
                as "detail!"
        from supplier_orders p
        join orders o on o.id = p.order_id and o.released_at is not null
        where (o.payment_method = 'invoice' or p.status not in ('refused', 'canceled'))
          and not exists (select from email_messages m where m.cause = p.id and m.kind = $1)
          and exists (
            select
            from users u
            where u.organization_id = p.supplier_id and u.email_confirmed_at <= o.released_at and u.closed_at is null
          )
        order by p.id
        limit $2
        "#,
        MessageKind::OrderToFulfil.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Steps that others than the buyer took, and of which the buyer was not told exactly once.
pub(in super::super) async fn untold_moves(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier order ' || h.part as "subject!",
            format(
                'its step to %s by %s (history %s) has %s messages %s; it owes the buyer one', h.status, h.by_role,
                h.id, count(m.id), $1::text
            ) as "detail!"
        from (
            select
                id, supplier_order_id as part, status, by_role,
                position as step
            from supplier_order_history
        ) as h
        left join email_messages m on m.cause = h.id and m.kind = $1
        where h.step > 1 and h.by_role in ('supplier', 'staff')
        group by h.id, h.part, h.status, h.by_role
        having count(m.id) <> 1
        order by h.part, h.id
        limit $2
        "#,
        MessageKind::OrderStatusChanged.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Parts that their supplier was told of, that were canceled by others, and of which nobody at the supplier was told.
pub(in super::super) async fn untold_cancellations(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier order ' || p.id as "subject!",
            format(
                'was canceled by %s (history %s) and has no message %s; it owes one to everybody at supplier %s',
                h.by_role, h.id, $1::text, p.supplier_id
            ) as "detail!"
        from supplier_order_history h
        join supplier_orders p on p.id = h.supplier_order_id
        where h.status = 'canceled' and h.by_role in ('buyer', 'staff', 'system')
          and not exists (select from email_messages m where m.cause = h.id and m.kind = $1)
          and exists (select from email_messages m where m.cause = p.id and m.kind = $3)
          and exists (
            select
            from users u
            where u.organization_id = p.supplier_id and u.email_confirmed_at <= h.at and u.closed_at is null
          )
        order by p.id, h.id
        limit $2
        "#,
        MessageKind::OrderCanceled.as_str(),
        AT_MOST,
        MessageKind::OrderToFulfil.as_str(),
    )
    .fetch_all(conn)
    .await
}

/// Money that came, and for which the buyer got no receipt.
pub(in super::super) async fn unreceipted_payments(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'payment ' || y.id as "subject!",
            format('is captured and has %s messages %s; it owes its buyer one', count(m.id), $1::text) as "detail!"
        from payments y
        left join email_messages m on m.cause = y.id and m.kind = $1
        where y.status = 'captured'
        group by y.id
        having count(m.id) <> 1
        order by y.id
        limit $2
        "#,
        MessageKind::PaymentReceived.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Held money that was lost though it was wanted, and of which the buyer was not told.
pub(in super::super) async fn untold_lapses(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'payment ' || y.id as "subject!",
            format('was held and lost, and has no message %s; it owes its buyer one', $1::text) as "detail!"
        from payments y
        where y.lapsed_at is not null
          and not exists (select from email_messages m where m.cause = y.id and m.kind = $1)
        order by y.id
        limit $2
        "#,
        MessageKind::PaymentLapsed.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Invoices marked overdue of which the buyer was not reminded exactly once.
pub(in super::super) async fn unreminded_invoices(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'payment ' || y.id as "subject!",
            format('is overdue and has %s messages %s; it owes its buyer one', count(m.id), $1::text) as "detail!"
        from payments y
        left join email_messages m on m.cause = y.id and m.kind = $1
        where y.overdue_at is not null
        group by y.id
        having count(m.id) <> 1
        order by y.id
        limit $2
        "#,
        MessageKind::InvoiceOverdue.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Orders called off by nobody, of which the buyer was not told exactly once.
pub(in super::super) async fn untold_expiries(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'order ' || e.order_id as "subject!",
            format('was called off by nobody and has %s messages %s; it owes its buyer one', count(m.id), $1::text)
                as "detail!"
        from (
            select distinct p.order_id
            from supplier_order_history h
            join supplier_orders p on p.id = h.supplier_order_id
            where h.by_role = 'system' and h.position > 1
        ) as e
        left join email_messages m on m.cause = e.order_id and m.kind = $1
        group by e.order_id
        having count(m.id) <> 1
        order by e.order_id
        limit $2
        "#,
        MessageKind::OrderExpired.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Imports that came to an end of which nobody at the supplier was told.
pub(in super::super) async fn unreported_imports(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'import ' || i.id as "subject!",
            format(
                'is %s and has no message %s; it owes one to everybody at supplier %s', i.status, $1::text,
                i.supplier_id
            ) as "detail!"
        from price_imports i
        left join price_import_fetches f on f.import_id = i.id
        where i.status in ('completed', 'completed_with_errors', 'failed')
          and not (i.status = 'completed' and coalesce(f.scheduled, false))
          and not exists (select from email_messages m where m.cause = i.id and m.kind = $1)
          and exists (
            select
            from users u
            where u.organization_id = i.supplier_id and u.closed_at is null
              and u.email_confirmed_at <= coalesce(i.finished_at, i.created_at)
          )
        order by i.id
        limit $2
        "#,
        MessageKind::PriceListImported.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Imports that were held of which nobody at the supplier was told.
pub(in super::super) async fn unannounced_holds(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'import ' || i.id as "subject!",
            format('was held and has no message %s; it owes one to everybody at supplier %s', $1::text, i.supplier_id)
                as "detail!"
        from price_import_history h
        join price_imports i on i.id = h.import_id
        where h.status = 'held_for_review'
          and not exists (select from email_messages m where m.cause = i.id and m.kind = $1)
          and exists (
            select
            from users u
            where u.organization_id = i.supplier_id and u.closed_at is null and u.email_confirmed_at <= h.at
          )
        order by i.id
        limit $2
        "#,
        MessageKind::PriceListHeld.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Price lists that cannot be fetched by themselves any more of which nobody at the supplier was told.
pub(in super::super) async fn untold_streaks(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier ' || l.supplier_id as "subject!",
            format('cannot have its price list fetched since %s and has no message %s', l.failing_since, $1::text)
                as "detail!"
        from price_list_urls l
        where l.streak is not null
          and not exists (select from email_messages m where m.cause = l.streak and m.kind = $1)
          and exists (
            select
            from users u
            where u.organization_id = l.supplier_id and u.closed_at is null and u.email_confirmed_at <= l.failing_since
          )
        order by l.supplier_id
        limit $2
        "#,
        MessageKind::PriceListNotFetched.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Users who have not confirmed their address, and were never asked to.
pub(in super::super) async fn unasked_registrations(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'user ' || u.id as "subject!",
            format('has not confirmed their address and has no message %s; they are owed one', $1::text) as "detail!"
        from users u
        where u.email_confirmed_at is null
          and not exists (select from email_messages m where m.cause = u.id and m.kind = $1)
        order by u.id
        limit $2
        "#,
        MessageKind::ConfirmRegistration.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Organizations that staff approved, and of whose people nobody was told.
pub(in super::super) async fn untold_approvals(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'organization ' || a.subject_id as "subject!",
            format('was approved and has no message %s; it owes one to each of its people', $1::text) as "detail!"
        from audit_log a
        where a.action = 'approve_organization'
          and not exists (select from email_messages m where m.cause = a.subject_id and m.kind = $1)
          and exists (
            select
            from users u
            where u.organization_id = a.subject_id and u.email_confirmed_at <= a.at and u.closed_at is null
          )
        order by a.subject_id
        limit $2
        "#,
        MessageKind::OrganizationApproved.as_str(),
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Messages still to be sent that no job will send, or more than one; and messages that were given up, though
/// a job of theirs still tries.
///
/// Counted in one pass over both, since no index leads from a message to its job.
pub(in super::super) async fn messages_without_their_job(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'message ' || e.message_id as "subject!",
            format(
                'is %s and has %s live jobs %s; it should have %s', max(e.status), count(e.job_id), $1::text,
                case when max(e.status) = 'failed' then 'none' else 'one' end
            ) as "detail!"
        from (
            select id::text as message_id, status, null::uuid as job_id
            from email_messages
            where status in ('queued', 'sending', 'failed')
            union all
            select payload ->> 'message_id', null, id
            from jobs
            where kind = $1 and state in ('ready', 'running')
        ) as e
        group by e.message_id
        having count(e.status) = 1
           and count(e.job_id) <> case when max(e.status) = 'failed' then 0 else 1 end
        order by e.message_id
        limit $2
        "#,
        SendEmail::KIND,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}
