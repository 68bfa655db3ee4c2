//! The `api` program: serves the API, migrates the database, prints the OpenAPI document.

use std::{io, process::ExitCode, sync::Arc};

use anyhow::Context;
use api::{
    CatalogCache,
    context::Services,
    create_staff::{self, CreateStaffArgs},
    limits::Limits,
    serve,
    settings::ServeArgs,
    tokens::Tokens,
};
use clap::{Parser, Subcommand};
use common::{
    accounts::Passwords,
    clock::Clock,
    config::{DatabaseArgs, Problems},
    db::Db,
    mail::Templates,
    program, shutdown,
    telemetry::LogArgs,
};

/// Postavka's API
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
    /// Serves the API
    Serve(Box<ServeArgs>),
    /// Applies the migrations that are missing
    Migrate(DatabaseArgs),
    /// Gives somebody of the operator an account (role `staff`)
    CreateStaff(CreateStaffArgs),
    /// Prints the OpenAPI document
    Openapi,
}

fn main() -> ExitCode {
    // A missing `.env` is no error.
    let _absent = dotenvy::dotenv();
    let cli = Cli::parse();
    program::run(&cli.log, async {
        match cli.command {
            Command::Serve(args) => serve_api(*args).await,
            Command::Migrate(args) => migrate(args).await,
            Command::CreateStaff(args) => create_staff::run(args, io::stdin(), io::stdout()).await,
            Command::Openapi => {
                println!("{:#}", api::openapi::document());
                Ok(())
            }
        }
    })
}

async fn serve_api(args: ServeArgs) -> anyhow::Result<()> {
    let settings = args.check()?;
    let figures = serve::start_figures()?;
    let services = Services {
        db: Db::new(&settings.database)?,
        clock: Clock::system(),
        trade: settings.trade,
        passwords: Passwords::default(),
        tokens: Tokens::new(&settings.token_secret),
        templates: Arc::new(Templates::load()?),
        cards: settings.cards,
        limits: Limits::new(settings.limits),
        catalog: CatalogCache::new(settings.catalog_cache_bytes),
    };
    let started = |address| tracing::info!(%address, "serving");
    serve::serve(services, figures, settings.listen_addr, started, shutdown::requested()).await?;
    tracing::info!("stopped");
    Ok(())
}

async fn migrate(args: DatabaseArgs) -> anyhow::Result<()> {
    let mut problems = Problems::default();
    let settings = args.check(&mut problems);
    let db = Db::new(&problems.finish(settings)?)?;
    db.migrate().await.context("the database cannot be migrated")?;
    tracing::info!("the database is at the newest migration");
    Ok(())
}
