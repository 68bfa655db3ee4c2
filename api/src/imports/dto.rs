//! The JSON of imports.

use common::{
    imports::{
        Counts, FieldError, ImportFailure, ImportRow, PriceImport, ProblemGroup, Suspicion, urls::Fetch,
    },
    locale::Locale,
};
use salvo::oapi::ToSchema;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::params::page_response;

/// How far the reading has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressResponse {
    /// Rows read so far.
    pub rows_read: i64,
    /// Rows in all, once that is known.
    pub rows_total: Option<i64>,
    /// Bytes of the file read so far.
    pub bytes_read: i64,
    /// Bytes of the file.
    pub bytes_total: i64,
}

/// How far fetching has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct FetchResponse {
    /// How often it was tried.
    pub attempts: i32,
    /// Bytes that have come in the last attempt.
    pub bytes_fetched: i64,
    /// Bytes that the server promised.
    pub bytes_total: Option<i64>,
    /// Why the last attempt failed. What may pass is tried again; what does not, ends the import.
    pub error: Option<ImportFailureResponse>,
}

impl FetchResponse {
    fn of(fetch: Fetch, locale: Locale) -> Self {
        let Fetch { attempts, bytes_fetched, bytes_total, error } = fetch;
        let error = error.map(|failure| ImportFailureResponse::of(failure, locale));
        Self { attempts, bytes_fetched, bytes_total, error }
    }
}

/// What the rows came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct CountsResponse {
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

impl From<Counts> for CountsResponse {
    fn from(counts: Counts) -> Self {
        let Counts { inserted, updated, unchanged, withdrawn, failed } = counts;
        Self { inserted, updated, unchanged, withdrawn, failed }
    }
}

/// What looks like a slip in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuspicionResponse {
    /// `price_times_100`, `price_times_10`, `price_moved`, `many_withdrawn` or `no_stock`.
    pub code: &'static str,
    /// In words, in the language of whoever asks.
    pub detail: String,
    /// How many offers are concerned.
    pub offers: i64,
    /// Of how many.
    pub of: i64,
}

impl SuspicionResponse {
    fn of(suspicion: Suspicion, locale: Locale) -> Self {
        let Suspicion { code, offers, of } = suspicion;
        let detail = suspicion.detail().in_locale(locale).to_owned();
        Self { code: code.as_str(), detail, offers, of }
    }
}

/// Why nothing of a list was imported.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportFailureResponse {
    /// For programs.
    pub code: String,
    /// What was found and what was expected, in the language of whoever asks.
    pub detail: String,
    /// The line in the file, from 1.
    pub line: Option<u64>,
}

impl ImportFailureResponse {
    /// A failure as somebody of this language sees it.
    pub fn of(failure: ImportFailure, locale: Locale) -> Self {
        let detail = failure.detail.in_locale(locale).to_owned();
        Self { code: failure.code, detail, line: failure.line }
    }
}

/// Rows in which the same is wrong, and mended the same way.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemGroupResponse {
    /// The field; `parameters` for any of them, `row` for the row as a whole.
    pub field: String,
    /// What is wrong with it, for programs.
    pub code: String,
    /// In how many rows.
    pub rows: i64,
    /// The first of them, from 1.
    pub first_row: Option<i64>,
    /// What was found there and what was expected, in the language of whoever asks.
    pub detail: String,
}

impl ProblemGroupResponse {
    fn of(group: ProblemGroup, locale: Locale) -> Self {
        let ProblemGroup { field, code, rows, first_row, detail } = group;
        Self { field, code, rows, first_row, detail: detail.in_locale(locale).to_owned() }
    }
}

/// A price list, and how far it has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportResponse {
    /// Its id.
    pub id: String,
    /// `received`, `parsing`, `validated`, `applying`, `completed`, `completed_with_errors`, `held_for_review`, `failed`,
    /// `discarded` or `superseded`. A dry run stops at `validated`, and what looks like a slip at `held_for_review`: there they
    /// wait to be applied or discarded. One whose file is still being fetched is `received`, and may be discarded too.
    pub status: &'static str,
    /// `replace` or `upsert`.
    pub mode: &'static str,
    /// Whether it was to show first what it would change.
    pub dry_run: bool,
    /// The file's name, or the address from which it is fetched, without what stands behind `?`.
    pub source: String,
    /// How far fetching has come, where it comes from an address. Until the file is here, no other list waits for it.
    pub fetch: Option<FetchResponse>,
    /// The import whose changes it takes back, where it is no list but that.
    pub reverts: Option<String>,
    /// The name that the list gives its shop.
    pub shop: Option<String>,
    /// When it was received.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was begun.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// How far the reading has come.
    pub progress: ProgressResponse,
    /// What the rows came to, or would come to.
    pub counts: CountsResponse,
    /// What looks like a slip: a list that was to be applied at once is held for it.
    pub suspicions: Vec<SuspicionResponse>,
    /// Fields that mean nothing to us, and how often they occurred.
    pub ignored_fields: Value,
    /// What is wrong with the rows that were refused, what stops most of them first.
    pub problems: Vec<ProblemGroupResponse>,
    /// Why nothing of it was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ImportFailureResponse>,
}

impl ImportResponse {
    /// Where the import stands.
    pub fn location(&self) -> String {
        format!("/api/v1/supplier/imports/{}", self.id)
    }
}

impl ImportResponse {
    /// An import as somebody of this language sees it.
    pub fn of(import: PriceImport, locale: Locale) -> Self {
        Self {
            id: import.id.to_string(),
            status: import.status.as_str(),
            mode: import.mode.as_str(),
            dry_run: import.dry_run,
            source: import.source,
            fetch: import.fetch.map(|fetch| FetchResponse::of(fetch, locale)),
            reverts: import.reverts.map(|id| id.to_string()),
            shop: import.shop,
            created_at: import.created_at,
            started_at: import.started_at,
            finished_at: import.finished_at,
            progress: ProgressResponse {
                rows_read: import.rows_read,
                rows_total: import.rows_total,
                bytes_read: import.bytes_read,
                bytes_total: import.bytes,
            },
            counts: import.counts.into(),
            suspicions: (import.suspicions.into_iter())
                .map(|suspicion| SuspicionResponse::of(suspicion, locale))
                .collect(),
            ignored_fields: import.ignored_fields,
            problems: (import.problems.into_iter())
                .map(|group| ProblemGroupResponse::of(group, locale))
                .collect(),
            error: import.error.map(|failure| ImportFailureResponse::of(failure, locale)),
        }
    }
}

page_response! {
    /// A page of the supplier's imports, the newest first.
    ImportsResponse of ImportResponse
}

/// One thing that is wrong with a row.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldErrorResponse {
    /// The field as the list names it: `price`, `parameters.Цвет`; `row` for the row as a whole.
    pub field: String,
    /// For programs.
    pub code: String,
    /// What was found and what was expected, in the language of whoever asks.
    pub detail: String,
}

impl FieldErrorResponse {
    fn of(error: FieldError, locale: Locale) -> Self {
        let detail = error.detail.in_locale(locale).to_owned();
        Self { code: error.code.to_string(), field: error.field, detail }
    }
}

/// A row that was refused or changed something.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportRowResponse {
    /// Its number among the goods, from 1; null for an offer that the list no longer has.
    pub row: Option<i64>,
    /// Its line in the file, from 1.
    pub line: Option<i64>,
    /// The supplier's own id.
    pub sku: Option<String>,
    /// The supplier's offer with this id, where there is one by now.
    pub offer_id: Option<String>,
    /// `failed`, `inserted`, `updated` or `withdrawn`.
    pub status: &'static str,
    /// What is wrong with it, or looks like a slip.
    pub errors: Vec<FieldErrorResponse>,
    /// What it changed: old and new by field.
    pub changes: Value,
}

impl ImportRowResponse {
    /// A row as somebody of this language sees it.
    pub fn of(row: ImportRow, locale: Locale) -> Self {
        Self {
            row: row.row,
            line: row.line,
            sku: row.sku,
            offer_id: row.offer_id.map(|id| id.to_string()),
            status: row.status.as_str(),
            errors: row.errors.0.into_iter().map(|error| FieldErrorResponse::of(error, locale)).collect(),
            changes: row.changes,
        }
    }
}

page_response! {
    /// A page of an import's report, in the order of the file.
    ImportRowsResponse of ImportRowResponse
}
