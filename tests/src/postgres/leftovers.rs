//! What a run that was killed leaves behind.
//!
//! After `kill -9` of us the server gets its death signal and shuts down, which takes a moment: a restart finds it
//! still at work, and waits. And `postmaster.pid` may stay behind for good, naming a process whose number somebody
//! else has meanwhile, which PostgreSQL would take for a running server.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::process::Signal;

use super::place::Place;
use crate::launcher;

/// When to say that we wait.
const TELL_AFTER: Duration = Duration::from_secs(1);
/// When to stop a server that does not seem to be stopping.
const STOP_AFTER: Duration = Duration::from_secs(5);
/// When to give up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// Waits until no server works in the data directory. We hold its lock, so whoever does is a leftover.
pub(super) async fn wait_for_end(place: &Place) -> anyhow::Result<()> {
    let unfinished = place.unfinished_data_dir();
    let (since, mut told, mut stopped) = (Instant::now(), false, false);
    loop {
        let servers = [servers_in(&place.data_dir), servers_in(&unfinished)].concat();
        let Some(&server) = servers.first() else { break };
        let data_dir = place.data_dir.display();
        if since.elapsed() > TELL_AFTER && !told {
            eprintln!(
                "Waiting for the PostgreSQL of an earlier run (process {server}) in {data_dir} to stop …"
            );
            told = true;
        }
        if since.elapsed() > STOP_AFTER && !stopped {
            for &server in &servers {
                launcher::signal(server, Signal::INT)
                    .with_context(|| format!("another PostgreSQL (process {server}) works in {data_dir}"))?;
            }
            stopped = true;
        }
        if since.elapsed() > GIVE_UP_AFTER {
            bail!("another PostgreSQL works in {data_dir} and does not stop: try kill -QUIT {server}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    remove_stale(&place.data_dir.join("postmaster.pid"))?;
    remove_stale(&place.socket_lock())
}

/// Removes a lock file of PostgreSQL that names a living process which is none of ours. One that names a dead process
/// stays: PostgreSQL handles that well, and uses it to find backends that outlived their postmaster.
fn remove_stale(lock: &Path) -> anyhow::Result<()> {
    let content = match fs::read_to_string(lock) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.with_context(|| format!("cannot read {}", lock.display()))?,
    };
    // In the socket's lock file the number may be negative: a mark of PostgreSQL's own.
    let owner = content.lines().next().unwrap_or_default().trim().trim_start_matches('-');
    if Path::new("/proc").join(owner).exists() {
        fs::remove_file(lock).with_context(|| format!("cannot remove {}", lock.display()))?;
    }
    Ok(())
}

/// The postmaster that was started in this directory, and as far as we may see them its other processes.
pub(super) fn servers_in(data_dir: &Path) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| {
            let id = process.file_name().to_str()?.parse().ok()?;
            works_in(&process.path(), data_dir).then_some(id)
        })
        .collect()
}

fn works_in(process: &Path, data_dir: &Path) -> bool {
    let is_postgres = fs::read(process.join("comm")).is_ok_and(|name| name.trim_ascii() == b"postgres");
    // The postmaster keeps our arguments, which everybody may read. The others show a title instead, and their
    // current directory is not always ours to see.
    let started_there = || {
        let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|argument| OsStr::from_bytes(argument) == data_dir)
    };
    let stays_there = || fs::read_link(process.join("cwd")).is_ok_and(|dir| dir == data_dir);
    is_postgres && (started_there() || stays_there())
}
