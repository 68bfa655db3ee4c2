//! `api doctor` on installations that are well, and on some that are not.

use std::collections::BTreeMap;

use api::doctor::{self, DoctorArgs};
use clap::Parser;
use common::{
    config::Problems,
    doctor::{Level, Report},
};
use serde_json::Value;

use crate::support::{TestApp, TestDatabase};

/// A secret of nobody.
const SECRET: &str = "kS0zq8mYxV1nT4rWc7bJdLhPgF9uE2iA";

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: DoctorArgs,
}

fn args(settings: &[(&str, &str)]) -> DoctorArgs {
    let usual =
        [("--token-secret", SECRET), ("--public-url", "https://orders.example.com"), ("--smtp-url", "")];
    let mut all: BTreeMap<&str, &str> = usual.into();
    all.extend(settings.iter().copied());
    let words = all.into_iter().map(|(flag, value)| format!("{flag}={value}"));
    Cli::parse_from(std::iter::once("api".to_owned()).chain(words)).args
}

fn level(report: &Report, check: &str) -> Option<Level> {
    report.checks.iter().find(|finding| finding.check == check).map(|finding| finding.level)
}

#[tokio::test]
async fn a_sound_installation_is_said_to_be_sound() {
    let app = TestApp::start().await;
    let (url, smtp) = (app.database_url().await, format!("smtp://{}", app.catcher().smtp_addr()));
    let args = args(&[("--database-url", &url), ("--smtp-url", &smtp)]);
    let report = doctor::examine(args.clone(), Problems::default()).await;
    for check in [
        "settings",
        "TOKEN_SECRET",
        "PUBLIC_URL",
        "version",
        "encoding",
        "extensions",
        "migrations",
        "connections",
        "clock",
        "SMTP_URL",
    ] {
        assert_eq!(level(&report, check), Some(Level::Ok), "{check}: {report}");
    }
    // The cluster of the tests is quick, and forgets.
    assert_eq!(level(&report, "durability"), Some(Level::Warn), "{report}");
    assert!(report.is_sound(), "{report}");

    let mut printed = Vec::new();
    doctor::run(DoctorArgs { json: true, ..args }, Problems::default(), &mut printed).await.unwrap();
    let printed: Value = serde_json::from_slice(&printed).unwrap();
    assert!(
        printed["checks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|check| check["check"] == "migrations" && check["level"] == "ok")
    );
    app.finish().await;
}

#[tokio::test]
async fn a_database_without_its_schema_wants_to_be_migrated() {
    let database = TestDatabase::empty("UTF8", "C.UTF-8").await;
    let url = database.settings(1).await.url;
    let report = doctor::examine(args(&[("--database-url", &url)]), Problems::default()).await;
    assert_eq!(level(&report, "migrations"), Some(Level::Fail), "{report}");
    let finding = report.checks.iter().find(|finding| finding.check == "migrations").unwrap();
    assert_eq!(finding.remedy.as_deref(), Some("run `api migrate`"));
    let mut printed = Vec::new();
    assert!(doctor::run(args(&[("--database-url", &url)]), Problems::default(), &mut printed).await.is_err());
    assert!(String::from_utf8(printed).unwrap().contains("FAIL  migrations"));
    database.drop().await;
}

#[tokio::test]
async fn a_database_of_another_build_is_recognised() {
    let app = TestApp::start().await;
    app.worker_has_started().await;
    let url = app.database_url().await;
    for (change, expected) in [
        (
            "insert into _sqlx_migrations select 9999, description, installed_on, success, checksum, execution_time from _sqlx_migrations where version = 1",
            Level::Warn,
        ),
        ("update _sqlx_migrations set checksum = '\\x00' where version = 2", Level::Fail),
    ] {
        sqlx::query(change).execute(app.pool()).await.unwrap();
        let report = doctor::examine(args(&[("--database-url", &url)]), Problems::default()).await;
        assert_eq!(level(&report, "migrations"), Some(expected), "{report}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_database_that_cannot_hold_cyrillic_is_refused() {
    let database = TestDatabase::empty("SQL_ASCII", "C").await;
    let url = database.settings(1).await.url;
    let report = doctor::examine(args(&[("--database-url", &url)]), Problems::default()).await;
    assert_eq!(level(&report, "encoding"), Some(Level::Fail), "{report}");
    assert!(report.checks.iter().any(|finding| finding.found.contains("SQL_ASCII")), "{report}");
    database.drop().await;
}

#[tokio::test]
async fn a_database_and_a_mail_server_that_are_away_are_named() {
    // Nobody listens on the port for multiplexing, port 1.
    let away = [
        ("--database-url", "postgres://shop:kS0zq8mYxV@127.0.0.1:1/postavka"),
        ("--smtp-url", "smtp://127.0.0.1:1"),
    ];
    let report = doctor::examine(args(&away), Problems::default()).await;
    assert_eq!(level(&report, "database"), Some(Level::Fail), "{report}");
    assert_eq!(level(&report, "SMTP_URL"), Some(Level::Fail), "{report}");
    let text = report.to_string();
    assert!(text.contains("127.0.0.1:1") && !text.contains("kS0zq8mYxV"), "{text}");
    assert!(!report.is_sound());
}

#[tokio::test]
async fn settings_that_are_not_right_do_not_hide_the_rest() {
    let bad = [
        ("--token-secret", "please-change-me-please-change-me!"),
        ("--currency", "roubles"),
        ("--listen-addr", "x"),
    ];
    let report = doctor::examine(args(&bad), Problems::default()).await;
    assert_eq!(level(&report, "settings"), Some(Level::Fail), "{report}");
    assert_eq!(level(&report, "TOKEN_SECRET"), Some(Level::Fail), "{report}");
    assert_eq!(level(&report, "disk").map(|level| level != Level::Fail), Some(true), "{report}");
    let text = report.to_string();
    assert!(
        text.contains("CURRENCY") && text.contains("LISTEN_ADDR") && !text.contains("change-me"),
        "{text}"
    );
    // Once is enough.
    let report = doctor::examine(args(&[("--token-secret", "short")]), Problems::default()).await;
    let settings = report.checks.iter().find(|finding| finding.check == "settings").unwrap();
    assert!(settings.found.contains("DATABASE_URL") && !settings.found.contains("TOKEN_SECRET"), "{report}");
}
