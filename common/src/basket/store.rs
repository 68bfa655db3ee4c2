//! All SQL of baskets.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Basket, BasketLine, Quantity};
use crate::{
    ids::{OfferId, ProductId, SupplierId, UserId},
    money::Money,
};

/// An offer about to be put into a basket.
pub(super) struct OfferNow {
    pub(super) price: Money,
    pub(super) available: i32,
    pub(super) withdrawn: bool,
    pub(super) accepting_orders: bool,
}

pub(super) async fn find_offer(
    conn: &mut PgConnection,
    offer_id: OfferId,
) -> Result<Option<OfferNow>, sqlx::Error> {
    sqlx::query_as!(
        OfferNow,
        r#"
        select
            o.price_minor as "price: Money", greatest(t.stock - t.reserved, 0) as "available!",
            o.withdrawn_at is not null as "withdrawn!", s.accepting_orders
        from offers o
        join offer_stock t on t.offer_id = o.id
        join suppliers s on s.id = o.supplier_id
        join organizations g on g.id = s.id
        where o.id = $1 and g.approved_at is not null
        "#,
        offer_id as OfferId,
    )
    .fetch_optional(conn)
    .await
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

pub(super) async fn put(
    conn: &mut PgConnection,
    user_id: UserId,
    offer_id: OfferId,
    quantity: Quantity,
    price: Money,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into basket_lines (user_id, offer_id, quantity, price_minor, added_at)
        values ($1, $2, $3, $4, $5)
        on conflict (user_id, offer_id) do update
        set quantity = excluded.quantity, price_minor = excluded.price_minor
        "#,
        user_id as UserId,
        offer_id as OfferId,
        quantity as Quantity,
        price as Money,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn count_lines(conn: &mut PgConnection, user_id: UserId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from basket_lines where user_id = $1"#,
        user_id as UserId
    )
    .fetch_one(conn)
    .await
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
    let lines = sqlx::query_as!(
        BasketLine,
        r#"
        select
            l.offer_id as "offer_id: OfferId", o.product_id as "product_id: ProductId", p.name as product_name,
            o.supplier_id as "supplier_id: SupplierId", g.name as supplier_name, o.sku,
            o.price_minor as "price: Money", l.price_minor as "seen_price: Money",
            l.quantity as "quantity: Quantity", greatest(t.stock - t.reserved, 0) as "available!",
            s.accepting_orders, o.withdrawn_at is not null or g.approved_at is null as "withdrawn!"
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
    Ok(Basket { lines })
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
