//! What is mailed about orders, as data for the templates.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Actor, Order, OrderLine, Step, SupplierOrder, store};
use crate::{
    config::TradeSettings,
    ids::OrganizationId,
    mail::{MessageKind, NewMessage},
};

/// What a new order owes: a confirmation to the buyer, its part to every user of each supplier, and the whole
/// to the administrator.
pub(super) async fn order_placed(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    buyer: &Actor,
    order: &Order,
) -> Result<Vec<NewMessage>, sqlx::Error> {
    let readers = store::readers(conn, buyer, order).await?;
    let mut messages = Vec::with_capacity(readers.len() + 1);
    let person = readers.iter().find(|reader| reader.user_id == buyer.user_id);
    let person = person.ok_or(sqlx::Error::RowNotFound)?;
    let whole = json!({
        "number": order.number,
        "placed_at": instant(order.created_at),
        "time_zone": trade.time_zone,
        "total": order.total,
        "currency": order.currency,
        "address": order.address,
        "comment": order.comment,
        "deliver_on": order.deliver_on.map(|date| date.to_string()),
        "purchase_number": order.purchase_number,
        "first_name": person.first_name,
        "order_url": trade.link(&format!("/orders/{}", order.id)),
        "buyer": {
            "name": person.organization_name,
            "phone": order.address.phone,
            "email": person.email,
        },
        "parts": order.parts.iter().map(part).collect::<Vec<_>>(),
    });
    let message = |kind, recipient: &str, locale, data| NewMessage {
        cause: order.id.0,
        kind,
        recipient: recipient.to_owned(),
        locale,
        data,
        user_id: None,
    };
    messages.push(message(MessageKind::OrderPlaced, &person.email, person.locale, whole.clone()));
    for part in &order.parts {
        let theirs =
            readers.iter().filter(|reader| reader.organization_id == OrganizationId::from(part.supplier_id));
        for reader in theirs {
            let data = to_fulfil(&whole, part);
            let message = message(MessageKind::OrderToFulfil, &reader.email, reader.locale, data);
            messages.push(NewMessage { cause: part.id.0, ..message });
        }
    }
    if let Some(administrator) = &trade.admin_email {
        let kind = MessageKind::OrderToAdminister;
        messages.push(message(kind, administrator.as_str(), trade.default_locale, whole));
    }
    Ok(messages)
}

/// A supplier sees its own part of an order, and nothing of the others.
fn to_fulfil(whole: &Value, part: &SupplierOrder) -> Value {
    json!({
        "number": whole["number"],
        "placed_at": whole["placed_at"],
        "time_zone": whole["time_zone"],
        "currency": whole["currency"],
        "buyer": whole["buyer"],
        "address": whole["address"],
        "comment": whole["comment"],
        "deliver_on": whole["deliver_on"],
        "supplier": part.supplier_name,
        "subtotal": part.subtotal,
        "lines": part.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

fn part(part: &SupplierOrder) -> Value {
    json!({
        "supplier": part.supplier_name,
        "subtotal": part.subtotal,
        "lines": part.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

fn line(line: &OrderLine) -> Value {
    json!({
        "name": line.product_name,
        "sku": line.sku,
        "price": line.price,
        "quantity": line.quantity,
        "sum": line.sum,
    })
}

/// The buyer is told that a part of their order moved along.
pub(super) async fn status_changed(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    entry: Uuid,
    step: &Step,
) -> Result<NewMessage, sqlx::Error> {
    let told = store::buyer_of_part(conn, step.part_id).await?;
    Ok(NewMessage {
        cause: entry,
        kind: MessageKind::OrderStatusChanged,
        recipient: told.email,
        locale: told.locale,
        data: json!({
            "number": told.number,
            "first_name": told.first_name,
            "supplier": told.supplier_name,
            "status": step.to.as_str(),
            "comment": step.comment,
            "order_url": trade.link(&format!("/orders/{}", told.order_id)),
        }),
        user_id: None,
    })
}

fn instant(at: time::OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
