//! Money going back. Whoever writes here holds the payment's row.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::super::{RefundCharge, RefundStatus};
use crate::{
    ids::{PaymentId, RefundId, SupplierOrderId, UserId},
    money::Money,
    orders::By,
};

/// A refund about to be written.
pub(in super::super) struct RefundRow<'a> {
    pub(in super::super) id: RefundId,
    pub(in super::super) payment_id: PaymentId,
    pub(in super::super) part_id: Option<SupplierOrderId>,
    pub(in super::super) amount: Money,
    pub(in super::super) reason: &'a str,
}

pub(in super::super) async fn insert_refund(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    by: By,
    row: &RefundRow<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into refunds (
            id, payment_id, supplier_order_id, amount_minor, status, reason, by_user, by_role, created_at
        )
        values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8)
        "#,
        row.id as RefundId,
        row.payment_id as PaymentId,
        row.part_id as Option<SupplierOrderId>,
        row.amount as Money,
        row.reason,
        by.user_id() as Option<UserId>,
        by.as_str(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How much of a payment can still go back.
pub(in super::super) async fn left_to_refund(
    conn: &mut PgConnection,
    id: PaymentId,
) -> Result<Money, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select (y.captured_minor - coalesce((
            select sum(r.amount_minor) from refunds r where r.payment_id = y.id and r.status <> 'failed'
        ), 0))::bigint as "left!: Money"
        from payments y
        where y.id = $1
        "#,
        id as PaymentId,
    )
    .fetch_one(conn)
    .await
}

/// A refund that the provider is to be asked for.
pub(in super::super) struct PendingRefund {
    pub(in super::super) payment_id: PaymentId,
    pub(in super::super) charge: RefundCharge,
}

pub(in super::super) async fn pending_refund(
    conn: &mut PgConnection,
    id: RefundId,
) -> Result<Option<PendingRefund>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select
            r.payment_id as "payment_id: PaymentId", r.amount_minor as "amount: Money", y.currency,
            y.provider_payment_id as "provider_payment_id!"
        from refunds r
        join payments y on y.id = r.payment_id
        where r.id = $1 and r.status = 'pending' and y.provider_payment_id is not null
        "#,
        id as RefundId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| PendingRefund {
        payment_id: row.payment_id,
        charge: RefundCharge {
            refund_id: id,
            provider_payment_id: row.provider_payment_id,
            amount: row.amount,
            currency: row.currency,
        },
    }))
}

/// How a refund ends.
pub(in super::super) struct RefundEnd<'a> {
    pub(in super::super) status: RefundStatus,
    /// What it is called at the provider.
    pub(in super::super) name: Option<&'a str>,
    /// Why it failed.
    pub(in super::super) detail: Option<&'a str>,
}

impl RefundEnd<'_> {
    /// The money went back by hand.
    pub(in super::super) fn by_hand() -> Self {
        Self { status: RefundStatus::Succeeded, name: None, detail: None }
    }
}

/// Notes what the provider says of a pending refund that does not agree with us.
pub(in super::super) async fn note_about_refund(
    conn: &mut PgConnection,
    id: RefundId,
    detail: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update refunds set detail = $2 where id = $1 and status = 'pending'",
        id as RefundId,
        detail,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a pending refund, and counts what went back; false when it had ended before.
pub(in super::super) async fn end_refund(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: RefundId,
    end: &RefundEnd<'_>,
) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query!(
        r#"
        with ended as (
            update refunds
            set status = $2, ended_at = $3, provider_refund_id = $4, detail = $5
            where id = $1 and status = 'pending'
            returning payment_id, amount_minor, status
        )
        update payments y
        set refunded_minor = refunded_minor + case when e.status = 'succeeded' then e.amount_minor else 0 end
        from ended e
        where y.id = e.payment_id
        "#,
        id as RefundId,
        end.status as RefundStatus,
        now,
        end.name,
        end.detail,
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() == 1)
}
