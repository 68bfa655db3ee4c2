//! All SQL of baskets.

use std::collections::HashSet;

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Basket, BasketLine, NewLine, OfferName, Orderable, Quantity};
use crate::{
    catalog::OfferTerms,
    ids::{OfferId, ProductId, SupplierId, UserId},
    money::Money,
    vat::VatRate,
};

/// An offer about to be put into a basket.
#[derive(Clone, Debug)]
pub(super) struct OfferNow {
    pub(super) id: OfferId,
    pub(super) price: Money,
    pub(super) orderable: Orderable,
}

pub(super) async fn find_offer(
    conn: &mut PgConnection,
    offer_id: OfferId,
) -> Result<Option<OfferNow>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select
            o.price_minor as "price: Money", greatest(t.stock - t.reserved, 0) as "available!",
            o.withdrawn_at is not null as "withdrawn!", s.accepting_orders, o.min_quantity, o.multiple
        from offers o
        join offer_stock t on t.offer_id = o.id
        join suppliers s on s.id = o.supplier_id
        join organizations g on g.id = s.id
        where o.id = $1 and g.approved_at is not null
        "#,
        offer_id as OfferId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| OfferNow {
        id: offer_id,
        price: row.price,
        orderable: Orderable {
            withdrawn: row.withdrawn,
            accepting_orders: row.accepting_orders,
            available: row.available,
            terms: OfferTerms { min_quantity: row.min_quantity, multiple: row.multiple },
        },
    }))
}

/// The offers that lines name, each at the place of its line; none where there is no such offer.
pub(super) async fn find_offers(
    conn: &mut PgConnection,
    lines: &[NewLine],
) -> Result<Vec<Option<OfferNow>>, sqlx::Error> {
    let (mut ids, mut suppliers, mut skus) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let (id, supplier, sku) = match &line.offer {
            OfferName::Id(id) => (Some(*id), None, None),
            OfferName::Sku(supplier, sku) => (None, Some(*supplier), Some(sku.as_str())),
        };
        ids.push(id);
        suppliers.push(supplier);
        skus.push(sku);
    }
    // A limit keeps each offer a look-up of its own. Left to itself the planner compares every line with every offer,
    // since it expects to find all of them early.
    let found = sqlx::query!(
        r#"
        with named as materialized (
            select w.position, o.id
            from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality as w (offer_id, supplier_id, sku, position)
            cross join lateral (
                select id from offers where id = w.offer_id
                union all
                select id from offers where supplier_id = w.supplier_id and sku = w.sku
                limit 1
            ) o
        )
        select
            n.position as "position!", x.id as "id!: OfferId", x.price_minor as "price!: Money",
            x.available as "available!", x.withdrawn as "withdrawn!", x.accepting_orders as "accepting_orders!",
            x.min_quantity as "min_quantity!", x.multiple as "multiple!"
        from named n
        cross join lateral (
            select
                o.id, o.price_minor, greatest(t.stock - t.reserved, 0) as available, o.withdrawn_at is not null as withdrawn,
                s.accepting_orders, o.min_quantity, o.multiple
            from offers o
            join offer_stock t on t.offer_id = o.id
            join suppliers s on s.id = o.supplier_id
            join organizations g on g.id = s.id
            where o.id = n.id and g.approved_at is not null
            limit 1
        ) x
        "#,
        &ids as &[Option<OfferId>],
        &suppliers as &[Option<SupplierId>],
        &skus as &[Option<&str>],
    )
    .fetch_all(conn)
    .await?;
    let mut offers = vec![None; lines.len()];
    for row in found {
        let place = usize::try_from(row.position - 1).ok().and_then(|index| offers.get_mut(index));
        if let Some(place) = place {
            let orderable = Orderable {
                withdrawn: row.withdrawn,
                accepting_orders: row.accepting_orders,
                available: row.available,
                terms: OfferTerms { min_quantity: row.min_quantity, multiple: row.multiple },
            };
            *place = Some(OfferNow { id: row.id, price: row.price, orderable });
        }
    }
    Ok(offers)
}

/// The offers in a user's basket.
pub(super) async fn offers_in(
    conn: &mut PgConnection,
    user_id: UserId,
) -> Result<HashSet<OfferId>, sqlx::Error> {
    let offers = sqlx::query_scalar!(
        r#"select offer_id as "offer_id: OfferId" from basket_lines where user_id = $1"#,
        user_id as UserId,
    )
    .fetch_all(conn)
    .await?;
    Ok(offers.into_iter().collect())
}

/// Makes sure that a user has a basket, and keeps others from changing it until the transaction ends.
pub(super) async fn lock(
    conn: &mut PgConnection,
    user_id: UserId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into baskets (user_id, updated_at)
        values ($1, $2)
        on conflict (user_id) do update set updated_at = excluded.updated_at
        "#,
        user_id as UserId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A line as it is kept: an offer that can be ordered now, and its price of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PutLine {
    pub(super) offer_id: OfferId,
    pub(super) quantity: Quantity,
    pub(super) price: Money,
}

/// Sets the quantities of offers, each of which is there once; new ones come last, in this order.
pub(super) async fn put(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    user_id: UserId,
    lines: &[PutLine],
) -> Result<(), sqlx::Error> {
    let offers: Vec<OfferId> = lines.iter().map(|line| line.offer_id).collect();
    let quantities: Vec<Quantity> = lines.iter().map(|line| line.quantity).collect();
    let prices: Vec<Money> = lines.iter().map(|line| line.price).collect();
    sqlx::query!(
        r#"
        insert into basket_lines (user_id, offer_id, quantity, price_minor, added_at)
        select $1, l.offer_id, l.quantity, l.price, $2::timestamptz + l.position * interval '1 microsecond'
        from unnest($3::uuid[], $4::integer[], $5::bigint[])
            with ordinality as l (offer_id, quantity, price, position)
        on conflict (user_id, offer_id) do update
        set quantity = excluded.quantity, price_minor = excluded.price_minor
        "#,
        user_id as UserId,
        now,
        &offers as &[OfferId],
        &quantities as &[Quantity],
        &prices as &[Money],
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn remove(
    conn: &mut PgConnection,
    user_id: UserId,
    offer_id: OfferId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from basket_lines where user_id = $1 and offer_id = $2",
        user_id as UserId,
        offer_id as OfferId,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn clear(conn: &mut PgConnection, user_id: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from basket_lines where user_id = $1", user_id as UserId).execute(conn).await?;
    Ok(())
}

/// A user's basket, as the catalogue has it now.
///
/// # Errors
/// When the database refuses.
pub async fn find(conn: &mut PgConnection, user_id: UserId) -> Result<Basket, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            l.offer_id as "offer_id: OfferId", o.product_id as "product_id: ProductId", p.name as product_name,
            o.supplier_id as "supplier_id: SupplierId", g.name as supplier_name, o.sku,
            o.price_minor as "price: Money", l.price_minor as "seen_price: Money",
            l.quantity as "quantity: Quantity", greatest(t.stock - t.reserved, 0) as "available!",
            s.accepting_orders, o.withdrawn_at is not null or g.approved_at is null as "withdrawn!", o.unit,
            o.vat_rate as "vat_rate: VatRate", o.min_quantity, o.multiple
        from basket_lines l
        join offers o on o.id = l.offer_id
        join offer_stock t on t.offer_id = o.id
        join products p on p.id = o.product_id
        join suppliers s on s.id = o.supplier_id
        join organizations g on g.id = s.id
        where l.user_id = $1
        order by l.added_at, l.offer_id
        "#,
        user_id as UserId,
    )
    .fetch_all(conn)
    .await?;
    let lines = rows.into_iter().map(|row| BasketLine {
        offer_id: row.offer_id,
        product_id: row.product_id,
        product_name: row.product_name,
        supplier_id: row.supplier_id,
        supplier_name: row.supplier_name,
        sku: row.sku,
        price: row.price,
        seen_price: row.seen_price,
        quantity: row.quantity,
        unit: row.unit,
        vat_rate: row.vat_rate,
        orderable: Orderable {
            withdrawn: row.withdrawn,
            accepting_orders: row.accepting_orders,
            available: row.available,
            terms: OfferTerms { min_quantity: row.min_quantity, multiple: row.multiple },
        },
    });
    Ok(Basket { lines: lines.collect() })
}

/// A user's basket, kept from changing until the transaction ends: what an order is made of.
///
/// # Errors
/// When the database refuses.
pub async fn find_locked(conn: &mut PgConnection, user_id: UserId) -> Result<Basket, sqlx::Error> {
    sqlx::query!("select from baskets where user_id = $1 for update", user_id as UserId)
        .fetch_optional(&mut *conn)
        .await?;
    find(conn, user_id).await
}
