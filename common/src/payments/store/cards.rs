//! Card payments, what of them is for which part, and the release of their orders.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::super::{Charge, PaymentStatus};
use crate::{
    ids::{OrderId, OrganizationId, PaymentId, SupplierOrderId, UserId},
    locale::Locale,
    money::Money,
    orders::{By, PaymentMethod, SupplierOrderStatus},
};

/// An order about to be paid; its row is locked until the transaction ends.
pub(in super::super) struct LockedOrder {
    pub(in super::super) payment_method: PaymentMethod,
    pub(in super::super) currency: String,
}

pub(in super::super) async fn lock_order(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    order_id: OrderId,
) -> Result<Option<LockedOrder>, sqlx::Error> {
    sqlx::query_as!(
        LockedOrder,
        r#"
        select payment_method as "payment_method: PaymentMethod", currency
        from orders
        where id = $1 and organization_id = $2
        for no key update
        "#,
        order_id as OrderId,
        organization_id as OrganizationId,
    )
    .fetch_optional(conn)
    .await
}

/// The card payment of an order that is open or went through; there is at most one.
pub(in super::super) async fn open_card(
    conn: &mut PgConnection,
    order_id: OrderId,
) -> Result<Option<(PaymentId, PaymentStatus)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select id as "id: PaymentId", status as "status: PaymentStatus"
        from payments
        where order_id = $1 and kind = 'card' and status in ('pending', 'requires_action', 'authorized', 'captured')
        "#,
        order_id as OrderId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.status)))
}

/// The parts of an order that are not called off, and what they cost.
pub(in super::super) async fn wanted_parts(
    conn: &mut PgConnection,
    order_id: OrderId,
) -> Result<Vec<(SupplierOrderId, Money)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select id as "id: SupplierOrderId", subtotal_minor as "subtotal: Money"
        from supplier_orders
        where order_id = $1 and status not in ('refused', 'canceled')
        order by id
        "#,
        order_id as OrderId,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.subtotal)).collect())
}

/// A card payment about to be written.
pub(in super::super) struct NewCard<'a> {
    pub(in super::super) id: PaymentId,
    pub(in super::super) order_id: OrderId,
    pub(in super::super) amount: Money,
    pub(in super::super) currency: &'a str,
    pub(in super::super) provider: &'a str,
    pub(in super::super) parts: &'a [(SupplierOrderId, Money)],
}

pub(in super::super) async fn insert_card(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    by: By,
    new: &NewCard<'_>,
) -> Result<(), sqlx::Error> {
    let (parts, amounts): (Vec<SupplierOrderId>, Vec<Money>) = new.parts.iter().copied().unzip();
    sqlx::query!(
        r#"
        with payment as (
            insert into payments (id, order_id, kind, status, amount_minor, currency, provider, created_at)
            values ($1, $2, 'card', 'pending', $3, $4, $5, $6)
        ),
        history as (
            insert into payment_history (id, payment_id, position, status, at, by_user, by_role)
            values (uuid_v7(), $1, 1, 'pending', $6, $7, $8)
        )
        insert into payment_allocations (payment_id, supplier_order_id, amount_minor)
        select $1, p.id, p.amount
        from unnest($9::uuid[], $10::bigint[]) as p (id, amount)
        "#,
        new.id as PaymentId,
        new.order_id as OrderId,
        new.amount as Money,
        new.currency,
        new.provider,
        now,
        by.user_id() as Option<UserId>,
        by.as_str(),
        &parts as &[SupplierOrderId],
        &amounts as &[Money],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What to ask the provider for, again. The return address is the caller's to fill in.
pub(in super::super) async fn charge(
    conn: &mut PgConnection,
    id: PaymentId,
) -> Result<(OrderId, Charge), sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select y.order_id as "order_id: OrderId", y.amount_minor as "amount: Money", y.currency, o.number
        from payments y
        join orders o on o.id = y.order_id
        where y.id = $1
        "#,
        id as PaymentId,
    )
    .fetch_one(conn)
    .await?;
    let charge = Charge {
        payment_id: id,
        amount: row.amount,
        currency: row.currency,
        order_number: row.number,
        return_url: String::new(),
    };
    Ok((row.order_id, charge))
}

/// Notes what a payment is called at the provider, and where the buyer goes to pay: the provider agrees about it.
pub(in super::super) async fn set_created(
    conn: &mut PgConnection,
    id: PaymentId,
    provider_payment_id: &str,
    redirect_url: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update payments
        set provider_payment_id = $2, redirect_url = coalesce($3, redirect_url), disagreement = null
        where id = $1
        "#,
        id as PaymentId,
        provider_payment_id,
        redirect_url,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes what the provider says that does not agree with us.
pub(in super::super) async fn set_disagreement(
    conn: &mut PgConnection,
    id: PaymentId,
    disagreement: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update payments set disagreement = $2 where id = $1", id as PaymentId, disagreement)
        .execute(conn)
        .await?;
    Ok(())
}

/// A part that a payment was begun for.
pub(in super::super) struct AllocatedPart {
    pub(in super::super) part_id: SupplierOrderId,
    pub(in super::super) status: SupplierOrderStatus,
    pub(in super::super) amount: Money,
    /// Whether the capture takes it.
    pub(in super::super) wanted: bool,
    /// What of it went back, or is on its way.
    pub(in super::super) refunding: Money,
}

impl AllocatedPart {
    /// How much of what came for it can still go back.
    pub(in super::super) fn left_to_refund(&self) -> Money {
        Money::from_minor(self.amount.minor() - self.refunding.minor()).unwrap_or(Money::ZERO)
    }
}

pub(in super::super) async fn allocated_parts(
    conn: &mut PgConnection,
    id: PaymentId,
) -> Result<Vec<AllocatedPart>, sqlx::Error> {
    sqlx::query_as!(
        AllocatedPart,
        r#"
        select
            p.id as "part_id: SupplierOrderId", p.status as "status: SupplierOrderStatus",
            a.amount_minor as "amount: Money", a.wanted,
            coalesce((
                select sum(r.amount_minor)
                from refunds r
                where r.payment_id = a.payment_id and r.supplier_order_id = p.id and r.status <> 'failed'
            ), 0)::bigint as "refunding!: Money"
        from payment_allocations a
        join supplier_orders p on p.id = a.supplier_order_id
        where a.payment_id = $1
        order by p.id
        "#,
        id as PaymentId,
    )
    .fetch_all(conn)
    .await
}

/// Decides which parts a capture takes.
pub(in super::super) async fn want(
    conn: &mut PgConnection,
    id: PaymentId,
    parts: &[SupplierOrderId],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update payment_allocations set wanted = true where payment_id = $1 and supplier_order_id = any ($2)",
        id as PaymentId,
        parts as &[SupplierOrderId],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The card payments of the order of these parts that may have to act when they move.
pub(in super::super) async fn cards_of_parts(
    conn: &mut PgConnection,
    parts: &[SupplierOrderId],
) -> Result<Vec<PaymentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select distinct y.id as "id: PaymentId"
        from supplier_orders p
        join payments y on y.order_id = p.order_id
        where p.id = any ($1) and y.kind = 'card'
          and y.status in ('pending', 'requires_action', 'authorized', 'captured')
        "#,
        parts as &[SupplierOrderId],
    )
    .fetch_all(conn)
    .await
}

/// Notes that held money was lost though it was wanted.
pub(in super::super) async fn set_lapsed(
    conn: &mut PgConnection,
    id: PaymentId,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update payments set lapsed_at = $2 where id = $1", id as PaymentId, at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Held money that was lost, and who is told of it beside the administrator.
pub(in super::super) struct Lapsed {
    pub(in super::super) order_id: OrderId,
    pub(in super::super) order_number: String,
    pub(in super::super) amount: Money,
    pub(in super::super) currency: String,
    pub(in super::super) buyer_name: String,
    pub(in super::super) first_name: String,
    pub(in super::super) email: String,
    pub(in super::super) locale: Locale,
}

pub(in super::super) async fn lapsed(conn: &mut PgConnection, id: PaymentId) -> Result<Lapsed, sqlx::Error> {
    sqlx::query_as!(
        Lapsed,
        r#"
        select
            o.id as "order_id: OrderId", o.number as order_number, y.amount_minor as "amount: Money", y.currency,
            g.name as buyer_name, u.first_name, u.email, u.locale as "locale: Locale"
        from payments y
        join orders o on o.id = y.order_id
        join organizations g on g.id = o.organization_id
        join users u on u.id = o.user_id
        where y.id = $1
        "#,
        id as PaymentId,
    )
    .fetch_one(conn)
    .await
}
