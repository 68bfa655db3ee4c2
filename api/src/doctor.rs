//! `api doctor`: looks at everything that the API needs, and says what is not right.

use std::{env, io::Write, path::Path};

use common::{
    clock::Clock,
    config::Problems,
    doctor::{
        Finding, Report, database, machine,
        secrets::{self, MIN_TOKEN_SECRET},
    },
};

use crate::settings::ServeArgs;

/// What to look at, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct DoctorArgs {
    /// Print one JSON object, for programs
    #[arg(long)]
    pub json: bool,

    /// The mail server of the workers, where it is to be looked at too
    #[arg(long, env = "SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,

    /// What the API is started with
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// Where `cargo dev` keeps the secret that it makes.
const DEVELOPMENT_SECRET: &str = ".data/token_secret";

/// Makes every check, and prints what was found.
///
/// # Errors
/// When something failed.
pub async fn run(args: DoctorArgs, problems: Problems, mut output: impl Write) -> anyhow::Result<()> {
    let as_json = args.json;
    let report = examine(args, problems).await;
    if as_json {
        writeln!(output, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    anyhow::ensure!(report.is_sound(), "not everything is as it must be");
    Ok(())
}

/// Makes every check; `problems` are those with the settings that there are already.
pub async fn examine(args: DoctorArgs, problems: Problems) -> Report {
    let DoctorArgs { serve, smtp_url, .. } = args;
    // The secret has a check of its own.
    let settings = ServeArgs { token_secret: Some("-".repeat(MIN_TOKEN_SECRET)), ..serve.clone() };
    let mut checks = vec![match settings.check(problems) {
        Ok(_) => Finding::ok("settings", "all can be read"),
        Err(error) => {
            let found = format!("{error:#}").replace("\n  ", " ");
            Finding::fail("settings", found, "see `api serve --help`")
        }
    }];
    checks.push(secrets::token_secret(serve.token_secret.as_deref(), Path::new(DEVELOPMENT_SECRET)));
    if let Some(url) = &serve.database.database_url {
        checks.push(secrets::database_password(url));
    }
    if let Ok(url) = serve.trade.public_url.parse() {
        checks.push(secrets::public_url(&url));
    }
    // A setting that is not right was named above.
    if let Some(allowed) = serve.fetching.check(&mut Problems::default()) {
        checks.push(secrets::fetched_from(&allowed, &serve.fetching.import_url_allow));
    }
    if let Some(settings) = serve.database.check(&mut Problems::default()) {
        let cards = serve.cards.yookassa_shop_id.as_deref().is_some_and(|id| !id.is_empty());
        checks.extend(database::check(&settings, &Clock::system(), cards).await);
    }
    checks.push(machine::smtp(smtp_url.as_deref()).await);
    checks.push(machine::disk(&env::temp_dir()));
    checks.push(machine::descriptors());
    Report { checks }
}
