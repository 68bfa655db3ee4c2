//! Writing a new order.

use sqlx::{PgConnection, types::Json};
use time::{Date, OffsetDateTime};

use super::super::{NewOrder, PaymentMethod};
use crate::{
    addresses::Address,
    basket::{Basket, Quantity},
    config::TradeSettings,
    ids::{AddressId, OfferId, OrderId, OrganizationId, SupplierId, SupplierOrderId, UserId},
    locale::Locale,
    money::Money,
    vat::VatRate,
};

/// The order itself, about to be written.
pub(in super::super) struct OrderRow<'a> {
    pub(in super::super) id: OrderId,
    pub(in super::super) total: Money,
    pub(in super::super) address: Address,
    /// How long it waits for its card.
    pub(in super::super) pay_until: Option<OffsetDateTime>,
    pub(in super::super) new: &'a NewOrder,
}

/// Parts and lines of an order about to be written, column by column.
#[derive(Default)]
pub(in super::super) struct Placement {
    part_ids: Vec<SupplierOrderId>,
    suppliers: Vec<SupplierId>,
    subtotals: Vec<Money>,
    line_parts: Vec<SupplierOrderId>,
    offers: Vec<OfferId>,
    names: Vec<String>,
    skus: Vec<String>,
    prices: Vec<Money>,
    vat_rates: Vec<Option<VatRate>>,
    units: Vec<Option<String>>,
    quantities: Vec<Quantity>,
    sums: Vec<Money>,
}

impl Placement {
    /// What a basket becomes: one part for each supplier, one line for each offer.
    pub(in super::super) fn of(basket: &Basket) -> Self {
        let mut placement = Self::default();
        for supplier in basket.suppliers() {
            placement.part_ids.push(SupplierOrderId::new());
            placement.suppliers.push(supplier.id);
            placement.subtotals.push(supplier.subtotal);
        }
        for line in &basket.lines {
            let parts = placement.suppliers.iter().zip(&placement.part_ids);
            let part =
                parts.filter(|(supplier, _)| **supplier == line.supplier_id).map(|(_, part)| *part).next();
            placement.line_parts.extend(part);
            placement.offers.push(line.offer_id);
            placement.names.push(line.product_name.clone());
            placement.skus.push(line.sku.clone());
            placement.prices.push(line.price);
            placement.vat_rates.push(line.vat_rate.clone());
            placement.units.push(line.unit.clone());
            placement.quantities.push(line.quantity);
            placement.sums.push(line.sum());
        }
        placement
    }
}

/// On what terms an organization orders.
pub(in super::super) struct Terms {
    pub(in super::super) approved: bool,
    /// The saved address that was asked for, if the organization has it.
    pub(in super::super) address: Option<Address>,
}

pub(in super::super) async fn find_terms(
    conn: &mut PgConnection,
    organization_id: OrganizationId,
    address_id: Option<AddressId>,
) -> Result<Terms, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select g.approved_at is not null as "approved!", a.address as "address?: Json<Address>"
        from organizations g
        left join addresses a on a.organization_id = g.id and a.id = $2
        where g.id = $1
        "#,
        organization_id as OrganizationId,
        address_id as Option<AddressId>,
    )
    .fetch_one(conn)
    .await?;
    Ok(Terms { approved: row.approved, address: row.address.map(|address| address.0) })
}

/// Writes the order, its parts, lines, first history and invoices, with one statement.
pub(in super::super) async fn insert_order(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    row: &OrderRow<'_>,
    placement: &Placement,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with number as (
            select nextval('order_numbers')::text as n
        ),
        placed as (
            insert into orders (
                id, number, organization_id, user_id, total_minor, currency, payment_method, address, comment,
                deliver_on, purchase_number, created_at, released_at, pay_until
            )
            select
                $1, to_char($2::timestamptz at time zone $3, 'YYYY') || '-' || lpad(n, greatest(6, length(n)), '0'),
                $4, $5, $6, $7, $8, $9, $10, $11, $12, $2, case when $8 = 'invoice' then $2 end,
                $24
            from number
            returning number
        ),
        parts as (
            insert into supplier_orders (id, order_id, supplier_id, status, subtotal_minor)
            select p.id, $1, p.supplier_id, 'new', p.subtotal_minor
            from unnest($13::uuid[], $14::uuid[], $15::bigint[]) as p (id, supplier_id, subtotal_minor)
        ),
        history as (
            insert into supplier_order_history (id, supplier_order_id, position, status, at, by_user, by_role)
            select uuid_v7(), p.id, 1, 'new', $2, $5, 'buyer'
            from unnest($13::uuid[]) as p (id)
        ),
        invoices as (
            insert into payments (
                id, order_id, supplier_order_id, kind, status, amount_minor, currency, number, due_on, created_at
            )
            select uuid_v7(), $1, p.id, 'invoice', 'invoiced', p.subtotal_minor, $7, o.number || '-' || p.position, $23, $2
            from placed o
            cross join unnest($13::uuid[], $15::bigint[]) with ordinality as p (id, subtotal_minor, position)
            where $8 = 'invoice'
            returning id
        ),
        invoice_history as (
            insert into payment_history (id, payment_id, position, status, at, by_user, by_role)
            select uuid_v7(), i.id, 1, 'invoiced', $2, $5, 'buyer'
            from invoices i
        )
        insert into order_lines (
            supplier_order_id, offer_id, position, product_name, sku, price_minor, vat_rate, unit, ordered, accepted,
            sum_minor
        )
        select
            l.part, l.offer, l.position, l.name, l.sku, l.price, l.vat_rate, l.unit, l.quantity, l.quantity, l.sum
        from unnest(
            $16::uuid[], $17::uuid[], $18::text[], $19::text[], $20::bigint[], $21::integer[], $22::bigint[], $25::text[],
            $26::text[]
        ) with ordinality as l (part, offer, name, sku, price, quantity, sum, vat_rate, unit, position)
        "#,
        row.id as OrderId,
        now,
        trade.time_zone,
        row.new.buyer.organization_id as OrganizationId,
        row.new.buyer.user_id as UserId,
        row.total as Money,
        trade.currency.code(),
        row.new.payment_method as PaymentMethod,
        Json(&row.address) as _,
        row.new.comment,
        row.new.deliver_on as Option<Date>,
        row.new.purchase_number,
        &placement.part_ids as &[SupplierOrderId],
        &placement.suppliers as &[SupplierId],
        &placement.subtotals as &[Money],
        &placement.line_parts as &[SupplierOrderId],
        &placement.offers as &[OfferId],
        &placement.names,
        &placement.skus,
        &placement.prices as &[Money],
        &placement.quantities as &[Quantity],
        &placement.sums as &[Money],
        trade.invoice_due_on(now) as Date,
        row.pay_until,
        &placement.vat_rates as &[Option<VatRate>],
        &placement.units as &[Option<String>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reserves every line, each only where as much is available, with its line in the ledger (decision 2). False
/// when any was not: the caller then rolls back.
///
/// Rows are locked in offer order, so that orders wait for each other but never in a circle.
pub(in super::super) async fn take_stock(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    placement: &Placement,
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query_scalar!(
        r#"
        with wanted as materialized (
            select s.offer_id, s.stock, s.reserved, w.quantity, w.part
            from unnest($1::uuid[], $2::integer[], $3::uuid[]) as w (offer, quantity, part)
            join offer_stock s on s.offer_id = w.offer
            order by s.offer_id
            for no key update of s
        ),
        taken as (
            update offer_stock s
            set reserved = s.reserved + w.quantity
            from wanted w
            where s.offer_id = w.offer_id and w.stock - w.reserved >= w.quantity
            returning s.offer_id, s.stock, s.reserved, w.quantity, w.part
        ),
        noted as (
            insert into stock_movements (
                id, offer_id, at, kind, cause, stock_delta, reserved_delta, stock_after, reserved_after
            )
            select uuid_v7(), offer_id, $4, 'reserved', part, 0, quantity, stock, reserved
            from taken
        )
        select count(*) as "count!" from taken
        "#,
        &placement.offers as &[OfferId],
        &placement.quantities as &[Quantity],
        &placement.line_parts as &[SupplierOrderId],
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok(usize::try_from(taken) == Ok(placement.offers.len()))
}

/// A person who is mailed about an order.
pub(in super::super) struct Reader {
    pub(in super::super) user_id: UserId,
    pub(in super::super) organization_id: OrganizationId,
    pub(in super::super) organization_name: String,
    pub(in super::super) first_name: String,
    pub(in super::super) email: String,
    pub(in super::super) locale: Locale,
}

/// A buyer, and everybody at these suppliers.
pub(in super::super) async fn readers(
    conn: &mut PgConnection,
    buyer: UserId,
    suppliers: &[SupplierId],
) -> Result<Vec<Reader>, sqlx::Error> {
    sqlx::query_as!(
        Reader,
        r#"
        select
            u.id as "user_id: UserId", u.organization_id as "organization_id: OrganizationId",
            g.name as organization_name, u.first_name, u.email, u.locale as "locale: Locale"
        from users u
        join organizations g on g.id = u.organization_id
        where u.id = $1
           or (u.organization_id = any ($2) and u.email_confirmed_at is not null and u.closed_at is null)
        "#,
        buyer as UserId,
        suppliers as &[SupplierId],
    )
    .fetch_all(conn)
    .await
}
