//! The `worker` program: takes jobs.

use std::{io::Write, process::ExitCode, sync::Arc};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use common::{
    checks,
    clock::Clock,
    config::{DatabaseArgs, Problems},
    db::Db,
    mail::Templates,
    program, shutdown,
    telemetry::TelemetryArgs,
};
use worker::{
    deps::Deps,
    imports::fetching::Fetcher,
    operate::{self, Common, ImportArgs, JobsCommand, QueuesCommand},
    operations::{self, Operations},
    registry::Registry,
    run,
    settings::WorkArgs,
};

/// Postavka's workers
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    telemetry: TelemetryArgs,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Takes jobs until it is told to stop
    Run(Box<WorkArgs>),
    /// Recomputes the invariants of a database from its history, without changing it
    Check(DatabaseArgs),
    /// Shows jobs, tries them again, or discards them
    #[command(subcommand)]
    Jobs(Box<JobsCommand>),
    /// Shows the queues, or pauses them
    #[command(subcommand)]
    Queues(QueuesCommand),
    /// Shows what comes by the clock: when it came last, and when it comes next
    Schedules(Common),
    /// Imports a price list for a supplier, and shows how it goes
    Import(Box<ImportArgs>),
    /// Prints what a shell needs to complete this program's commands and flags
    Completions {
        /// Which shell
        shell: Shell,
    },
}

fn main() -> ExitCode {
    let cli: Cli = program::arguments();
    if let Command::Completions { shell } = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "worker", &mut script);
        program::print(format_args!("{}", String::from_utf8_lossy(&script).trim_end()));
        return ExitCode::SUCCESS;
    }
    program::run("worker", &cli.telemetry, async |problems| match cli.command {
        Command::Run(args) => work(*args, problems).await,
        Command::Check(args) => check(args, problems).await,
        Command::Jobs(command) => command.run(problems).await,
        Command::Queues(command) => command.run(problems).await,
        Command::Import(args) => args.run(problems).await,
        Command::Schedules(common) => operate::list_schedules(&common, problems).await,
        Command::Completions { .. } => Ok(()),
    })
}

async fn check(args: DatabaseArgs, mut problems: Problems) -> anyhow::Result<()> {
    let settings = args.check(&mut problems);
    let db = Db::new(&problems.finish(settings)?)?;
    let report = checks::run(&mut *db.begin().await?).await?;
    write!(program::Output, "{report}")?;
    anyhow::ensure!(report.is_clean(), "the database violates its invariants");
    Ok(())
}

async fn work(args: WorkArgs, problems: Problems) -> anyhow::Result<()> {
    let settings = args.check(problems)?;
    let asked = match settings.metrics_addr {
        Some(address) => Some((operations::listen(address).await?, run::count()?)),
        None => None,
    };
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
        fetcher: Fetcher::new(settings.fetching),
        cards: settings.cards,
        retention: settings.retention,
    });
    let answering = async {
        match asked {
            Some((listener, figures)) => Operations { db: db.clone(), figures }.serve(listener).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = run::run(db.clone(), registry, deps, settings.run, shutdown::requested()) => ended,
        never = answering => match never {},
    }
}
