//! The steps of an import, from the uploaded bytes to the changed catalogue.

use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncReadExt};
use uuid::Uuid;

use super::{
    CHUNK_BYTES, ImportFailure, ImportStatus, NewImport, PriceImport,
    jobs::ImportPriceList,
    store::{self, Applied, Begun},
};
use crate::{
    config::TradeSettings,
    ids::PriceImportId,
    mail::{self, MessageKind, NewMessage},
    queue::{self, Job},
};

/// How many lists of a supplier may wait for their end: each keeps its whole file until then.
const MAX_UNFINISHED: i64 = 10;

/// Why a list is not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Too many lists of the supplier wait already.
    #[error("{MAX_UNFINISHED} price lists of this supplier are not through yet")]
    TooMany,
    /// The file cannot be read, or the database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Keeps an uploaded file in pieces, and enqueues its import. Uploads of one supplier follow one another until the
/// transaction ends.
///
/// # Errors
/// [`ReceiveError`].
pub async fn receive(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    new: &NewImport,
    mut file: impl AsyncRead + Unpin + Send,
) -> Result<PriceImport, ReceiveError> {
    store::lock_uploads(conn, new.supplier_id).await?;
    let standing = store::standing(conn, new.supplier_id).await?;
    if standing.unfinished >= MAX_UNFINISHED {
        return Err(ReceiveError::TooMany);
    }
    // Later than the last one, whatever the clock of the process that took that.
    let after = |newest: PriceImportId| PriceImportId(Uuid::from_u128(newest.0.as_u128().saturating_add(1)));
    let id = PriceImportId::new().max(standing.newest.map_or(PriceImportId(Uuid::nil()), after));
    store::insert(conn, id, new, now).await?;
    let (mut hash, mut bytes) = (Sha256::new(), 0_i64);
    for position in 0.. {
        let mut chunk = Vec::new();
        (&mut file).take(CHUNK_BYTES).read_to_end(&mut chunk).await.map_err(sqlx::Error::Io)?;
        if chunk.is_empty() {
            break;
        }
        hash.update(&chunk);
        bytes += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        store::insert_chunk(conn, id, position, &chunk).await?;
    }
    store::seal(conn, id, bytes, &hash.finalize()).await?;
    queue::enqueue(conn, &ImportPriceList { import_id: id }).await?;
    Ok(store::find(conn, new.supplier_id, id).await?.ok_or(sqlx::Error::RowNotFound)?)
}

/// What there is to do for an import.
#[derive(Debug)]
pub enum Begin {
    /// Read it and apply it.
    Import(Begun),
    /// An earlier list of the supplier comes first.
    Wait,
    /// It has ended.
    Ended,
}

/// Takes up an import. One that was broken off starts again from its file.
///
/// # Errors
/// When the database refuses.
pub async fn begin(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: PriceImportId,
) -> Result<Begin, sqlx::Error> {
    let Some(begun) = store::begin(conn, id).await? else { return Ok(Begin::Ended) };
    if begun.status.has_ended() {
        return Ok(Begin::Ended);
    }
    if begun.status == ImportStatus::Received {
        if store::waits_for_earlier(conn, &begun).await? {
            return Ok(Begin::Wait);
        }
        store::advance(conn, id, ImportStatus::Received, ImportStatus::Parsing, now).await?;
    }
    store::clear_stage(conn, id).await?;
    Ok(Begin::Import(begun))
}

/// Notes that all goods are staged and the catalogue is about to change.
///
/// # Errors
/// When the database refuses.
pub async fn begin_applying(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    id: PriceImportId,
    summary: &super::formats::ListSummary,
) -> Result<(), sqlx::Error> {
    store::note_summary(conn, id, summary).await?;
    store::analyze_stage(conn).await?;
    // Neither moves an import that had come further before it was broken off.
    store::advance(conn, id, ImportStatus::Parsing, ImportStatus::Validated, now).await?;
    store::advance(conn, id, ImportStatus::Validated, ImportStatus::Applying, now).await?;
    Ok(())
}

/// Why a staged list was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The database has lost goods that were staged; the list must be read again.
    #[error("goods of the list are not staged any more: the database has recovered from a crash meanwhile")]
    StageLost,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Brings the staged goods into the catalogue, whole or not at all (invariant I7), and tells the supplier.
///
/// # Errors
/// [`ApplyError`]; the caller then rolls back.
pub async fn apply(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    begun: &Begun,
) -> Result<Applied, ApplyError> {
    store::set_limits(conn, ImportPriceList::TIMEOUT).await?;
    if !store::is_whole(conn, begun.id).await? {
        return Err(ApplyError::StageLost);
    }
    let applied = store::apply(conn, begun, now).await?;
    store::sum_up_problems(conn, begun.id).await?;
    store::advance(conn, begun.id, ImportStatus::Applying, applied.status, now).await?;
    store::delete_chunks(conn, begun.id).await?;
    tell(conn, trade, now, begun.id).await?;
    Ok(applied)
}

/// Ends an import of which nothing reached the catalogue, and tells the supplier.
///
/// # Errors
/// When the database refuses.
pub async fn fail(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: PriceImportId,
    failure: &ImportFailure,
) -> Result<(), sqlx::Error> {
    store::clear_stage(conn, id).await?;
    if store::fail(conn, id, failure, now).await? {
        store::delete_chunks(conn, id).await?;
        tell(conn, trade, now, id).await?;
    }
    Ok(())
}

async fn tell(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: PriceImportId,
) -> Result<(), sqlx::Error> {
    let Some((supplier_id, supplier, readers)) = store::readers(conn, id).await? else { return Ok(()) };
    let Some(import) = store::find(conn, supplier_id, id).await? else { return Ok(()) };
    let rows = store::first_errors(conn, id).await?;
    let data = |locale| {
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
            "import_url": trade.link_in(locale, &format!("/supplier/imports/{id}")),
        })
    };
    let messages: Vec<NewMessage> = readers
        .into_iter()
        .map(|reader| NewMessage {
            cause: id.0,
            kind: MessageKind::PriceListImported,
            recipient: reader.email,
            locale: reader.locale,
            data: data(reader.locale),
            user_id: None,
        })
        .collect();
    mail::post(conn, now, &messages).await
}
