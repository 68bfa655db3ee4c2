//! What the supplier's people, and who of the staff uploaded a list, are told of it.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{PriceImport, store};
use crate::{
    config::TradeSettings,
    ids::{PriceImportId, SupplierId},
    locale::Locale,
    mail::{self, MessageKind, NewMessage},
};

/// Tells what became of a list; nothing of one that came by itself and went well.
pub(super) async fn tell_ended(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: PriceImportId,
) -> Result<(), sqlx::Error> {
    if store::is_quiet(conn, id).await? {
        return Ok(());
    }
    let rows = store::first_errors(conn, id).await?;
    tell(conn, now, id, MessageKind::PriceListImported, |supplier, import, locale| {
        let errors = rows.iter().map(|row| {
            let details: Vec<String> = row.errors.iter().map(|error| error.said_in(locale)).collect();
            json!({ "row": row.row, "line": row.line, "sku": row.sku, "detail": details.join("; ") })
        });
        json!({
            "supplier": supplier,
            "source": import.source,
            "status": import.status.as_str(),
            "error": import.error.as_ref().map(|error| error.detail.in_locale(locale)),
            "counts": import.counts,
            "errors": errors.collect::<Vec<_>>(),
            "import_url": url(trade, locale, id),
        })
    })
    .await
}

/// Tells that a list looks like a slip, and waits.
pub(super) async fn tell_held(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: PriceImportId,
) -> Result<(), sqlx::Error> {
    tell(conn, now, id, MessageKind::PriceListHeld, |supplier, import, locale| {
        json!({
            "supplier": supplier,
            "source": import.source,
            "suspicions": import.suspicions,
            "counts": import.counts,
            "import_url": url(trade, locale, id),
        })
    })
    .await
}

/// Tells that a list that is fetched by itself could not be. `streak` is what it is told of: once, until that is over.
pub(super) async fn tell_not_fetched(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    supplier_id: SupplierId,
    streak: Uuid,
) -> Result<(), sqlx::Error> {
    let Some(schedule) = store::find_schedule(conn, supplier_id).await? else { return Ok(()) };
    let (supplier, people) = store::people(conn, supplier_id).await?;
    let messages: Vec<NewMessage> = people
        .into_iter()
        .map(|reader| NewMessage {
            cause: streak,
            kind: MessageKind::PriceListNotFetched,
            data: json!({
                "supplier": supplier,
                "source": schedule.url.shown(),
                "error": schedule.error.as_ref().map(|error| error.detail.in_locale(reader.locale)),
                "next_at": schedule.next_at.format(&Rfc3339).unwrap_or_default(),
                "time_zone": trade.time_zone,
            }),
            recipient: reader.email,
            locale: reader.locale,
            user_id: None,
        })
        .collect();
    mail::post(conn, now, &messages).await
}

fn url(trade: &TradeSettings, locale: Locale, id: PriceImportId) -> String {
    trade.link_in(locale, &format!("/supplier/imports/{id}"))
}

async fn tell(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: PriceImportId,
    kind: MessageKind,
    data: impl Fn(&str, &PriceImport, Locale) -> Value,
) -> Result<(), sqlx::Error> {
    let Some((supplier_id, supplier, readers)) = store::readers(conn, id).await? else { return Ok(()) };
    let Some(import) = store::find(conn, supplier_id, id).await? else { return Ok(()) };
    let messages: Vec<NewMessage> = readers
        .into_iter()
        .map(|reader| NewMessage {
            cause: id.0,
            kind,
            data: data(&supplier, &import, reader.locale),
            recipient: reader.email,
            locale: reader.locale,
            user_id: None,
        })
        .collect();
    mail::post(conn, now, &messages).await
}
