//! Price lists by address: the supplier's server is asked, and what it answers becomes an import.
//!
//! An address is somebody else's word, and whoever follows it stands inside: so it is believed of nothing. Its
//! [form](PriceListUrl) is checked when it is given, and each network address that its host has, or that a redirect
//! leads to, when it is about to be connected to: only what is [public](is_public), or what the installation
//! [allows](Allowed), is. How it is fetched stands in the worker; what an import makes of that stands here.
//!
//! An import by address is `received` and awaits its file. The job fetches it outside any transaction, notes how far it
//! has come, and hands the file in like an upload; from there the import goes the way of every list. One that awaits
//! its file holds up no other, and may be discarded. An address may also be looked at [by itself](UrlSchedule), from
//! time to time.

mod actions;
mod addresses;
mod failures;
pub mod jobs;
mod model;
mod schedule;
mod settings;

pub use actions::{Awaiting, FetchedList, begin_fetch, deliver, note_fetch_failure, note_fetched, request};
pub use addresses::{Allowed, is_public};
pub use failures::{Absence, FetchCode, FetchFailure};
pub use model::{Fetch, NewFetch, PriceListUrl};
pub(crate) use schedule::end_schedule;
pub use schedule::{
    CheckOutcome, Checking, EveryMinutes, ScheduleChange, ScheduleError, UrlSchedule, begin_check,
    deliver_scheduled, enqueue_due, find_schedule, note_check_failure, note_unchanged, set_schedule,
    too_many,
};
pub use settings::FetchArgs;
