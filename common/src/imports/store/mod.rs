//! All SQL of price lists: receiving files, staging goods, applying them, reading the reports.

mod applying;
mod difference;
mod exporting;
mod placing;
mod reading;
mod receiving;
mod reporting;
mod staging;
mod stock;

pub(super) use applying::{Applied, apply, is_whole, set_limits};
pub(super) use exporting::{export_goods, export_head};
pub use reading::{find, list, rows};
pub(super) use reading::{first_errors, readers};
pub(super) use receiving::{
    advance, delete_chunks, fail, insert, insert_chunk, lock_uploads, seal, standing,
};
pub use receiving::{chunk, chunks};
pub(super) use reporting::{refused_rows, report_head, sum_up_problems};
pub(super) use staging::{
    Begun, analyze_stage, begin, clear_stage, insert_rejected, note_progress, note_summary, stage,
    waits_for_earlier,
};
