//! All SQL of payments: their steps, invoices, cards, refunds, notices, and reading them.

mod cards;
mod invoices;
mod notices;
mod reading;
mod refunds;

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{PaymentKind, PaymentStatus};
use crate::{
    ids::{OrderId, PaymentId, SupplierOrderId, UserId},
    money::Money,
    orders::By,
};

pub(super) use cards::{
    AllocatedPart, NewCard, allocated_parts, cards_of_parts, charge, insert_card, lapsed, lock_order,
    open_card, set_created, set_disagreement, set_lapsed, want, wanted_parts,
};
pub use invoices::any_unmarked;
pub(super) use invoices::{OverdueInvoice, allocate_invoice, cancel_invoices_of_parts, mark_overdue};
pub(super) use notices::{keep_notice, payment_of};
pub(crate) use reading::of_order;
pub(super) use reading::{find, receipt};
pub use reading::{find_of_buyer, open_card_of, open_since};
pub(super) use refunds::{
    RefundEnd, RefundRow, end_refund, insert_refund, left_to_refund, note_about_refund, pending_refund,
};

/// A payment whose row is locked until the transaction ends.
pub(super) struct LockedPayment {
    pub(super) order_id: OrderId,
    pub(super) part_id: Option<SupplierOrderId>,
    pub(super) kind: PaymentKind,
    pub(super) status: PaymentStatus,
    pub(super) amount: Money,
    pub(super) captured: Money,
    pub(super) currency: String,
    pub(super) provider_payment_id: Option<String>,
}

pub(super) async fn lock(
    conn: &mut PgConnection,
    id: PaymentId,
) -> Result<Option<LockedPayment>, sqlx::Error> {
    sqlx::query_as!(
        LockedPayment,
        r#"
        select
            order_id as "order_id: OrderId", supplier_order_id as "part_id: SupplierOrderId",
            kind as "kind: PaymentKind", status as "status: PaymentStatus", amount_minor as "amount: Money",
            captured_minor as "captured: Money", currency, provider_payment_id
        from payments
        where id = $1
        for no key update
        "#,
        id as PaymentId,
    )
    .fetch_optional(conn)
    .await
}

/// A step of a payment.
pub(super) struct PaymentStep<'a> {
    pub(super) payment_id: PaymentId,
    pub(super) from: PaymentStatus,
    pub(super) to: PaymentStatus,
    /// What came, when this is the step by which it came.
    pub(super) captured: Option<Money>,
    pub(super) detail: Option<&'a str>,
}

/// Compare-and-set (decision 6), with its line of history. Whoever calls has locked the payment, so that it stands where
/// they say; that it does not is an error.
pub(super) async fn step(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    by: By,
    step: &PaymentStep<'_>,
) -> Result<(), sqlx::Error> {
    let moved = sqlx::query!(
        r#"
        with moved as (
            update payments
            set status = $3, captured_minor = coalesce($4, captured_minor)
            where id = $1 and status = $2
            returning id
        )
        insert into payment_history (id, payment_id, position, status, at, by_user, by_role, detail)
        select
            uuid_v7(), id, (select max(h.position) + 1 from payment_history h where h.payment_id = moved.id),
            $3, $5, $6, $7, $8
        from moved
        "#,
        step.payment_id as PaymentId,
        step.from as PaymentStatus,
        step.to as PaymentStatus,
        step.captured as Option<Money>,
        now,
        by.user_id() as Option<UserId>,
        by.as_str(),
        step.detail,
    )
    .execute(conn)
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
