//! All SQL of price lists: receiving files, staging goods, applying them, reading the reports.

mod applying;
mod difference;
mod exporting;
mod fetching;
mod gtins;
mod guarding;
mod history;
mod placing;
mod previewing;
mod reading;
mod receiving;
mod repeating;
mod reporting;
mod reverting;
mod scheduling;
mod staging;
mod statistics;
mod stock;

pub(super) use applying::{Applied, apply, is_whole, set_limits};
pub(super) use difference::refuse_repeated;
pub(super) use exporting::{export_goods, export_head};
pub(super) use fetching::{
    awaits_file, begin_fetch, insert_awaiting, note_fetch_failure, note_fetched, take_file,
};
pub(super) use guarding::{judge, note_suspicions};
pub(super) use history::{has_offer, offer_history};
pub(super) use previewing::{
    Locked, Undecided, exclude_held, forget_preview, has_moved_on, lock, report, undecided_beyond,
    undecided_since,
};
pub use reading::{find, list, rows};
pub(super) use reading::{first_errors, is_quiet, people, readers};
pub(super) use receiving::{
    advance, delete_chunks, fail, insert, insert_chunk, lock_uploads, seal, standing,
};
pub use receiving::{chunk, chunks};
pub(super) use repeating::{repeat, same_as_last};
pub(super) use reporting::{refused_rows, report_head};
pub(super) use reverting::{insert_reversal, revertible, stage_reversal};
pub(super) use scheduling::{
    begin_check, change_schedule, end_schedule, find_schedule, insert_scheduled, note_check_failure,
    note_checked, put_schedule, take_due,
};
pub use staging::Begun;
pub(super) use staging::{
    begin, forget_attempt, insert_rejected, note_progress, note_summary, stage, waits_for_earlier,
};
pub(super) use statistics::analyze_stage;
