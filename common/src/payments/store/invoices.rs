//! Invoices; they are written with their order, by its own statement.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use crate::{
    ids::{OrderId, PaymentId, SupplierOrderId, UserId},
    locale::Locale,
    money::Money,
    orders::By,
};

/// Notes by what an invoice was paid, and that all of it is for its part.
pub(in super::super) async fn allocate_invoice(
    conn: &mut PgConnection,
    id: PaymentId,
    paid_on: Date,
    reference: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with paid as (
            update payments
            set paid_on = $2, reference = $3
            where id = $1
            returning id, supplier_order_id, captured_minor
        )
        insert into payment_allocations (payment_id, supplier_order_id, amount_minor, wanted)
        select id, supplier_order_id, captured_minor, true
        from paid
        "#,
        id as PaymentId,
        paid_on,
        reference,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Cancels the invoices of parts that were called off, but for those that were paid.
pub(in super::super) async fn cancel_invoices_of_parts(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    by: By,
    parts: &[SupplierOrderId],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with canceled as (
            update payments
            set status = 'canceled'
            where supplier_order_id = any ($1) and status = 'invoiced'
            returning id
        )
        insert into payment_history (id, payment_id, position, status, at, by_user, by_role)
        select
            uuid_v7(), id, (select max(h.position) + 1 from payment_history h where h.payment_id = canceled.id),
            'canceled', $2, $3, $4
        from canceled
        "#,
        parts as &[SupplierOrderId],
        now,
        by.user_id() as Option<UserId>,
        by.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An invoice whose due date is over, and who is to be reminded of it.
pub(in super::super) struct OverdueInvoice {
    pub(in super::super) id: PaymentId,
    pub(in super::super) number: String,
    pub(in super::super) due_on: Date,
    pub(in super::super) amount: Money,
    pub(in super::super) currency: String,
    pub(in super::super) order_id: OrderId,
    pub(in super::super) order_number: String,
    pub(in super::super) supplier_name: String,
    pub(in super::super) first_name: String,
    pub(in super::super) email: String,
    pub(in super::super) locale: Locale,
}

/// Marks up to `limit` invoices overdue that were due by a day, each once. Those that somebody else has locked are passed
/// over: they are being paid or canceled, in an order of their own.
pub(in super::super) async fn mark_overdue(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    due_by: Date,
    limit: i64,
) -> Result<Vec<OverdueInvoice>, sqlx::Error> {
    sqlx::query_as!(
        OverdueInvoice,
        r#"
        with late as (
            select id
            from payments
            where status = 'invoiced' and overdue_at is null and due_on <= $2
            order by due_on, id
            limit $3
            for no key update skip locked
        ),
        marked as (
            update payments y
            set overdue_at = $1
            from late
            where y.id = late.id
            returning y.*
        )
        select
            y.id as "id: PaymentId", y.number as "number!", y.due_on as "due_on!: Date",
            y.amount_minor as "amount: Money", y.currency, o.id as "order_id: OrderId", o.number as order_number,
            g.name as supplier_name, u.first_name, u.email, u.locale as "locale: Locale"
        from marked y
        join orders o on o.id = y.order_id
        join users u on u.id = o.user_id
        join supplier_orders p on p.id = y.supplier_order_id
        join organizations g on g.id = p.supplier_id
        order by y.id
        "#,
        now,
        due_by,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Whether an invoice that was due by a day is still to be marked overdue.
///
/// # Errors
/// When the database refuses.
pub async fn any_unmarked(conn: &mut PgConnection, due_by: Date) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from payments where status = 'invoiced' and overdue_at is null and due_on <= $1
        ) as "any!"
        "#,
        due_by,
    )
    .fetch_one(conn)
    .await
}
