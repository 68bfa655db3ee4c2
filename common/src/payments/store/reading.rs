//! Reading payments.

use sqlx::{PgConnection, types::Json};
use time::{Date, OffsetDateTime};

use super::super::{Payment, PaymentKind, PaymentStatus, Refund};
use crate::{
    ids::{OrderId, OrganizationId, PaymentId, SupplierOrderId},
    locale::Locale,
    money::Money,
};

/// The payments of an order, the oldest first; its invoices, which are of one moment, as their numbers count them.
pub(crate) async fn of_order(
    conn: &mut PgConnection,
    order_id: OrderId,
) -> Result<Vec<Payment>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            y.id as "id: PaymentId", y.supplier_order_id as "part_id: SupplierOrderId",
            y.kind as "kind: PaymentKind", y.status as "status: PaymentStatus", y.amount_minor as "amount: Money",
            y.currency, y.captured_minor as "captured: Money", y.refunded_minor as "refunded: Money",
            case when p.status in ('refused', 'canceled') then y.captured_minor - y.refunded_minor else 0 end
                as "refund_due!: Money",
            y.number, y.due_on as "due_on: Date", y.overdue_at as "overdue_at: OffsetDateTime",
            y.paid_on as "paid_on: Date", y.reference, y.provider, y.disagreement, y.created_at,
            case when exists (
                select from supplier_orders l where l.order_id = y.order_id and l.status not in ('refused', 'canceled')
            ) then y.redirect_url end as redirect_url,
            (
                select h.detail from payment_history h where h.payment_id = y.id and h.status = 'failed'
            ) as failure,
            coalesce((
                select jsonb_agg(jsonb_build_object(
                    'id', r.id, 'part_id', r.supplier_order_id, 'amount_minor', r.amount_minor,
                    'status', r.status, 'reason', r.reason
                ) order by r.id)
                from refunds r
                where r.payment_id = y.id
            ), '[]') as "refunds!: Json<Vec<Refund>>"
        from payments y
        left join supplier_orders p on p.id = y.supplier_order_id
        where y.order_id = $1
        order by y.created_at, y.supplier_order_id, y.id
        "#,
        order_id as OrderId,
    )
    .fetch_all(conn)
    .await?;
    let payments = rows.into_iter().map(|row| Payment {
        id: row.id,
        order_id,
        part_id: row.part_id,
        kind: row.kind,
        status: row.status,
        amount: row.amount,
        currency: row.currency,
        captured: row.captured,
        refunded: row.refunded,
        refund_due: row.refund_due,
        number: row.number,
        due_on: row.due_on,
        overdue_at: row.overdue_at,
        paid_on: row.paid_on,
        reference: row.reference,
        provider: row.provider,
        redirect_url: row.redirect_url,
        failure: row.failure,
        disagreement: row.disagreement,
        created_at: row.created_at,
        refunds: row.refunds.0,
    });
    Ok(payments.collect())
}

/// A payment; of an organization's orders, or anybody's when none is named.
pub(in super::super) async fn find(
    conn: &mut PgConnection,
    organization_id: Option<OrganizationId>,
    id: PaymentId,
) -> Result<Option<Payment>, sqlx::Error> {
    let order_id = sqlx::query_scalar!(
        r#"
        select y.order_id as "order_id: OrderId"
        from payments y
        join orders o on o.id = y.order_id
        where y.id = $1 and ($2::uuid is null or o.organization_id = $2)
        "#,
        id as PaymentId,
        organization_id as Option<OrganizationId>,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(order_id) = order_id else { return Ok(None) };
    let payments = of_order(conn, order_id).await?;
    Ok(payments.into_iter().find(|payment| payment.id == id))
}

/// A payment of one of an organization's orders.
///
/// # Errors
/// When the database refuses.
pub async fn find_of_buyer(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    id: PaymentId,
) -> Result<Option<Payment>, sqlx::Error> {
    find(conn, Some(organization_id), id).await
}

/// Since when a card payment is open; `None` once it came to its end.
///
/// # Errors
/// When the database refuses.
pub async fn open_since(
    conn: &mut PgConnection,
    id: PaymentId,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select created_at
        from payments
        where id = $1 and status in ('pending', 'requires_action', 'authorized')
        "#,
        id as PaymentId,
    )
    .fetch_optional(conn)
    .await
}

/// The card payment of an order that waits for its buyer, or for its provider.
///
/// # Errors
/// When the database refuses.
pub async fn open_card_of(
    conn: &mut PgConnection,
    order_id: OrderId,
) -> Result<Option<PaymentId>, sqlx::Error> {
    let open = super::open_card(conn, order_id).await?;
    Ok(open.map(|(id, _)| id))
}

/// What the buyer is told of a payment.
pub(in super::super) struct Receipt {
    pub(in super::super) order_id: OrderId,
    pub(in super::super) order_number: String,
    pub(in super::super) kind: PaymentKind,
    pub(in super::super) number: Option<String>,
    pub(in super::super) captured: Money,
    pub(in super::super) currency: String,
    pub(in super::super) supplier_name: Option<String>,
    pub(in super::super) first_name: String,
    pub(in super::super) email: String,
    pub(in super::super) locale: Locale,
}

pub(in super::super) async fn receipt(
    conn: &mut PgConnection,
    id: PaymentId,
) -> Result<Receipt, sqlx::Error> {
    sqlx::query_as!(
        Receipt,
        r#"
        select
            o.id as "order_id: OrderId", o.number as order_number, y.kind as "kind: PaymentKind", y.number,
            y.captured_minor as "captured: Money", y.currency, g.name as "supplier_name?", u.first_name, u.email,
            u.locale as "locale: Locale"
        from payments y
        join orders o on o.id = y.order_id
        join users u on u.id = o.user_id
        left join supplier_orders p on p.id = y.supplier_order_id
        left join organizations g on g.id = p.supplier_id
        where y.id = $1
        "#,
        id as PaymentId,
    )
    .fetch_one(conn)
    .await
}
