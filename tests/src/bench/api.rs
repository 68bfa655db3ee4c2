//! A real API process.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

use crate::launcher;

/// How long it may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// `api serve`, of the release build, with its usual settings; it ends when this is dropped.
#[derive(Debug)]
pub struct ApiProcess {
    child: Child,
    address: SocketAddr,
}

impl ApiProcess {
    /// Builds the program, as a release has it.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn build() -> anyhow::Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--release", "--quiet", "--workspace", "--bin", "api"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .status()
            .context("cannot start cargo")?;
        ensure!(status.success(), "the build of the API has failed");
        Ok(())
    }

    /// Starts it over a database. `settings` are environment variables beside the usual; its log goes to `log`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(
        target_dir: &Path,
        database_url: &str,
        log: &Path,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let [program, arguments @ ..] = launcher::death_signal("KILL");
        let mut command = Command::new(program);
        command.args(arguments).arg(target_dir.join("release/api")).arg("serve");
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("DATABASE_URL", database_url).env("LISTEN_ADDR", address.to_string());
        command.env("TOKEN_SECRET", "the secret of the benchmarks, long enough");
        command.envs(settings.iter().copied());
        let log = fs::File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
        let mut process = Self { child: launcher::launch(command)?, address };
        let since = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            if let Some(status) = process.child.try_wait()? {
                bail!("the API has ended ({status}); see its log");
            }
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

    /// The number of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it has occupied so far (peak resident set), in MiB.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn peak_memory_mib(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        let kib: u32 = peak.context("the kernel says nothing of memory")?.trim().parse()?;
        Ok(f64::from(kib) / 1024.0)
    }
}

impl Drop for ApiProcess {
    fn drop(&mut self) {
        // It is over as soon as it is asked.
        _ = launcher::signal(self.child.id(), rustix::process::Signal::TERM);
        if !matches!(launcher::wait_for_end(&mut self.child, PATIENCE), Ok(Some(_))) {
            _ = self.child.kill();
        }
    }
}
