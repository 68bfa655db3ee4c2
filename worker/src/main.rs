//! The `worker` program: takes jobs.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::{Parser, Subcommand};
use common::{clock::Clock, db::Db, program, shutdown, telemetry::LogArgs};
use metrics_exporter_prometheus::PrometheusBuilder;
use worker::{deps::Deps, mail::Templates, registry::Registry, run, settings::WorkArgs};

/// Postavka's workers
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Takes jobs until it is told to stop
    Run(Box<WorkArgs>),
}

fn main() -> ExitCode {
    // A missing `.env` is no error.
    let _absent = dotenvy::dotenv();
    let cli = Cli::parse();
    let Command::Run(args) = cli.command;
    program::run(&cli.log, work(*args))
}

async fn work(args: WorkArgs) -> anyhow::Result<()> {
    let settings = args.check()?;
    if let Some(address) = settings.metrics_addr {
        let figures = PrometheusBuilder::new().with_http_listener(address).install();
        figures.with_context(|| format!("METRICS_ADDR: {address} cannot be listened on"))?;
    }
    let (clock, trade) = (Clock::system(), settings.trade);
    let registry = Arc::new(Registry::of_postavka(clock.clone(), trade.clone()));
    let db = Db::new(&settings.database)?;
    let templates = Templates::load()?.with_default_locale(trade.default_locale.as_str())?;
    let deps = Arc::new(Deps { db: db.clone(), clock, trade, templates, mailer: settings.mailer });
    run::run(db, registry, deps, settings.run, shutdown::requested()).await
}
