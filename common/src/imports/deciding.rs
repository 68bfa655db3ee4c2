//! Lists that wait for somebody: what they would change has been shown, and it is applied or discarded. A list that is still
//! being fetched may be discarded too.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    ImportStatus, PriceImport,
    jobs::ImportPriceList,
    store::{self, Locked, Undecided},
};
use crate::{
    ids::{PriceImportId, SupplierId},
    queue,
};

/// Why a list is neither applied nor discarded.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// The supplier has no such list.
    #[error("there is no such price list")]
    Unknown,
    /// It is on its way, or has ended.
    #[error("the price list is {}, and waits for nobody", .0.as_str())]
    NotWaiting(ImportStatus),
    /// What it would change has changed since.
    #[error("offers of this price list have changed since it was compared with them; upload it again")]
    Outdated,
    /// Another list is about to change the supplier's offers.
    #[error("another price list of this supplier is being imported; decide when it is through")]
    OtherUnderWay,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// How much of a list that waits is to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Exactly what was shown.
    Whole,
    /// All but what looks like a slip: those offers stay as they are.
    WithoutSuspicious,
}

/// Has a list applied that waits, as it was shown. A job reads it again; no other list of the supplier gets before it.
///
/// # Errors
/// [`DecideError`].
pub async fn accept(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    supplier_id: SupplierId,
    id: PriceImportId,
    acceptance: Acceptance,
) -> Result<PriceImport, DecideError> {
    // Nothing of the supplier gets under way until this has ended.
    store::lock_uploads(conn, supplier_id).await?;
    let status = lock(conn, supplier_id, id).await?.status;
    if !status.awaits_decision() {
        return Err(DecideError::NotWaiting(status));
    }
    if store::standing(conn, supplier_id).await?.under_way > 0 {
        return Err(DecideError::OtherUnderWay);
    }
    if store::has_moved_on(conn, supplier_id, id).await? {
        return Err(DecideError::Outdated);
    }
    store::advance(conn, id, status, ImportStatus::Applying, now).await?;
    if acceptance == Acceptance::WithoutSuspicious {
        store::exclude_held(conn, id).await?;
    }
    store::forget_preview(conn, id).await?;
    queue::enqueue(conn, &ImportPriceList { import_id: id }).await?;
    store::find(conn, supplier_id, id).await?.ok_or(DecideError::Unknown)
}

/// Discards a list that waits, or that is still being fetched.
///
/// # Errors
/// [`DecideError::Unknown`], [`DecideError::NotWaiting`], or when the database refuses.
pub async fn discard(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    supplier_id: SupplierId,
    id: PriceImportId,
) -> Result<PriceImport, DecideError> {
    let Locked { status, awaits_file } = lock(conn, supplier_id, id).await?;
    let is_being_fetched = status == ImportStatus::Received && awaits_file;
    if !status.awaits_decision() && !is_being_fetched {
        return Err(DecideError::NotWaiting(status));
    }
    end(conn, now, &Undecided { id, status }).await?;
    store::find(conn, supplier_id, id).await?.ok_or(DecideError::Unknown)
}

/// Discards some of the lists that came before then and that nobody has decided upon; returns how many.
///
/// # Errors
/// When the database refuses.
pub async fn discard_forgotten(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    before: OffsetDateTime,
    at_most: i64,
) -> Result<u64, sqlx::Error> {
    let forgotten = store::undecided_since(conn, before, at_most).await?;
    for undecided in &forgotten {
        end(conn, now, undecided).await?;
    }
    Ok(forgotten.len() as u64)
}

/// Discards the oldest lists of a supplier beyond so many that wait.
pub(super) async fn discard_beyond(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    supplier_id: SupplierId,
    newest: i64,
) -> Result<(), sqlx::Error> {
    for undecided in store::undecided_beyond(conn, supplier_id, newest).await? {
        end(conn, now, &undecided).await?;
    }
    Ok(())
}

async fn lock(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    id: PriceImportId,
) -> Result<Locked, DecideError> {
    store::lock(conn, supplier_id, id).await?.ok_or(DecideError::Unknown)
}

/// Ends a list that is not to be applied. Its report stays, its file goes.
async fn end(conn: &mut PgConnection, now: OffsetDateTime, undecided: &Undecided) -> Result<(), sqlx::Error> {
    // Whoever decided meanwhile was first.
    if store::advance(conn, undecided.id, undecided.status, ImportStatus::Discarded, now).await? {
        store::forget_preview(conn, undecided.id).await?;
        store::delete_chunks(conn, undecided.id).await?;
    }
    Ok(())
}
