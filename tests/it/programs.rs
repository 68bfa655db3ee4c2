//! The programs as they are started: by hand, with what stands in the environment and in `.env`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use serde_json::Value;
use tokio::process::Command;
use uuid::Uuid;

use crate::support::{TestDatabase, program};

/// A folder of its own, with a `.env`.
struct Folder(PathBuf);

impl Folder {
    fn with_env(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("postavka-programs-{}", Uuid::now_v7()));
        fs::create_dir(&path).expect("a folder");
        fs::write(path.join(".env"), text).expect("a file");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

async fn run(name: &'static str, arguments: &[&str], dir: &Path) -> Output {
    let mut program = program(name).await;
    program.args(arguments).current_dir(dir).output().await.expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_line_of_the_settings_file_that_cannot_be_read_is_named_and_not_quoted() {
    let folder = Folder::with_env(
        "CURRENCY=RUB\nMAIL_FROM=Postavka <orders@example.com>\nDATABASE_URL=postgres:///x\n",
    );
    for (name, arguments) in [("api", ["migrate"]), ("worker", ["check"])] {
        let ended = run(name, &arguments, &folder.0).await;
        assert!(!ended.status.success());
        let said = said(&ended);
        assert!(said.contains(".env, line 2") && said.contains("quotes"), "{said}");
        assert!(!said.contains("orders@example.com"), "{said}");
    }
}

#[tokio::test]
async fn the_settings_file_is_read_also_from_a_folder_below() {
    let folder = Folder::with_env("# where\nDATABASE_URL=\"nowhere at all\"\n");
    let below = folder.0.join("below");
    fs::create_dir(&below).unwrap();
    let ended = run("api", &["migrate"], &below).await;
    assert!(!ended.status.success());
    let said = said(&ended);
    assert!(said.contains("DATABASE_URL: ") && !said.contains("is not set"), "{said}");
}

#[tokio::test]
async fn a_value_that_would_be_taken_for_a_variable_is_refused() {
    let folder = Folder::with_env("DATABASE_URL=postgres://shop:pa$word@db/x\n");
    let said = said(&run("api", &["migrate"], &folder.0).await);
    assert!(said.contains(".env, line 1: expected single quotes") && !said.contains("word@"), "{said}");
}

#[tokio::test]
async fn a_bad_start_lists_whatever_is_wrong_by_its_setting() {
    for (name, command, own) in [
        ("api", "serve", ["TOKEN_SECRET", "CATALOG_CACHE_MIB", "STOP_DELAY_SECONDS", "LISTEN_ADDR"]),
        ("worker", "run", ["SMTP_URL", "WORKER_LEASE_SECONDS", "KEEP_MESSAGES", "METRICS_ADDR"]),
    ] {
        let common = [
            "LOG_FORMAT",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "DATABASE_URL",
            "REQUIRE_APPROVAL",
            "INVOICE_DUE_DAYS",
        ];
        let mut program = program(name).await;
        for setting in common.into_iter().chain(own) {
            program.env(setting, "x");
        }
        let ended = program.arg(command).env("MAIL_FROM", "orders@example.com").output().await.unwrap();
        assert_eq!(ended.status.code(), Some(1));
        let said = said(&ended);
        for setting in common.into_iter().chain(own) {
            let listed = |line: &str| line.trim().starts_with(setting);
            assert!(said.lines().any(listed), "{setting} is missing in {said}");
        }
    }
}

#[tokio::test]
async fn a_reader_that_has_enough_ends_a_program_without_a_word() {
    for (name, arguments) in [
        ("api", ["openapi"].as_slice()),
        ("api", &["completions", "bash"]),
        ("api", &["doctor"]),
        ("worker", &["completions", "bash"]),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        // `output` would put a pipe of its own in the place of this one.
        let running =
            program(name).await.args(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let ended = running.wait_with_output().await.unwrap();
        assert_eq!((ended.status.code(), said(&ended).as_str()), (Some(141), ""), "{name} {arguments:?}");
    }
}

#[tokio::test]
async fn what_to_log_is_said_before_or_behind_the_command() {
    for arguments in [["--log-format=xml", "migrate"], ["migrate", "--log-format=xml"]] {
        let said = said(&run("api", &arguments, Path::new("/")).await);
        assert!(said.contains("LOG_FORMAT: expected text or json"), "{said}");
    }
}

#[tokio::test]
async fn a_worker_over_a_database_without_its_schema_says_what_to_do() {
    let database = TestDatabase::empty("UTF8", "C.UTF-8").await;
    let mut worker = program("worker").await;
    worker.arg("run").env("DATABASE_URL", database.settings(1).await.url);
    worker.env("SMTP_URL", "smtp://127.0.0.1:9").env("MAIL_FROM", "orders@example.com");
    let ended = worker.output().await.unwrap();
    assert!(!ended.status.success());
    let said = said(&ended);
    assert!(said.contains("run `api migrate`") && !said.contains("away"), "{said}");
    database.drop().await;
}

#[tokio::test]
async fn a_program_opens_more_files_than_its_shell_would_let_it() {
    let doctor = program("api").await;
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -Sn 256 && exec \"$0\" doctor --json"]).arg(doctor.as_std().get_program());
    let ended = shell.env_clear().current_dir("/").output().await.unwrap();
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["check"] == "descriptors").unwrap();
    assert!(!found["found"].as_str().unwrap().starts_with("256 "), "{found}");
}
