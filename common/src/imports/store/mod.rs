//! All SQL of price lists: receiving files, staging goods, applying them, reading the reports.

mod applying;
mod difference;
mod reading;
mod receiving;
mod staging;

pub(super) use applying::{Applied, apply, set_limits};
pub use reading::{find, list, rows};
pub(super) use reading::{first_errors, readers};
pub(super) use receiving::{advance, fail, insert, insert_chunk, seal};
pub use receiving::{chunk, chunks};
pub(super) use staging::{
    Begun, begin, clear_stage, insert_rejected, note_progress, note_summary, stage, waits_for_earlier,
};
