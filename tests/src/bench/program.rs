//! Real processes of the release build.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

use super::send;
use crate::launcher;

/// How long one may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// Builds the API and the worker, as a release has them.
///
/// # Errors
/// When they cannot be built.
pub fn build_programs() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut build = crate::cargo::build(&root, true);
    build.args(["--quiet", "--bin", "api", "--bin", "worker"]);
    let status = build.status().context("cannot start cargo")?;
    ensure!(status.success(), "the build of the programs has failed");
    Ok(())
}

/// A process; it ends when this is dropped.
#[derive(Debug)]
struct Program(Child);

impl Program {
    /// Starts one over a database, with its output in `<target dir>/bench-<name>.log`.
    fn start(mut run: Run<'_>, program: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        let [launched, death_signal @ ..] = launcher::death_signal("KILL");
        let mut command = Command::new(launched);
        command.args(death_signal).arg(run.target_dir.join("release").join(program)).args(arguments);
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("DATABASE_URL", run.database_url).envs(run.settings.drain(..));
        let log = run.target_dir.join(format!("bench-{}.log", run.name));
        let log = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
        Ok(Self(launcher::launch(command)?))
    }

    fn ensure_runs(&mut self) -> anyhow::Result<()> {
        match self.0.try_wait()? {
            Some(status) => bail!("the process has ended ({status}); see its log"),
            None => Ok(()),
        }
    }

    /// A figure of the kernel's, in MiB.
    fn memory_mib(&self, figure: &str) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let kib = status.lines().find_map(|line| line.strip_prefix(figure)?.trim().strip_suffix(" kB"));
        let kib: u32 = kib.context("the kernel says nothing of memory")?.trim().parse()?;
        Ok(f64::from(kib) / 1024.0)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It is over as soon as it is asked.
        _ = launcher::signal(self.0.id(), rustix::process::Signal::TERM);
        if !matches!(launcher::wait_for_end(&mut self.0, PATIENCE), Ok(Some(_))) {
            _ = self.0.kill();
        }
    }
}

/// How a process is started.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// What its log is called.
    pub name: &'a str,
    /// Where cargo builds.
    pub target_dir: &'a Path,
    /// Its database.
    pub database_url: &'a str,
    /// Environment variables beside the usual.
    pub settings: Vec<(&'a str, &'a str)>,
}

/// `api serve`, with its usual settings; it ends when this is dropped.
#[derive(Debug)]
pub struct ApiProcess {
    program: Program,
    address: SocketAddr,
}

impl ApiProcess {
    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(mut run: Run<'_>) -> anyhow::Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let listen = address.to_string();
        run.settings.push(("LISTEN_ADDR", &listen));
        run.settings.push(("TOKEN_SECRET", "the secret of the benchmarks, long enough"));
        let mut process = Self { program: Program::start(run, "api", &["serve"])?, address };
        let since = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            process.program.ensure_runs()?;
            ensure!(since.elapsed() < PATIENCE, "the API does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(process)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The most memory that it has occupied so far (peak resident set), in MiB.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn peak_memory_mib(&self) -> anyhow::Result<f64> {
        self.program.memory_mib("VmHWM:")
    }
}

/// `worker run`, for some queues; it ends when this is dropped.
#[derive(Debug)]
pub struct WorkerProcess {
    program: Program,
    memory_at_rest_mib: f64,
}

impl WorkerProcess {
    /// Starts it, and waits until it takes jobs.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(mut run: Run<'_>, queues: &str) -> anyhow::Result<Self> {
        let metrics = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let metrics_addr = metrics.to_string();
        run.settings.push(("METRICS_ADDR", &metrics_addr));
        // Nothing listens there, and nothing is sent.
        run.settings.push(("SMTP_URL", "smtp://127.0.0.1:9"));
        run.settings.push(("MAIL_FROM", "Postavka <orders@postavka.test>"));
        let program = Program::start(run, "worker", &["run", "--queues", queues])?;
        let mut process = Self { program, memory_at_rest_mib: 0.0 };
        let since = Instant::now();
        while !matches!(send(metrics, "GET", "/readyz", "", "").await, Ok((200, _))) {
            process.program.ensure_runs()?;
            ensure!(since.elapsed() < PATIENCE, "the worker does not take jobs");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        process.memory_at_rest_mib = process.program.memory_mib("VmRSS:")?;
        Ok(process)
    }

    /// How much more memory it has occupied at most than when it had nothing to do, in MiB.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn growth_mib(&self) -> anyhow::Result<f64> {
        Ok(self.program.memory_mib("VmHWM:")? - self.memory_at_rest_mib)
    }
}
