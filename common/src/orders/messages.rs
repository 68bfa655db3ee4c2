//! What is mailed about orders, as data for the templates.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    Order, SupplierOrder,
    shown::{ShownPart, ShownParts},
    store::{self, Entry, Move, Told, ToldOfOrder},
};
use crate::{
    accounts::Role,
    config::TradeSettings,
    ids::{OrderId, OrganizationId, SupplierId, UserId},
    mail::{MessageKind, NewMessage},
    money::Money,
    payments::{Payment, PaymentKind},
};

/// What an order owes.
pub(super) struct Letters {
    /// The confirmation to the buyer.
    pub(super) to_buyer: NewMessage,
    /// Its part to every user of each supplier, and the whole to the administrator: once the order is released.
    pub(super) to_others: Vec<NewMessage>,
}

/// What an order owes to whom.
pub(super) async fn of_order(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    buyer: UserId,
    order: &Order,
) -> Result<Letters, sqlx::Error> {
    let suppliers: Vec<SupplierId> = order.parts.iter().map(|part| part.supplier_id).collect();
    let readers = store::readers(conn, buyer, &suppliers).await?;
    let mut to_others = Vec::with_capacity(readers.len());
    let person = readers.iter().find(|reader| reader.user_id == buyer);
    let person = person.ok_or(sqlx::Error::RowNotFound)?;
    let shared = json!({
        "number": order.number,
        "placed_at": instant(order.created_at),
        "time_zone": trade.time_zone,
        "currency": order.currency,
        "address": order.address,
        "comment": order.comment,
        "deliver_on": order.deliver_on.map(|date| date.to_string()),
    });
    let of_buyer = json!({
        "buyer": {
            "name": person.organization_name,
            "phone": order.address.phone,
            "email": order.address.email,
        },
    });
    let whole = json!({ "total": order.total });
    let parts = json!(ShownParts::of(&order.parts));
    let for_buyer = json!({
        "purchase_number": order.purchase_number,
        "first_name": person.first_name,
        "order_url": trade.link_in(person.locale, &format!("/orders/{}", order.id)),
        "invoices": invoices(order),
        "pay_until": order.pay_until.map(instant),
    });
    let message = |kind, recipient: &str, locale, data| NewMessage {
        cause: order.id.0,
        kind,
        recipient: recipient.to_owned(),
        locale,
        data,
        user_id: None,
    };
    let data = together([&shared, &whole, &parts, &for_buyer]);
    let to_buyer = message(MessageKind::OrderPlaced, &person.email, person.locale, data);
    for part in order.parts.iter().filter(|part| !part.status.is_called_off()) {
        let theirs =
            readers.iter().filter(|reader| reader.organization_id == OrganizationId::from(part.supplier_id));
        // A supplier sees its own part, and nothing of the others.
        let data = together([&shared, &of_buyer, &json!(ShownPart::of(part))]);
        for reader in theirs {
            let message = message(MessageKind::OrderToFulfil, &reader.email, reader.locale, data.clone());
            to_others.push(NewMessage { cause: part.id.0, ..message });
        }
    }
    if let Some(administrator) = &trade.admin_email {
        let kind = MessageKind::OrderToAdminister;
        let data = together([&shared, &of_buyer, &whole, &parts]);
        to_others.push(message(kind, administrator.as_str(), trade.default_locale, data));
    }
    Ok(Letters { to_buyer, to_others })
}

/// The invoices of an order, which stand in its letter: they have none of their own.
fn invoices(order: &Order) -> Vec<Value> {
    let supplier_of = |payment: &Payment| {
        let part = order.parts.iter().find(|part| Some(part.id) == payment.part_id);
        part.map(|part| part.supplier_name.clone())
    };
    let invoices = order.payments.iter().filter(|payment| payment.kind == PaymentKind::Invoice);
    invoices
        .map(|invoice| {
            json!({
                "number": invoice.number,
                "supplier": supplier_of(invoice),
                "amount": invoice.amount,
                "due_on": invoice.due_on.map(|date| date.to_string()),
            })
        })
        .collect()
}

/// The buyer is told that their order was called off, since its payment did not come.
pub(super) fn order_expired(trade: &TradeSettings, id: OrderId, told: ToldOfOrder) -> NewMessage {
    NewMessage {
        cause: id.0,
        kind: MessageKind::OrderExpired,
        recipient: told.email,
        locale: told.locale,
        data: json!({
            "number": told.number,
            "first_name": told.first_name,
            "total": told.total,
            "currency": told.currency,
            "order_url": trade.link_in(told.locale, &format!("/orders/{id}")),
        }),
        user_id: None,
    }
}

/// The members of several objects as one: each letter has the data that it shows, and no more.
fn together<const N: usize>(pieces: [&Value; N]) -> Value {
    let members = pieces.into_iter().filter_map(Value::as_object).flatten();
    members.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The buyer is told that parts of their order moved along.
pub(super) async fn status_changed(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    step: &Move<'_>,
    entries: &[Entry],
) -> Result<Vec<NewMessage>, sqlx::Error> {
    let buyers = store::buyers_of(conn, step).await?;
    let message = |told: Told| {
        let entry = entries.iter().find(|entry| entry.part_id == told.part_id)?;
        Some(NewMessage {
            cause: entry.id,
            kind: MessageKind::OrderStatusChanged,
            recipient: told.email,
            locale: told.locale,
            data: json!({
                "number": told.number,
                "first_name": told.first_name,
                "supplier": told.supplier_name,
                "status": step.to.as_str(),
                "comment": step.comment,
                "order_url": trade.link_in(told.locale, &format!("/orders/{}", told.order_id)),
            }),
            user_id: None,
        })
    };
    Ok(buyers.into_iter().filter_map(message).collect())
}

/// Everybody at each supplier that was told of its part is told that it was canceled; unless staff did so, the
/// administrator is told of all of them at once.
pub(super) async fn canceled(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    step: &Move<'_>,
    entries: &[Entry],
) -> Result<Vec<NewMessage>, sqlx::Error> {
    let (Some(first), Some(first_entry)) = (step.parts.first(), entries.first()) else {
        return Ok(Vec::new());
    };
    if !first.released {
        return Ok(Vec::new());
    }
    let order = store::find(conn, first.organization_id, first.order_id).await?;
    let order = order.ok_or(sqlx::Error::RowNotFound)?;
    let suppliers: Vec<SupplierId> = step.parts.iter().map(|part| part.supplier_id).collect();
    let readers = store::readers(conn, first.user_id, &suppliers).await?;
    let buyer = readers.iter().find(|reader| reader.user_id == first.user_id);
    let buyer = buyer.ok_or(sqlx::Error::RowNotFound)?;
    let canceled = |entry: &Entry| order.parts.iter().find(|part| part.id == entry.part_id);
    let data = |parts: &[&SupplierOrder]| {
        let data = json!({
            "number": order.number,
            "by": step.by.as_str(),
            "comment": step.comment,
            "canceled_at": instant(now),
            "time_zone": trade.time_zone,
            "currency": order.currency,
            "buyer": { "name": buyer.organization_name, "phone": order.address.phone, "email": order.address.email },
            "total": parts.iter().fold(Money::ZERO, |sum, part| sum.checked_add(part.subtotal).unwrap_or(Money::MAX)),
        });
        together([&data, &json!(ShownParts::of(parts.iter().copied()))])
    };
    let message = |cause, recipient: &str, locale, data| NewMessage {
        cause,
        kind: MessageKind::OrderCanceled,
        recipient: recipient.to_owned(),
        locale,
        data,
        user_id: None,
    };
    let mut messages = Vec::with_capacity(readers.len());
    for (entry, part) in entries.iter().filter_map(|entry| Some((entry, canceled(entry)?))) {
        let organization_id = OrganizationId::from(part.supplier_id);
        for reader in readers.iter().filter(|reader| reader.organization_id == organization_id) {
            messages.push(message(entry.id, &reader.email, reader.locale, data(&[part])));
        }
    }
    let by_staff = step.by.role() == Some(Role::Staff);
    if let Some(administrator) = trade.admin_email.as_ref().filter(|_| !by_staff) {
        let parts: Vec<&SupplierOrder> = entries.iter().filter_map(canceled).collect();
        messages.push(message(first_entry.id, administrator.as_str(), trade.default_locale, data(&parts)));
    }
    Ok(messages)
}

fn instant(at: OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
