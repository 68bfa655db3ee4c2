//! The programs as they are started: by hand, with what stands in the environment and in `.env`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
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
