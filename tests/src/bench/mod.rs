//! What every benchmark stands on.
//!
//! A benchmark measures three things in turn, in one run, on one private and durable cluster: *ours*, the path that users
//! take; the *limit*, PostgreSQL doing our own SQL; and the *reference*, PostgreSQL doing the least that the work needs
//! (`tests/benches/reference/`). Machines are noisy, so that only ratios within a round count, and of several rounds their
//! median: see [`Report`].

mod cluster;
mod http;
mod pgbench;
mod program;
mod replay;
mod report;

pub use cluster::Cluster;
pub use http::{Load, get, request, send};
pub use pgbench::{Runs, Script, pgbench, pgbench_of};
pub use program::{ApiProcess, Run, WorkerProcess, build_programs};
pub use replay::{Recording, Replay};
pub use report::{Report, Round};

use std::{path::PathBuf, time::Duration};

/// How many clients a load has.
pub const CLIENTS: usize = 16;

/// How long one measurement takes.
pub const MEASURED_FOR: Duration = Duration::from_secs(4);

/// How long each load runs before anything is measured.
pub const WARMED_FOR: Duration = Duration::from_secs(2);

/// The target directory, from the one that cargo lets benchmarks write to.
#[must_use]
pub fn target_dir(tmpdir: &str) -> PathBuf {
    let tmpdir = PathBuf::from(tmpdir);
    tmpdir.parent().map_or_else(|| tmpdir.clone(), PathBuf::from)
}
