//! An import by address, from its request to its file.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::io::AsyncRead;

use super::{FetchFailure, NewFetch, PriceListUrl, jobs::FetchPriceList};
use crate::{
    ids::{PriceImportId, SupplierId},
    imports::{
        ImportFailure, PriceImport, ReceiveError,
        actions::{keep_file, next_id},
        formats::Format,
        jobs::ImportPriceList,
        store,
    },
    queue,
};

/// Makes an import whose file is still to be fetched, and enqueues that.
///
/// # Errors
/// [`ReceiveError`].
pub async fn request(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    new: &NewFetch,
) -> Result<PriceImport, ReceiveError> {
    let id = next_id(conn, new.supplier_id).await?;
    store::insert_awaiting(conn, id, new, now).await?;
    queue::enqueue(conn, &FetchPriceList { import_id: id }).await?;
    Ok(store::find(conn, new.supplier_id, id).await?.ok_or(sqlx::Error::RowNotFound)?)
}

/// An import whose file is to be fetched.
#[derive(Clone, Debug)]
pub struct Awaiting {
    /// Which one.
    pub id: PriceImportId,
    /// Whose.
    pub supplier_id: SupplierId,
    /// Where it is.
    pub url: PriceListUrl,
}

/// Counts an attempt to fetch the file of an import; none where it is here, or the import has ended.
///
/// # Errors
/// When the database refuses.
pub async fn begin_fetch(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<Option<Awaiting>, sqlx::Error> {
    store::begin_fetch(conn, id).await
}

/// Shows how many bytes have come, and how many were promised. False when nobody awaits them any more.
///
/// # Errors
/// When the database refuses.
pub async fn note_fetched(
    pool: &PgPool,
    id: PriceImportId,
    bytes: u64,
    total: Option<u64>,
) -> Result<bool, sqlx::Error> {
    store::note_fetched(pool, id, bytes, total).await
}

/// Shows why an attempt failed. False when nobody awaits the file any more.
///
/// # Errors
/// When the database refuses.
pub async fn note_fetch_failure(
    conn: &mut PgConnection,
    id: PriceImportId,
    failure: FetchFailure,
) -> Result<bool, sqlx::Error> {
    store::note_fetch_failure(conn, id, &ImportFailure::from(failure)).await
}

/// What is known of a file that was fetched, beside its bytes.
#[derive(Clone, Debug)]
pub struct FetchedList {
    /// Its form.
    pub format: Format,
    /// How many bytes came.
    pub bytes: u64,
    /// What the server calls this version of it.
    pub etag: Option<String>,
    /// When the server says that it was changed.
    pub last_modified: Option<String>,
}

/// Keeps the file of an import that awaits it, like that of an upload, and enqueues what imports it. False when the import
/// does not await it any more. Uploads of the supplier follow until the transaction ends.
///
/// # Errors
/// When the file cannot be read, or the database refuses.
pub async fn deliver(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    awaiting: &Awaiting,
    list: &FetchedList,
    file: impl AsyncRead + Unpin + Send,
) -> Result<bool, sqlx::Error> {
    store::lock_uploads(conn, awaiting.supplier_id).await?;
    if !store::take_file(conn, awaiting.id, list, now).await? {
        return Ok(false);
    }
    keep_file(conn, awaiting.id, file).await?;
    queue::enqueue(conn, &ImportPriceList { import_id: awaiting.id }).await?;
    Ok(true)
}
