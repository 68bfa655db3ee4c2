//! Price lists: from a supplier's file to goods in the catalogue.
//!
//! [`formats`] reads a list of any size as a stream of [`RawGood`](formats::RawGood)s, the entries with their
//! text as it stands in the file. [`Good::check`] turns one such entry into a [`Good`], or says everything that
//! is wrong with it. What makes the whole file unreadable is a [`FileError`](formats::FileError); what is wrong
//! with one entry stays with that entry. Both steps are pure and blocking: they know neither SQL nor `async`,
//! and run off the runtime's threads.
//!
//! An upload is [received](receive) into chunk rows with a job; the job [stages](stage) its goods by `COPY`,
//! finds what differs from the supplier's offers, and [applies](apply) only that, in one transaction: the
//! catalogue changes whole or not at all (invariant I7). Imports of one supplier follow one another. A dry run stops
//! before that, and so does a list that looks like a slip, with a report of what it would change, until somebody
//! [accepts](accept) or [discards](discard) it. A list [by address](urls) is fetched first, and may be discarded meanwhile.
//!
//! Products are found by GTIN, or else by category and name. What becomes of GTINs that disagree stands in `store::gtins`;
//! no list fails for them. In which quantities an offer is ordered is for [`OfferTerms`](crate::catalog::OfferTerms).

mod actions;
mod deciding;
mod export;
pub mod formats;
mod good;
mod guard;
mod history;
pub mod jobs;
mod messages;
mod model;
mod numbers;
mod pipeline;
mod problems;
mod reverting;
mod store;
mod text;
pub mod urls;
mod wording;

pub use actions::{ApplyError, Begin, ReceiveError, Verdict, apply, begin, fail, receive, validate};
pub use deciding::{Acceptance, DecideError, accept, discard, discard_forgotten};
pub use export::{ExportError, export, report, template};
pub use good::{CategoryName, Good, Sku};
pub use guard::{Guard, Percent, PriceFactor, Suspicion, SuspicionCode};
pub use history::{OfferChange, OfferChangeKind, OfferHistoryCursor, offer_history};
pub use model::{
    Counts, ImportFailure, ImportMode, ImportRow, ImportStatus, NewImport, PriceImport, RowStatus,
};
pub use pipeline::{StageError, stage};
pub use problems::{FieldCode, FieldError, ProblemGroup, Rejected};
pub use reverting::{RevertError, revert, stage_reversal};
pub use store::{Begun, find, list, rows};
pub use text::{TextError, normalized};
pub use wording::Wording;
pub(crate) use wording::said;

/// This release: what reads lists, perhaps otherwise than the one before.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// How much of a file one row keeps.
pub const CHUNK_BYTES: u64 = 1 << 20;
