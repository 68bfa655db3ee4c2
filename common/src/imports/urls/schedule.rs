//! Price lists that are fetched by themselves.
//!
//! A supplier names one address. Whenever it is due a job looks whether the file there has changed, and only a changed one
//! becomes an import: the server is asked by what it calls its versions, and where it has no names for them the bytes are
//! compared. What somebody uploads in between, takes back or discards therefore stands until the file changes.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio::io::AsyncRead;
use uuid::Uuid;

use super::{FetchedList, PriceListUrl, jobs::CheckPriceList};
use crate::{
    config::TradeSettings,
    ids::{PriceImportId, SupplierId},
    imports::{self, ImportFailure, ImportMode, NewImport, ReceiveError, messages, said, store},
    queue,
    text::Invalid,
};

/// How often a list is fetched by itself, in minutes: a quarter of an hour to a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct EveryMinutes(i32);

impl EveryMinutes {
    /// Checks it.
    ///
    /// # Errors
    /// `out_of_range` beyond 15 to 10,080.
    pub fn parse(minutes: i64) -> Result<Self, Invalid> {
        match i32::try_from(minutes) {
            Ok(minutes @ 15..=10_080) => Ok(Self(minutes)),
            _ => Err(Invalid::new("out_of_range", format!("expected 15 to 10080 minutes, found {minutes}"))),
        }
    }

    /// How many.
    #[must_use]
    pub fn minutes(self) -> i32 {
        self.0
    }
}

/// Every hour.
impl Default for EveryMinutes {
    fn default() -> Self {
        Self(60)
    }
}

/// What a look at an address came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The file had changed, and became an import.
    Fetched,
    /// It is the one that was fetched last.
    Unchanged,
    /// It could not be fetched.
    Failed,
}

impl CheckOutcome {
    /// Its word in answers and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

/// From where, how and when a supplier's list is fetched by itself.
#[derive(Clone, Debug)]
pub struct UrlSchedule {
    /// From where.
    pub url: PriceListUrl,
    /// How often.
    pub every: EveryMinutes,
    /// What happens to offers that the list does not name.
    pub mode: ImportMode,
    /// When next.
    pub next_at: OffsetDateTime,
    /// When it was last looked.
    pub last_checked_at: Option<OffsetDateTime>,
    /// What that came to.
    pub outcome: Option<CheckOutcome>,
    /// What the last file from there became.
    pub import_id: Option<PriceImportId>,
    /// Why the last look failed.
    pub error: Option<ImportFailure>,
    /// Since when all of them failed.
    pub failing_since: Option<OffsetDateTime>,
}

/// What to change of that.
#[derive(Clone, Debug, Default)]
pub struct ScheduleChange {
    /// From where; nothing ends it.
    pub url: Option<Option<PriceListUrl>>,
    /// How often.
    pub every: Option<EveryMinutes>,
    /// What happens to offers that the list does not name.
    pub mode: Option<ImportMode>,
}

/// Why it is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// There is no address to be fetched from.
    #[error("expected an address from which the list is fetched")]
    NoUrl,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// How a supplier's list is fetched by itself, if it is.
///
/// # Errors
/// When the database refuses.
pub async fn find_schedule(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<Option<UrlSchedule>, sqlx::Error> {
    store::find_schedule(conn, supplier_id).await
}

/// Changes how a supplier's list is fetched by itself. A new address is due at once, and what the old one came to is
/// forgotten; another mode has the same file imported again.
///
/// # Errors
/// [`ScheduleError`].
pub async fn set_schedule(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    supplier_id: SupplierId,
    change: &ScheduleChange,
) -> Result<(), ScheduleError> {
    let says_how = change.every.is_some() || change.mode.is_some();
    match &change.url {
        Some(None) if says_how => return Err(ScheduleError::NoUrl),
        Some(None) => store::end_schedule(conn, supplier_id).await?,
        Some(Some(url)) => store::put_schedule(conn, now, supplier_id, url, change).await?,
        None if says_how && !store::change_schedule(conn, now, supplier_id, change).await? => {
            return Err(ScheduleError::NoUrl);
        }
        None => {}
    }
    Ok(())
}

/// Nobody is left who could care about a supplier's list.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn end_schedule(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<(), sqlx::Error> {
    store::end_schedule(conn, supplier_id).await
}

/// Enqueues some of the looks that are due, and moves their schedules on; returns how many were due. One whose last look is
/// still under way is not looked at twice at once.
///
/// # Errors
/// When the database refuses.
pub async fn enqueue_due(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    at_most: i64,
) -> Result<usize, sqlx::Error> {
    let due = store::take_due(conn, now, at_most).await?;
    let jobs: Vec<_> = due.iter().map(|&supplier_id| CheckPriceList { supplier_id }).collect();
    queue::enqueue_all(conn, &jobs).await?;
    Ok(due.len())
}

/// An address that is about to be looked at.
#[derive(Clone, Debug)]
pub struct Checking {
    /// Whose.
    pub supplier_id: SupplierId,
    /// The address.
    pub url: PriceListUrl,
    /// What happens to offers that the list does not name.
    pub mode: ImportMode,
    /// The version that was imported last, as the server calls it.
    pub etag: Option<String>,
    /// When the server said that this was changed.
    pub last_modified: Option<String>,
    /// The hash of the file that was fetched last, whatever became of it, unless that was our fault.
    pub last_sha256: Option<Vec<u8>>,
}

/// What there is to look at for a supplier.
///
/// # Errors
/// When the database refuses.
pub async fn begin_check(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
) -> Result<Option<Checking>, sqlx::Error> {
    store::begin_check(conn, supplier_id).await
}

/// Notes that the file has not changed. Like all that a look comes to, it means nothing once the address is another.
///
/// # Errors
/// When the database refuses.
pub async fn note_unchanged(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    checking: &Checking,
) -> Result<(), sqlx::Error> {
    store::note_checked(conn, now, checking, CheckOutcome::Unchanged, None).await.map(|_| ())
}

/// Makes an import of a file that has changed.
///
/// # Errors
/// [`ReceiveError`]; the caller then rolls back.
pub async fn deliver_scheduled(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    checking: &Checking,
    list: &FetchedList,
    file: impl AsyncRead + Unpin + Send,
) -> Result<Option<PriceImportId>, ReceiveError> {
    let new = NewImport {
        supplier_id: checking.supplier_id,
        requested_by: None,
        mode: checking.mode,
        dry_run: false,
        format: list.format,
        source: checking.url.shown(),
    };
    let import = imports::receive(conn, now, &new, file).await?;
    store::insert_scheduled(conn, import.id, checking, list, now).await?;
    let noted = store::note_checked(conn, now, checking, CheckOutcome::Fetched, Some(import.id)).await?;
    Ok(noted.then_some(import.id))
}

/// Notes that the file could not be fetched, and tells the supplier if the look before did not fail.
///
/// # Errors
/// When the database refuses.
pub async fn note_check_failure(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    checking: &Checking,
    failure: &ImportFailure,
) -> Result<(), sqlx::Error> {
    let streak = Uuid::now_v7();
    if store::note_check_failure(conn, now, checking, failure, streak).await? {
        messages::tell_not_fetched(conn, trade, now, checking.supplier_id, streak).await?;
    }
    Ok(())
}

/// Why a file that was fetched does not become an import.
#[must_use]
pub fn too_many() -> ImportFailure {
    ImportFailure {
        code: "too_many_imports".to_owned(),
        detail: said!(
            "too many price lists of this supplier wait already",
            "слишком много прайс-листов этого поставщика уже ждут"
        ),
        line: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_fetched_every_quarter_of_an_hour_to_every_week() {
        for (minutes, taken) in
            [(15, true), (60, true), (10_080, true), (14, false), (10_081, false), (-60, false)]
        {
            assert_eq!(EveryMinutes::parse(minutes).is_ok(), taken, "{minutes}");
        }
        assert!(EveryMinutes::parse(i64::MAX).is_err());
        assert_eq!(
            EveryMinutes::parse(EveryMinutes::default().minutes().into()),
            Ok(EveryMinutes::default())
        );
    }
}
