//! What is mailed about payments, as data for the templates.

use serde_json::json;
use sqlx::PgConnection;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    PaymentStatus,
    store::{self, OverdueInvoice},
};
use crate::{
    config::TradeSettings,
    ids::PaymentId,
    locale::Locale,
    mail::{MessageKind, NewMessage},
};

/// The buyer is told that their money came.
pub(super) async fn payment_received(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    id: PaymentId,
) -> Result<NewMessage, sqlx::Error> {
    let receipt = store::receipt(conn, id).await?;
    Ok(NewMessage {
        cause: id.0,
        kind: MessageKind::PaymentReceived,
        recipient: receipt.email,
        locale: receipt.locale,
        data: json!({
            "number": receipt.order_number,
            "first_name": receipt.first_name,
            "kind": receipt.kind,
            "invoice": receipt.number,
            "supplier": receipt.supplier_name,
            "amount": receipt.captured,
            "currency": receipt.currency,
            "order_url": trade.link_in(receipt.locale, &format!("/orders/{}", receipt.order_id)),
        }),
        user_id: None,
    })
}

/// The buyer is reminded of an invoice.
pub(super) fn invoice_overdue(trade: &TradeSettings, invoice: &OverdueInvoice) -> NewMessage {
    NewMessage {
        cause: invoice.id.0,
        kind: MessageKind::InvoiceOverdue,
        recipient: invoice.email.clone(),
        locale: invoice.locale,
        data: json!({
            "number": invoice.order_number,
            "first_name": invoice.first_name,
            "invoice": invoice.number,
            "supplier": invoice.supplier_name,
            "due_on": invoice.due_on.to_string(),
            "amount": invoice.amount,
            "currency": invoice.currency,
            "order_url": trade.link_in(invoice.locale, &format!("/orders/{}", invoice.order_id)),
        }),
        user_id: None,
    }
}

/// The buyer is asked to pay again, and the administrator is told so: held money was lost, and how.
pub(super) async fn payment_lapsed(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    id: PaymentId,
    status: PaymentStatus,
    pay_until: OffsetDateTime,
) -> Result<Vec<NewMessage>, sqlx::Error> {
    let lapsed = store::lapsed(conn, id).await?;
    let letter = |recipient: &str, locale: Locale, first_name: Option<&str>| NewMessage {
        cause: id.0,
        kind: MessageKind::PaymentLapsed,
        recipient: recipient.to_owned(),
        locale,
        data: json!({
            "number": lapsed.order_number,
            "first_name": first_name,
            "buyer": lapsed.buyer_name,
            "how": status.as_str(),
            "amount": lapsed.amount,
            "currency": lapsed.currency,
            "pay_until": pay_until.format(&Rfc3339).unwrap_or_default(),
            "time_zone": trade.time_zone,
            "order_url": trade.link_in(locale, &format!("/orders/{}", lapsed.order_id)),
        }),
        user_id: None,
    };
    let mut letters = vec![letter(&lapsed.email, lapsed.locale, Some(&lapsed.first_name))];
    if let Some(administrator) = &trade.admin_email {
        letters.push(letter(administrator.as_str(), trade.default_locale, None));
    }
    Ok(letters)
}
