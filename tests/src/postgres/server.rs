//! The server's process: making its cluster, starting it, stopping it.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
    process::{Child, Command},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use rustix::process::Signal;
use sqlx::{Connection, PgConnection};

use super::{Durability, Options, account::Account, binaries::Binaries, place::Place};
use crate::launcher;

/// How long `initdb` may take, on a slow disk.
const INITIALISED_WITHIN: Duration = Duration::from_secs(120);
/// How long the server may take until a connection works: recovery after a crash reads the log since the checkpoint.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long a clean stop may take: it writes a checkpoint.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);
/// How long a forced stop may take before it is forced harder.
const FORCED_WITHIN: Duration = Duration::from_secs(10);

/// Beyond this size the log begins anew.
const MAX_LOG_BYTES: u64 = 10 << 20;
/// How much of the log an error quotes.
const QUOTED_LINES: usize = 12;

/// Makes the cluster, in a directory beside its own that is renamed when it is whole.
pub(super) async fn initialise(
    binaries: &Binaries,
    account: &Account,
    place: &Place,
    durability: Durability,
) -> anyhow::Result<()> {
    let unfinished = place.unfinished_data_dir();
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))?;
    }
    fs::create_dir(&unfinished).with_context(|| format!("cannot make {}", unfinished.display()))?;
    account.take_over(&unfinished)?;

    let mut initdb = account.command("KILL", &binaries.initdb());
    // Without an encoding and a locale of its own the cluster takes them from LANG, and where that is empty Cyrillic
    // has neither `lower` nor trigrams.
    initdb.args(["-E", "UTF8", "--locale=C.UTF-8", "-U", "postgres", "-A", "trust", "--no-instructions"]);
    if durability == Durability::Fast {
        initdb.arg("--no-sync");
    }
    initdb.arg("-D").arg(&unfinished);
    let mut log = Log::open(&place.log)?;
    log.receive_from(&mut initdb)?;
    let mut initdb = launcher::launch(initdb)?;
    let status = within(INITIALISED_WITHIN, &mut initdb).await?;
    let Some(status) = status else {
        initdb.kill()?;
        bail!("initdb has not ended within {INITIALISED_WITHIN:?}")
    };
    ensure!(status.success(), "initdb has failed ({status}):\n{}", log.end());
    fs::rename(&unfinished, &place.data_dir).with_context(|| {
        format!("{} is in the way and not a PostgreSQL cluster: remove it", place.data_dir.display())
    })
}

/// A server that accepts connections.
#[derive(Debug)]
pub(super) struct Server {
    child: Mutex<Child>,
    process_id: u32,
    stopped: bool,
}

impl Server {
    /// Starts the server and waits until a connection works.
    pub(super) async fn start(
        binaries: &Binaries,
        account: &Account,
        place: &Place,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let mut command = account.command("INT", &binaries.postgres());
        command.arg("-D").arg(&place.data_dir);
        for (name, value) in settings(place, options) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let mut log = Log::open(&place.log)?;
        log.receive_from(&mut command)?;
        let child = launcher::launch(command)?;
        let server = Self { process_id: child.id(), child: Mutex::new(child), stopped: false };
        server.wait_until_ready(place, &mut log).await?;
        Ok(server)
    }

    async fn wait_until_ready(&self, place: &Place, log: &mut Log) -> anyhow::Result<()> {
        let since = Instant::now();
        loop {
            let Err(error) = try_to_connect(&place.url("postgres")).await else { return Ok(()) };
            if !self.is_running() {
                bail!("PostgreSQL has not started; the end of {}:\n{}", place.log.display(), log.end());
            }
            if since.elapsed() > READY_WITHIN {
                let log = log.end();
                bail!("PostgreSQL is not ready after {READY_WITHIN:?} ({error}); the end of its log:\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) fn is_running(&self) -> bool {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(child.try_wait(), Ok(None))
    }

    pub(super) fn process_id(&self) -> u32 {
        self.process_id
    }

    /// A "fast" shutdown: sessions are ended, and what is in memory is written.
    pub(super) fn stop(&mut self) -> anyhow::Result<()> {
        self.end(&[
            (Signal::INT, STOPPED_WITHIN),
            (Signal::QUIT, FORCED_WITHIN),
            (Signal::KILL, FORCED_WITHIN),
        ])
    }

    /// An "immediate" shutdown: as a crash, but nothing stays behind.
    pub(super) fn crash(&mut self) -> anyhow::Result<()> {
        self.end(&[(Signal::QUIT, FORCED_WITHIN), (Signal::KILL, FORCED_WITHIN)])
    }

    /// Tries each signal in turn until the server is gone.
    fn end(&mut self, signals: &[(Signal, Duration)]) -> anyhow::Result<()> {
        self.stopped = true;
        // A process that a test has frozen would not hear us.
        _ = launcher::signal(self.process_id, Signal::CONT);
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (attempt, (signal, patience)) in signals.iter().enumerate() {
            // A child that has ended and was waited for has given its number away.
            if child.try_wait()?.is_none() {
                launcher::signal(self.process_id, *signal)?;
            }
            if launcher::wait_for_end(child, *patience)?.is_some() {
                ensure!(attempt == 0, "PostgreSQL did not stop when asked, and was forced to");
                return Ok(());
            }
        }
        bail!("PostgreSQL (process {}) does not stop, not even by SIGKILL", self.process_id)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.stopped
            && let Err(error) = self.stop()
        {
            eprintln!("{error:#}");
        }
    }
}

fn settings(place: &Place, options: &Options) -> Vec<(String, String)> {
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut settings = place.settings().to_vec();
    settings.push(setting("max_connections", &options.max_connections.to_string()));
    settings.extend(["timezone", "log_timezone"].map(|name| setting(name, "UTC")));
    if options.durability == Durability::Fast {
        settings.extend(["fsync", "synchronous_commit", "full_page_writes"].map(|name| setting(name, "off")));
    }
    settings.extend(options.settings.iter().cloned());
    settings
}

async fn try_to_connect(url: &str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    connection.ping().await?;
    connection.close().await
}

async fn within(patience: Duration, child: &mut Child) -> anyhow::Result<Option<std::process::ExitStatus>> {
    let since = Instant::now();
    loop {
        match child.try_wait()? {
            None if since.elapsed() < patience => tokio::time::sleep(Duration::from_millis(20)).await,
            outcome => return Ok(outcome),
        }
    }
}

/// The server's log, and where our part of it begins.
struct Log {
    file: File,
    begin: u64,
}

impl Log {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let context = || format!("cannot write {}", path.display());
        let file = File::options().create(true).read(true).append(true).open(path).with_context(context)?;
        let mut begin = file.metadata()?.len();
        if begin > MAX_LOG_BYTES {
            file.set_len(0).with_context(context)?;
            begin = 0;
        }
        Ok(Self { file, begin })
    }

    /// The file is open already, so the server need not be able to write where it lies.
    fn receive_from(&self, command: &mut Command) -> anyhow::Result<()> {
        command.stdout(self.file.try_clone()?).stderr(self.file.try_clone()?);
        Ok(())
    }

    /// The last lines that were written since we opened it.
    fn end(&mut self) -> String {
        let mut written = Vec::new();
        let read =
            self.file.seek(SeekFrom::Start(self.begin)).and_then(|_| self.file.read_to_end(&mut written));
        if let Err(error) = read {
            return format!("(the log cannot be read: {error})");
        }
        let written = String::from_utf8_lossy(&written);
        let lines: Vec<_> = written.lines().collect();
        lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
    }
}
