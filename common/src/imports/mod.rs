//! Price lists: from a supplier's file to goods that the catalogue can take.
//!
//! [`formats`] reads a list of any size as a stream of [`RawGood`](formats::RawGood)s, the entries with their
//! text as it stands in the file. [`Good::check`] turns one such entry into a [`Good`], or says everything that
//! is wrong with it. What makes the whole file unreadable is a [`FileError`](formats::FileError); what is wrong
//! with one entry stays with that entry.
//!
//! Both steps are pure and blocking: they know neither SQL nor `async`, and run off the runtime's threads.

pub mod formats;
mod good;
mod numbers;
mod problems;
mod text;

pub use good::{CategoryName, Good, Sku};
pub use problems::{FieldCode, FieldError, Rejected};
pub use text::{TextError, normalized};
