//! The `worker` program: takes jobs.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::{Parser, Subcommand};
use common::{
    checks,
    clock::Clock,
    config::{DatabaseArgs, Problems},
    db::Db,
    mail::Templates,
    program, shutdown,
    telemetry::LogArgs,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use worker::{deps::Deps, registry::Registry, run, settings::WorkArgs};

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
    /// Recomputes the invariants of a database from its history, without changing it
    Check(DatabaseArgs),
}

fn main() -> ExitCode {
    // A missing `.env` is no error.
    let _absent = dotenvy::dotenv();
    let cli = Cli::parse();
    program::run(&cli.log, async {
        match cli.command {
            Command::Run(args) => work(*args).await,
            Command::Check(args) => check(args).await,
        }
    })
}

async fn check(args: DatabaseArgs) -> anyhow::Result<()> {
    let mut problems = Problems::default();
    let settings = args.check(&mut problems);
    let db = Db::new(&problems.finish(settings)?)?;
    let report = checks::run(&mut *db.begin().await?).await?;
    print!("{report}");
    anyhow::ensure!(report.is_clean(), "the database violates its invariants");
    Ok(())
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
    let templates = Templates::load()?;
    let deps = Arc::new(Deps {
        db: db.clone(),
        clock,
        trade,
        templates,
        mailer: settings.mailer,
        cards: settings.cards,
    });
    run::run(db, registry, deps, settings.run, shutdown::requested()).await
}
