//! The steps of an import, from the uploaded bytes to the changed catalogue.

use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncReadExt};
use uuid::Uuid;

use super::{
    CHUNK_BYTES, ImportFailure, ImportStatus, NewImport, PriceImport, Suspicion, deciding,
    jobs::ImportPriceList,
    messages,
    store::{self, Applied, Begun},
};
use crate::{
    catalog,
    clock::Clock,
    config::TradeSettings,
    ids::{PriceImportId, SupplierId},
    queue::{self, Job},
};

/// How many lists of a supplier may be under way: each keeps its whole file until its end.
const MAX_UNDER_WAY: i64 = 10;

/// How many lists of a supplier may wait for somebody to decide, likewise. A further one takes the oldest one's place.
const MAX_UNDECIDED: i64 = 5;

/// Why a list is not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Too many lists of the supplier wait already.
    #[error("{MAX_UNDER_WAY} price lists of this supplier are not through yet")]
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
    file: impl AsyncRead + Unpin + Send,
) -> Result<PriceImport, ReceiveError> {
    let id = next_id(conn, new.supplier_id).await?;
    store::insert(conn, id, new, now).await?;
    keep_file(conn, id, file).await?;
    queue::enqueue(conn, &ImportPriceList { import_id: id }).await?;
    Ok(store::find(conn, new.supplier_id, id).await?.ok_or(sqlx::Error::RowNotFound)?)
}

/// Writes a file in pieces, and notes what all of them together are.
pub(super) async fn keep_file(
    conn: &mut PgConnection,
    id: PriceImportId,
    mut file: impl AsyncRead + Unpin + Send,
) -> Result<(), sqlx::Error> {
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
    store::seal(conn, id, bytes, &hash.finalize()).await
}

/// The id of a supplier's next list, which follows all that it has uploaded; no other one comes meanwhile.
pub(super) async fn next_id(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<PriceImportId, ReceiveError> {
    store::lock_uploads(conn, supplier_id).await?;
    let standing = store::standing(conn, supplier_id).await?;
    if standing.under_way + standing.awaiting >= MAX_UNDER_WAY {
        return Err(ReceiveError::TooMany);
    }
    // Later than the last one, whatever the clock of the process that took that.
    let after = |newest: PriceImportId| PriceImportId(Uuid::from_u128(newest.0.as_u128().saturating_add(1)));
    Ok(PriceImportId::new().max(standing.newest.map_or(PriceImportId(Uuid::nil()), after)))
}

/// What there is to do for an import.
#[derive(Debug)]
pub enum Begin {
    /// Read it and apply it.
    Import(Begun),
    /// Nothing more: it is the list that was applied last, and its end is noted.
    Unchanged,
    /// An earlier list of the supplier comes first, or the end of an attempt before this one.
    Wait,
    /// Nothing: it has ended, or waits for somebody to decide.
    Rest,
}

/// Takes up an import. One that was broken off starts again from its file; one that is the list that was
/// applied last, since when nothing has changed, has ended with that.
///
/// # Errors
/// When the database refuses.
pub async fn begin(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    clock: &Clock,
    id: PriceImportId,
) -> Result<Begin, sqlx::Error> {
    let Some(begun) = store::begin(conn, id).await? else { return Ok(Begin::Rest) };
    if begun.status.has_ended() || begun.status.awaits_decision() {
        return Ok(Begin::Rest);
    }
    if begun.status == ImportStatus::Received {
        if store::waits_for_earlier(conn, &begun).await? {
            return Ok(Begin::Wait);
        }
        let now = clock.now();
        store::advance(conn, id, ImportStatus::Received, ImportStatus::Parsing, now).await?;
        if !begun.dry_run
            && let Some(same) = store::same_as_last(conn, id).await?
        {
            store::advance(conn, id, ImportStatus::Parsing, ImportStatus::Validated, now).await?;
            store::advance(conn, id, ImportStatus::Validated, ImportStatus::Applying, now).await?;
            store::repeat(conn, &begun, &same, now).await?;
            end(conn, trade, clock.now(), id, ImportStatus::Completed).await?;
            return Ok(Begin::Unchanged);
        }
    } else if !catalog::rests(conn, begun.supplier_id).await? {
        // PostgreSQL goes on for seconds with what a process had asked that is gone, and has locked goods of the stage.
        return Ok(Begin::Wait);
    }
    store::forget_attempt(conn, id).await?;
    Ok(Begin::Import(begun))
}

/// What becomes of a list whose goods are staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The catalogue is about to change.
    Apply,
    /// It waits for somebody to decide.
    Wait,
}

/// Notes that all goods are staged. A dry run then reports what it would change, and stops; so does a list that
/// looks like a slip, of which the supplier is told.
///
/// # Errors
/// [`ApplyError`]; the caller then rolls back.
pub async fn validate(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    begun: &Begun,
    summary: &super::formats::ListSummary,
) -> Result<Verdict, ApplyError> {
    store::set_limits(conn, ImportPriceList::TIMEOUT).await?;
    store::note_summary(conn, begun.id, summary).await?;
    store::analyze_stage(conn).await?;
    if !store::is_whole(conn, begun.id).await? {
        return Err(ApplyError::StageLost);
    }
    store::refuse_repeated(conn, begun.id).await?;
    // Not one that had come further: it was broken off, or somebody has decided to apply it.
    if store::advance(conn, begun.id, ImportStatus::Parsing, ImportStatus::Validated, now).await? {
        // Who takes back has seen what there is.
        let suspicions = if begun.reverts.is_none() { store::judge(conn, begun).await? } else { Vec::new() };
        if begun.dry_run || !suspicions.is_empty() {
            wait(conn, trade, now, begun, &suspicions).await?;
            return Ok(Verdict::Wait);
        }
        store::advance(conn, begun.id, ImportStatus::Validated, ImportStatus::Applying, now).await?;
    }
    Ok(Verdict::Apply)
}

/// Reports what a list would change, for whoever is to decide.
async fn wait(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    begun: &Begun,
    suspicions: &[Suspicion],
) -> Result<(), sqlx::Error> {
    store::note_suspicions(conn, begun, suspicions).await?;
    store::report(conn, begun).await?;
    if !begun.dry_run {
        store::advance(conn, begun.id, ImportStatus::Validated, ImportStatus::HeldForReview, now).await?;
        messages::tell_held(conn, trade, now, begun.id).await?;
    }
    deciding::discard_beyond(conn, now, begun.supplier_id, MAX_UNDECIDED).await
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

/// Brings the staged goods into the catalogue, whole or not at all (invariant I7), and tells the supplier. What it
/// changes carries the time at which it begins: a large list takes minutes.
///
/// # Errors
/// [`ApplyError`]; the caller then rolls back.
pub async fn apply(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    clock: &Clock,
    begun: &Begun,
) -> Result<Applied, ApplyError> {
    store::set_limits(conn, ImportPriceList::TIMEOUT).await?;
    if !store::is_whole(conn, begun.id).await? {
        return Err(ApplyError::StageLost);
    }
    let applied = store::apply(conn, begun, clock.now()).await?;
    end(conn, trade, clock.now(), begun.id, applied.status).await?;
    Ok(applied)
}

/// Ends an import whose changes are made, and tells the supplier.
async fn end(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: PriceImportId,
    status: ImportStatus,
) -> Result<(), sqlx::Error> {
    store::advance(conn, id, ImportStatus::Applying, status, now).await?;
    messages::tell_ended(conn, trade, now, id).await
}

/// Ends an import of which nothing reached the catalogue, and tells the supplier. False when it had ended before.
///
/// # Errors
/// When the database refuses.
pub async fn fail(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: PriceImportId,
    failure: &ImportFailure,
) -> Result<bool, sqlx::Error> {
    store::forget_attempt(conn, id).await?;
    let has_failed = store::fail(conn, id, failure, now).await?;
    if has_failed {
        store::delete_chunks(conn, id).await?;
        messages::tell_ended(conn, trade, now, id).await?;
    }
    Ok(has_failed)
}
