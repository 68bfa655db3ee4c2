//! The contract: [schemathesis](https://schemathesis.readthedocs.io), a program from PyPI, makes requests from the
//! OpenAPI document, sends them to a real API, and compares the answers with what the document promises.
//!
//! [`run`] starts an API and a worker on a database of their own, signs in somebody of each role, and lets schemathesis
//! try everything. Where Python or PyPI is out of reach it says so, and that is no failure.

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, bail, ensure};
use reqwest::Client;
use serde_json::{Value, json};

use super::{Addresses, demo, demo::DemoAccount, folder, output, process::Processes, readiness};
use crate::{
    mail_catcher::MailCatcher,
    payment_sandbox::{self, PaymentSandbox},
    postgres::{Options, Postgres},
};

/// The version whose checks the API is known to pass.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// Where another one stands that is to be taken.
const SETTING: &str = "SCHEMATHESIS";

/// The database, made anew each time.
const DATABASE: &str = "contract";

/// Runs schemathesis; its findings are a failure, its absence is none.
pub async fn run() -> ExitCode {
    common::tls::use_ring();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = root.join(".data/contract");
    let program = match tokio::task::block_in_place(|| schemathesis(&data.join("python"))) {
        Ok(program) => program,
        Err(error) => {
            output::say(&format!("The contract is not checked, since schemathesis is not here: {error:#}"));
            return ExitCode::SUCCESS;
        }
    };
    let (mut processes, mut postgres) = (Processes::default(), None);
    let outcome = check(&root, &data, &program, &mut processes, &mut postgres).await;
    processes.stop().await;
    processes.kill();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("Error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What is started is left to whoever asked, who stops it in its order.
async fn check(
    root: &Path,
    data: &Path,
    program: &Path,
    processes: &mut Processes,
    postgres: &mut Option<Postgres>,
) -> anyhow::Result<()> {
    fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    let postgres = &*postgres.insert(Postgres::start(Options::for_tests(data.join("pg"))).await?);
    postgres.drop_database(DATABASE).await?;
    postgres.create_database(DATABASE, None).await?;
    let nowhere_yet = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let catcher = MailCatcher::start(nowhere_yet, nowhere_yet).await?;
    let sandbox = PaymentSandbox::start(nowhere_yet, None).await?;
    let api = free_address()?;
    let addresses = Addresses {
        api: format!("http://{api}"),
        mail_page: format!("http://{}", catcher.http_addr()),
        payments_page: Some(format!("http://{}", sandbox.addr())),
        database_url: postgres.url(DATABASE),
        database_is_given: false,
    };
    let settings = [
        ("DATABASE_URL", addresses.database_url.clone()),
        ("LISTEN_ADDR", api.to_string()),
        ("PUBLIC_URL", addresses.api.clone()),
        ("TOKEN_SECRET", "a secret of this run, which nobody needs to guess".to_owned()),
        ("SMTP_URL", format!("smtp://{}", catcher.smtp_addr())),
        ("MAIL_FROM", "Postavka <noreply@localhost>".to_owned()),
        ("ADMIN_EMAIL", "admin@example.com".to_owned()),
        ("YOOKASSA_SHOP_ID", payment_sandbox::SHOP_ID.to_owned()),
        ("YOOKASSA_SECRET_KEY", payment_sandbox::SECRET_KEY.to_owned()),
        ("YOOKASSA_URL", sandbox.api_url()),
        ("REQUIRE_APPROVAL", "false".to_owned()),
        // It asks more often than anybody.
        ("LIMIT_SIGN_INS_PER_ACCOUNT", "1000000/s".to_owned()),
        ("LIMIT_SIGN_INS_PER_CALLER", "1000000/s".to_owned()),
        ("LIMIT_REGISTRATIONS_PER_CALLER", "1000000/s".to_owned()),
        ("LIMIT_MAILS_PER_ACCOUNT", "1000000/s".to_owned()),
        ("LIMIT_MAILS_PER_CALLER", "1000000/s".to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).to_vec();
    processes.place(data, &folder::binaries(false)?, settings, "worker".len());
    processes.run_once("migrate", "api migrate").await?;
    let staff = create_staff(&folder::binaries(false)?, &addresses.database_url)?;
    processes.start("api", "api serve")?;
    processes.start("worker", "worker run")?;

    let trying = async {
        readiness::wait_for(&addresses).await?;
        let mut accounts = demo::load(&addresses).await?;
        accounts.push(staff);
        let tokens = Tokens::take(&addresses, &accounts).await?;
        let status = tokens
            .give_to(tokio::process::Command::new(program).kill_on_drop(true))
            .arg("--config-file")
            .arg(root.join("tests/contract/schemathesis.toml"))
            .args(["run", "--checks", "all", "--warnings", "off", "--no-color"])
            .arg(format!("{}/openapi.json", addresses.api))
            .current_dir(data)
            .status()
            .await
            .context("cannot start schemathesis")?;
        ensure!(status.success(), "the API and its OpenAPI document do not agree");
        // Otherwise most of it was tried as nobody.
        tokens.still_work(&addresses).await
    };
    tokio::select! {
        ended = processes.first_end() => Err(ended),
        tried = trying => tried,
    }
}

/// Gives somebody of the operator an account, as operators do.
fn create_staff(binaries: &Path, database_url: &str) -> anyhow::Result<DemoAccount> {
    let email = "staff@example.com";
    let created = Command::new(binaries.join("api"))
        .args(["create-staff", "--email", email, "--first-name", "Олег", "--last-name", "Котов"])
        .env("DATABASE_URL", database_url)
        .output()
        .context("cannot start api")?;
    let printed = String::from_utf8_lossy(&created.stdout);
    let password = printed.lines().find_map(|line| line.strip_prefix("password: "));
    let password = password.context("api create-staff printed no password")?.to_owned();
    Ok(DemoAccount { role: "staff".to_owned(), email: email.to_owned(), password })
}

/// The roles, and under which name schemathesis finds the token of each.
const ROLES: [(&str, &str); 3] =
    [("buyer", "BUYER_TOKEN"), ("supplier", "SUPPLIER_TOKEN"), ("staff", "STAFF_TOKEN")];

/// Somebody of each role, signed in.
struct Tokens(Vec<(&'static str, String)>);

impl Tokens {
    async fn take(addresses: &Addresses, accounts: &[DemoAccount]) -> anyhow::Result<Self> {
        let mut tokens = Vec::new();
        for (role, variable) in ROLES {
            let account = accounts.iter().find(|account| account.role == role);
            let account = account.with_context(|| format!("nobody is a {role}"))?;
            let login = json!({ "email": account.email, "password": account.password });
            let url = format!("{}/api/v1/auth/login", addresses.api);
            let answer = Client::new().post(url).json(&login).send().await?.error_for_status()?;
            let answer: Value = answer.json().await?;
            let token = answer["access_token"].as_str().context("signing in answered without a token")?;
            tokens.push((variable, token.to_owned()));
        }
        Ok(Self(tokens))
    }

    fn give_to<'a>(&self, command: &'a mut tokio::process::Command) -> &'a mut tokio::process::Command {
        command.envs(self.0.iter().map(|(variable, token)| (variable, token)))
    }

    async fn still_work(&self, addresses: &Addresses) -> anyhow::Result<()> {
        for (variable, token) in &self.0 {
            let url = format!("{}/api/v1/me", addresses.api);
            let answer = Client::new().get(url).bearer_auth(token).send().await?;
            ensure!(
                answer.status().is_success(),
                "{variable} was good no more at the end: {}",
                answer.status()
            );
        }
        Ok(())
    }
}

/// An address where nothing listens at this moment.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok(listener.local_addr()?)
}

/// The program: the one that is set, the one of an earlier run, or a new one from PyPI.
fn schemathesis(python: &Path) -> anyhow::Result<PathBuf> {
    if let Some(set) = env::var_os(SETTING).filter(|set| !set.is_empty()) {
        return Ok(set.into());
    }
    let (program, installed) = (python.join("bin/schemathesis"), python.join("installed"));
    if fs::read_to_string(&installed).is_ok_and(|version| version == SCHEMATHESIS) && program.is_file() {
        return Ok(program);
    }
    output::say(&format!("Installing {SCHEMATHESIS} into {} …", python.display()));
    do_quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(python))?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--timeout",
        "20",
        "--retries",
        "1",
    ];
    do_quietly(Command::new(python.join("bin/python")).args(pip).arg(SCHEMATHESIS))?;
    fs::write(&installed, SCHEMATHESIS).with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(program)
}

fn do_quietly(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let done = command.output().with_context(|| format!("cannot start {}", program.display()))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("{} failed: {}", program.display(), said.trim().lines().last().unwrap_or("without a word"));
    }
    Ok(())
}
