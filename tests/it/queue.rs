//! What the job queue promises, each promise shown by jobs that exist only here.
//!
//! [`jobs`] has the kinds, whose every attempt does what the test says, when the test says so; [`workers`] starts the
//! real loop over them in a database of the test's own.

mod claiming;
mod clocks;
mod enqueuing;
mod errands;
mod forgetting;
mod frozen;
mod jobs;
mod leases;
mod lost_answers;
mod outages;
mod outcomes;
mod processes;
mod silence;
mod stopping;
mod workers;
