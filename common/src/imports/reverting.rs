//! Taking back what a list has changed, as a list of its own.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    ImportStatus, PriceImport, ReceiveError,
    actions::next_id,
    formats::ListSummary,
    jobs::ImportPriceList,
    store::{self, Begun},
};
use crate::{
    ids::{PriceImportId, SupplierId, UserId},
    queue,
};

/// Why an import is not taken back.
#[derive(Debug, thiserror::Error)]
pub enum RevertError {
    /// The supplier has no such import.
    #[error("there is no such import")]
    Unknown,
    /// It has not been applied.
    #[error("the import is {}, so there is nothing to take back", .0.as_str())]
    NotApplied(ImportStatus),
    /// Its report does not say any more what it has changed.
    #[error("what the import has changed is not kept any more")]
    Forgotten,
    /// Too many lists of the supplier are under way, or the database refused.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
}

impl From<sqlx::Error> for RevertError {
    fn from(error: sqlx::Error) -> Self {
        Self::Receive(error.into())
    }
}

/// Has what an import has changed taken back, as an import of its own, in its turn: what it brought is
/// withdrawn, what it withdrew is brought back, what it changed is as it was. What has changed since is left as
/// it is, and reported.
///
/// # Errors
/// [`RevertError`].
pub async fn revert(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    supplier_id: SupplierId,
    id: PriceImportId,
    requested_by: UserId,
) -> Result<PriceImport, RevertError> {
    let new_id = next_id(conn, supplier_id).await?;
    let reverted = store::revertible(conn, supplier_id, id).await?.ok_or(RevertError::Unknown)?;
    match reverted.status {
        ImportStatus::Completed | ImportStatus::CompletedWithErrors if reverted.is_whole => {}
        ImportStatus::Completed | ImportStatus::CompletedWithErrors => return Err(RevertError::Forgotten),
        status => return Err(RevertError::NotApplied(status)),
    }
    store::insert_reversal(conn, new_id, id, requested_by, now).await?;
    queue::enqueue(conn, &ImportPriceList { import_id: new_id }).await?;
    store::find(conn, supplier_id, new_id).await?.ok_or(RevertError::Unknown)
}

/// Stages what another import has changed, as it was before that.
///
/// # Errors
/// When the database refuses.
pub async fn stage_reversal(
    conn: &mut PgConnection,
    begun: &Begun,
    reverts: PriceImportId,
) -> Result<ListSummary, sqlx::Error> {
    store::set_limits(conn, <ImportPriceList as queue::Job>::TIMEOUT).await?;
    let rows = store::stage_reversal(conn, begun, reverts).await?;
    Ok(ListSummary { rows: rows.unsigned_abs(), ..ListSummary::default() })
}
