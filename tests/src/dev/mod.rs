//! `cargo dev`: everything that Postavka consists of, running on this machine after one command.
//!
//! [`run`] takes these steps; each has its module:
//!
//! 1. `folder`: find the project's folder by its `Procfile`, and make sure that nobody else runs it;
//! 2. `procfile`: read which processes there are;
//! 3. `settings`: give the processes the settings that the environment leaves open, and check the ports;
//! 4. build the binaries, start PostgreSQL, the mail catcher and the payment sandbox, and run the `release` line once;
//! 5. `process`: start every other line as a child, and pass on what it prints;
//! 6. `readiness`: wait for the API, and load the demonstration data (`demo`);
//! 7. print the addresses, and wait for Ctrl-C, SIGTERM or the end of a child;
//! 8. stop the children, and PostgreSQL last.

pub mod contract;
pub mod demo;
mod folder;
mod output;
mod process;
mod procfile;
mod readiness;
mod settings;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use tokio::signal::unix::{SignalKind, signal};

use self::{folder::Folder, process::Processes, procfile::Procfile, settings::Settings};
use crate::{
    cargo,
    mail_catcher::MailCatcher,
    payment_sandbox::{NoticeSettings, PaymentSandbox},
    postgres::{Options, Postgres},
};

pub use self::settings::Addresses;

/// The line of the `Procfile` that prepares the database, as on platforms that know Procfiles.
const RELEASE: &str = "release";

/// The database of development, in the private cluster.
const DATABASE: &str = "postavka";

/// What `cargo dev` can be told.
#[derive(Debug, clap::Parser)]
#[command(name = "cargo dev", about = "Runs all of Postavka on this machine")]
pub struct Arguments {
    /// Build and run optimised binaries.
    #[arg(long)]
    release: bool,
    /// Another Procfile; its folder is the project's.
    #[arg(long, hide = true)]
    procfile: Option<PathBuf>,
    /// Take the binaries as they are.
    #[arg(long, hide = true)]
    no_build: bool,
}

/// Runs until somebody stops it, which is a success, or until something fails, which is said and then is none.
pub async fn run(arguments: Arguments) -> ExitCode {
    common::tls::use_ring();
    let mut stack = Stack::default();
    let mut stop = match StopSignals::listen() {
        Ok(stop) => stop,
        Err(error) => return report(&error),
    };
    let outcome = tokio::select! {
        outcome = stack.run(&arguments) => outcome,
        () = stop.next() => {
            output::say("\nStopping …");
            Ok(())
        }
    };
    // The reason comes before what the processes say while they stop.
    let code = outcome.map_or_else(|error| report(&error), |()| ExitCode::SUCCESS);
    tokio::select! {
        () = stack.processes.stop() => {}
        () = stop.next() => output::say("Stopping at once."),
    }
    stack.processes.kill();
    match stack.postgres.take().map(Postgres::stop) {
        Some(Err(error)) => report(&error),
        _ => code,
    }
}

fn report(error: &anyhow::Error) -> ExitCode {
    output::say(&format!("Error: {error:#}"));
    ExitCode::FAILURE
}

/// What runs. The fields drop in this order, so that the folder is ours until all the rest has ended.
#[derive(Default)]
struct Stack {
    processes: Processes,
    postgres: Option<Postgres>,
    mail_catcher: Option<MailCatcher>,
    payment_sandbox: Option<PaymentSandbox>,
    folder: Option<Folder>,
}

impl Stack {
    /// Starts everything, and returns when a part of it ends.
    async fn run(&mut self, arguments: &Arguments) -> anyhow::Result<()> {
        let since = Instant::now();
        let folder = self.folder.insert(Folder::take(arguments.procfile.as_deref()).await?);
        let procfile = Procfile::read(folder.procfile())?;
        let mut settings = Settings::read(folder)?;
        settings.check_ports().await?;
        self.mail_catcher = Some(MailCatcher::start(settings.smtp_addr, settings.mail_addr).await?);
        if let Some(addr) = settings.payments_addr {
            let sandbox = PaymentSandbox::start(addr, Some(folder.data().join("payments.json"))).await?;
            let url = format!("{}/api/v1/webhooks/payments/yookassa", settings.addresses().api);
            sandbox.notify(NoticeSettings { url: Some(url), ..NoticeSettings::default() });
            self.payment_sandbox = Some(sandbox);
        }

        let binaries = folder::binaries(arguments.release)?;
        if !arguments.no_build {
            build(folder, arguments.release).await?;
        }
        if settings.needs_postgres() {
            let postgres = Postgres::start(Options::new(folder.data().join("pg"))).await?;
            if !postgres.has_database(DATABASE).await? {
                postgres.create_database(DATABASE, None).await?;
            }
            settings.use_database(postgres.url(DATABASE));
            self.postgres = Some(postgres);
        }

        let name_width = procfile.lines().map(|(name, _)| name.len()).max().unwrap_or_default();
        self.processes.place(folder.root(), &binaries, settings.environment(), name_width);
        if let Some(command) = procfile.command(RELEASE) {
            self.processes.run_once(RELEASE, command).await?;
        }
        for (name, command) in procfile.lines().filter(|(name, _)| *name != RELEASE) {
            self.processes.start(name, command)?;
        }
        tokio::select! {
            ended = self.processes.first_end() => return Err(ended),
            ready = introduce(&settings, since) => ready?,
        }
        tokio::select! {
            ended = self.processes.first_end() => Err(ended),
            log = end_of(self.postgres.as_ref()) => bail!("PostgreSQL has ended by itself; see {log}"),
        }
    }
}

/// Waits for the API, loads the demonstration data, and says where everything is.
async fn introduce(settings: &Settings, since: Instant) -> anyhow::Result<()> {
    let addresses = settings.addresses();
    readiness::wait_for(&addresses).await?;
    output::say(&addresses.to_string());
    // A database that was named by the environment is somebody's: nothing is put into it.
    if !addresses.database_is_given {
        match demo::load(&addresses).await {
            Ok(accounts) => accounts.iter().for_each(|account| output::say(&account.to_string())),
            Err(error) => output::say(&format!("The demonstration data cannot be loaded: {error:#}")),
        }
    }
    output::say(&format!("Ready in {} s. Ctrl-C stops everything.", since.elapsed().as_secs()));
    Ok(())
}

/// Builds the binaries.
async fn build(folder: &Folder, release: bool) -> anyhow::Result<()> {
    let mut command = tokio::process::Command::from(cargo::build(folder.root(), release));
    command.args(["--bin", "api", "--bin", "worker"]).kill_on_drop(true);
    let status = command.status().await.context("cannot start cargo")?;
    ensure!(status.success(), "the build has failed");
    Ok(())
}

/// Returns where the log is when our PostgreSQL has ended; never, when it is not ours.
async fn end_of(postgres: Option<&Postgres>) -> String {
    let Some(postgres) = postgres else { return std::future::pending().await };
    while postgres.is_running() {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    postgres.log().display().to_string()
}

/// The ways to ask us to stop.
struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
