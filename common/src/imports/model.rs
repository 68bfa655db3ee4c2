//! A price list on its way into the catalogue.
//!
//! ```text
//! received ──▶ parsing ──▶ validated ──▶ applying ──▶ completed | completed_with_errors
//!    │            │            │             │
//!    │            │            ├─────────────│──▶ held_for_review ──▶ applying | discarded
//!    ├────────────│────────────┼─────────────│──▶ discarded
//!    └────────────┴────────────┴─────────────┴──▶ failed
//! ```
//!
//! One whose file is fetched from an address is `received` while that lasts, nobody waits for it, and it may be discarded.
//!
//! A dry run stops at `validated`, and stands there until somebody has it applied or discards it; so does at
//! `held_for_review` what looks like a slip.
//!
//! Lists of one supplier are applied one after the other, in the order in which they came, each of them: whether a
//! newer one can be read at all is known only when its turn comes. (Version 0.1.0 passed by what a newer list would
//! replace: `superseded`.)

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::{FieldError, ProblemGroup, Suspicion, Wording, formats::Format, said, urls::Fetch};
use crate::ids::{OfferId, PriceImportId, SupplierId, UserId};

/// What happens to offers that a list does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ImportMode {
    /// They are withdrawn: the list is all there is.
    #[default]
    Replace,
    /// They stay.
    Upsert,
}

impl ImportMode {
    /// `replace` or `upsert`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Upsert => "upsert",
        }
    }

    /// The mode of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Replace, Self::Upsert].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ImportStatus {
    /// The file is here, or being fetched.
    Received,
    /// Its goods are being read and checked.
    Parsing,
    /// All of them were read.
    Validated,
    /// The catalogue is being changed.
    Applying,
    /// All of it is in the catalogue.
    Completed,
    /// What was right of it is in the catalogue.
    CompletedWithErrors,
    /// It looks like a slip, and waits for somebody to say.
    HeldForReview,
    /// Nothing of it is in the catalogue.
    Failed,
    /// It was not to be applied.
    Discarded,
    /// A newer list came before it was begun. No list becomes that any more.
    Superseded,
}

impl ImportStatus {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::Received,
        Self::Parsing,
        Self::Validated,
        Self::Applying,
        Self::Completed,
        Self::CompletedWithErrors,
        Self::HeldForReview,
        Self::Failed,
        Self::Discarded,
        Self::Superseded,
    ];

    /// Its word in answers and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Parsing => "parsing",
            Self::Validated => "validated",
            Self::Applying => "applying",
            Self::Completed => "completed",
            Self::CompletedWithErrors => "completed_with_errors",
            Self::HeldForReview => "held_for_review",
            Self::Failed => "failed",
            Self::Discarded => "discarded",
            Self::Superseded => "superseded",
        }
    }

    /// Whether an import may go from here to `next`.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Received => {
                matches!(next, Self::Parsing | Self::Superseded | Self::Failed | Self::Discarded)
            }
            Self::Parsing => matches!(next, Self::Validated | Self::Failed),
            Self::Validated => {
                matches!(next, Self::Applying | Self::HeldForReview | Self::Discarded | Self::Failed)
            }
            Self::HeldForReview => matches!(next, Self::Applying | Self::Discarded),
            Self::Applying => matches!(next, Self::Completed | Self::CompletedWithErrors | Self::Failed),
            Self::Completed
            | Self::CompletedWithErrors
            | Self::Failed
            | Self::Discarded
            | Self::Superseded => false,
        }
    }

    /// Whether it stands until somebody decides: only dry runs are ever left at `validated`.
    #[must_use]
    pub fn awaits_decision(self) -> bool {
        matches!(self, Self::Validated | Self::HeldForReview)
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub fn has_ended(self) -> bool {
        Self::ALL.into_iter().all(|next| !self.may_become(next))
    }
}

/// A price list about to be received: all but its bytes.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// Whose.
    pub supplier_id: SupplierId,
    /// Who uploads it; nobody in particular where that is done on the command line.
    pub requested_by: Option<UserId>,
    /// What happens to offers that it does not name.
    pub mode: ImportMode,
    /// Whether it is only looked at, until somebody decides.
    pub dry_run: bool,
    /// Its form.
    pub format: Format,
    /// The file's name.
    pub source: String,
}

/// How many rows came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// New offers.
    pub inserted: i64,
    /// Offers that changed.
    pub updated: i64,
    /// Offers that stand as they stood.
    pub unchanged: i64,
    /// Offers that the list no longer has.
    pub withdrawn: i64,
    /// Rows that were refused.
    pub failed: i64,
}

/// Why a whole file was not imported.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportFailure {
    /// Stable, for programs.
    pub code: String,
    /// For people: what was found and what was expected.
    pub detail: Wording,
    /// Where, from 1.
    #[serde(default)]
    pub line: Option<u64>,
}

impl ImportFailure {
    /// It lies with us.
    #[must_use]
    pub fn internal() -> Self {
        Self {
            code: "internal".to_owned(),
            detail: said!(
                "the import failed for a reason that is not in the file; try again or ask the operator",
                "загрузка не удалась по причине, которая не в файле; попробуйте ещё раз или обратитесь к оператору"
            ),
            line: None,
        }
    }
}

/// A price list, as its supplier sees it.
#[derive(Clone, Debug)]
pub struct PriceImport {
    /// Which one.
    pub id: PriceImportId,
    /// How far it has come.
    pub status: ImportStatus,
    /// What happens to offers that it does not name.
    pub mode: ImportMode,
    /// Whether it was to be looked at first.
    pub dry_run: bool,
    /// The file's name, or where it is fetched from as far as that is shown.
    pub source: String,
    /// How far fetching it has come, where it comes from an address.
    pub fetch: Option<Fetch>,
    /// The import whose changes it takes back.
    pub reverts: Option<PriceImportId>,
    /// The name that the list gives its shop.
    pub shop: Option<String>,
    /// Rows read so far.
    pub rows_read: i64,
    /// Rows in all, once that is known.
    pub rows_total: Option<i64>,
    /// Bytes of its file read so far.
    pub bytes_read: i64,
    /// Bytes of its file.
    pub bytes: i64,
    /// What they came to.
    pub counts: Counts,
    /// What looks like a slip.
    pub suspicions: Vec<Suspicion>,
    /// Fields that mean nothing to us, and how often they occurred.
    pub ignored_fields: Value,
    /// What is wrong with the rows that were refused, what stops most of them first.
    pub problems: Vec<ProblemGroup>,
    /// Why nothing of it was imported.
    pub error: Option<ImportFailure>,
    /// When it was received.
    pub created_at: OffsetDateTime,
    /// When it was begun.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RowStatus {
    /// It was refused; its offer stands as it stood.
    Failed,
    /// It made a new offer.
    Inserted,
    /// It changed an offer.
    Updated,
    /// The list no longer has this offer.
    Withdrawn,
}

impl RowStatus {
    /// Its word in answers and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Inserted => "inserted",
            Self::Updated => "updated",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Failed, Self::Inserted, Self::Updated, Self::Withdrawn];
        all.into_iter().find(|status| status.as_str() == text)
    }
}

/// A row that was refused or changed something.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// Where it stands in the report.
    pub position: i64,
    /// Its number among the goods, from 1; none for an offer that the list no longer has.
    pub row: Option<i64>,
    /// Its line in the file, from 1.
    pub line: Option<i64>,
    /// The supplier's own id.
    pub sku: Option<String>,
    /// The offer that has this id, where there is one and it was asked for.
    pub offer_id: Option<OfferId>,
    /// What became of it.
    pub status: RowStatus,
    /// What is wrong with it, or looks like a slip.
    pub errors: Json<Vec<FieldError>>,
    /// What it changed: old and new by field.
    pub changes: Value,
}

impl From<super::formats::FileError> for ImportFailure {
    fn from(error: super::formats::FileError) -> Self {
        let code = serde_json::to_value(error.code).ok();
        let code = code.as_ref().and_then(|code| code.as_str()).unwrap_or("unreadable");
        Self { code: code.to_owned(), detail: error.detail, line: error.line }
    }
}
