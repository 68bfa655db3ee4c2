//! The `api` program: serves the API, migrates the database, prints the OpenAPI document.

use std::{io, process::ExitCode, sync::Arc};

use anyhow::Context;
use api::{
    CatalogCache,
    context::Services,
    create_staff::{self, CreateStaffArgs},
    doctor::{self, DoctorArgs},
    limits::Limits,
    serve,
    settings::ServeArgs,
    tokens::Tokens,
};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use common::{
    accounts::Passwords,
    clock::Clock,
    config::{DatabaseArgs, Problems},
    db::Db,
    mail::Templates,
    program, shutdown,
    supervisor::Supervisor,
    telemetry::TelemetryArgs,
};

/// Postavka's API
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
    /// Serves the API
    Serve(Box<ServeArgs>),
    /// Applies the migrations that are missing
    Migrate(DatabaseArgs),
    /// Gives somebody of the operator an account (role `staff`)
    CreateStaff(CreateStaffArgs),
    /// Looks at the database, the settings and the machine: what is not right, and what to do about it
    Doctor(Box<DoctorArgs>),
    /// Prints the OpenAPI document
    Openapi,
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
        clap_complete::generate(shell, &mut Cli::command(), "api", &mut script);
        program::print(format_args!("{}", String::from_utf8_lossy(&script).trim_end()));
        return ExitCode::SUCCESS;
    }
    program::run("api", &cli.telemetry, async |problems| {
        match cli.command {
            Command::Serve(args) => serve_api(*args, problems).await,
            Command::Migrate(args) => migrate(args, problems).await,
            Command::CreateStaff(args) => {
                // Whoever closes this output early loses a password: that is an error.
                create_staff::run(args, problems, io::stdin(), io::stdout()).await
            }
            Command::Doctor(args) => doctor::run(*args, problems, program::Output).await,
            Command::Completions { .. } => Ok(()),
            Command::Openapi => {
                problems.finish(Some(()))?;
                program::print(format_args!("{:#}", api::openapi::document()));
                Ok(())
            }
        }
    })
}

async fn serve_api(args: ServeArgs, problems: Problems) -> anyhow::Result<()> {
    let settings = args.check(problems)?;
    let figures = serve::start_figures()?;
    let services = Services {
        db: Db::serving(&settings.database)?,
        clock: Clock::system(),
        trade: settings.trade,
        passwords: Passwords::default(),
        tokens: Tokens::new(&settings.token_secret),
        templates: Arc::new(Templates::load()?),
        fetching: settings.fetching,
        cards: settings.cards,
        limits: Limits::new(settings.limits),
        catalog: CatalogCache::new(settings.catalog_cache_bytes),
    };
    let supervisor = Supervisor::of_this_process();
    let started = |address| {
        tracing::info!(%address, "serving");
        supervisor.ready();
        // A process whose threads all stand still says nothing any more.
        tokio::spawn(supervisor.clone().watch(|| true));
    };
    let (told, requested) = (supervisor.clone(), shutdown::requested());
    let stopped = async move {
        requested.await;
        told.stopping();
    };
    serve::serve(services, settings.serving, figures, started, stopped).await?;
    tracing::info!("stopped");
    Ok(())
}

async fn migrate(args: DatabaseArgs, mut problems: Problems) -> anyhow::Result<()> {
    let settings = args.check(&mut problems);
    let db = Db::new(&problems.finish(settings)?)?;
    db.migrate().await.context("the database cannot be migrated")?;
    tracing::info!("the database is at the newest migration");
    Ok(())
}
