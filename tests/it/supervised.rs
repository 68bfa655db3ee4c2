//! What a supervisor such as systemd is told of the processes.

use std::{fs, os::unix::net::UnixDatagram, path::PathBuf, time::Duration};

use uuid::Uuid;

use crate::support::{Speaking, TestDatabase, program};

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whoever started a process and listens to it.
struct Supervisor {
    path: PathBuf,
    socket: UnixDatagram,
}

impl Supervisor {
    fn new() -> Self {
        let name = format!("pn-{}", &Uuid::now_v7().simple().to_string()[16..]);
        let path = std::env::temp_dir().join(name);
        let socket = UnixDatagram::bind(&path).expect("a socket");
        Self { path, socket }
    }

    /// What is said next, within this time.
    fn hears_within(&self, time: Duration) -> Option<String> {
        let mut bytes = [0; 256];
        self.socket.set_read_timeout(Some(time)).expect("a deadline");
        let length = self.socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    /// Waits for a word; what comes before it is `WATCHDOG=1`.
    async fn hears(&self, word: &str) {
        loop {
            let heard = tokio::task::block_in_place(|| self.hears_within(PATIENCE));
            match heard.as_deref() {
                Some(heard) if heard == word => return,
                Some("WATCHDOG=1") => {}
                other => panic!("{word} was expected, found {other:?}"),
            }
        }
    }

    /// Whether it goes on being told that the process lives.
    fn is_told(&self) -> bool {
        while self.hears_within(Duration::from_millis(1)).is_some() {}
        self.hears_within(Duration::from_secs(2)).is_some()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.path);
    }
}

async fn settings(database: &TestDatabase, supervisor: &Supervisor) -> Vec<(&'static str, String)> {
    vec![
        ("DATABASE_URL", database.settings(4).await.url),
        ("TOKEN_SECRET", "kS0zq8mYxV1nT4rWc7bJdLhPgF9uE2iA".to_owned()),
        ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
        ("SMTP_URL", "smtp://127.0.0.1:9".to_owned()),
        ("MAIL_FROM", "Postavka <orders@postavka.test>".to_owned()),
        ("WORKER_LEASE_SECONDS", "2".to_owned()),
        ("WORKER_HEARTBEAT_SECONDS", "1".to_owned()),
        ("NOTIFY_SOCKET", supervisor.path.display().to_string()),
        ("WATCHDOG_USEC", "300000".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_programs_say_that_they_are_ready_live_and_stop() {
    let database = TestDatabase::create().await;
    for (name, command) in [("api", "serve"), ("worker", "run")] {
        let supervisor = Supervisor::new();
        let settings = settings(&database, &supervisor).await;
        let speaking = Speaking::start(program(name).await.arg(command).envs(settings));
        supervisor.hears("READY=1").await;
        supervisor.hears("WATCHDOG=1").await;
        let stopping = tokio::spawn(speaking.stop());
        supervisor.hears("STOPPING=1").await;
        stopping.await.unwrap();
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_cannot_keep_its_lease_does_not_say_that_it_lives() {
    let database = TestDatabase::create().await;
    let supervisor = Supervisor::new();
    let settings = settings(&database, &supervisor).await;
    let worker = Speaking::start(program("worker").await.arg("run").envs(settings));
    supervisor.hears("READY=1").await;
    assert!(tokio::task::block_in_place(|| supervisor.is_told()));
    let pool = sqlx::PgPool::connect(&database.settings(1).await.url).await.unwrap();
    // Nobody renews a lease whose row somebody else holds.
    let mut holding = pool.begin().await.unwrap();
    sqlx::query("select from workers for update").execute(&mut *holding).await.unwrap();
    let has_ended = "select bool_and(lease_until < clock_timestamp()) from workers";
    while !sqlx::query_scalar::<_, bool>(has_ended).fetch_one(&mut *holding).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A moment for what the process itself has not seen yet.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!tokio::task::block_in_place(|| supervisor.is_told()), "{}", worker.said());
    holding.rollback().await.unwrap();
    supervisor.hears("WATCHDOG=1").await;
    pool.close().await;
    worker.stop().await;
    database.drop().await;
}
