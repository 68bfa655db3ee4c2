//! Worker processes for the faults: this program, started anew, with jobs that exist only here.

use std::{
    collections::BTreeMap,
    env,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use common::{
    clock::Clock,
    config::DatabaseSettings,
    db::Db,
    janitor::Retention,
    mail::Templates,
    queue::{Failure, Finished, Job, Outcome, QueueName, Run, lease::LeaseSettings},
    shutdown,
    supervisor::Supervisor,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::{
    process::{Child, Command},
    time,
};
use worker::{
    deps::Deps,
    imports::fetching::Fetcher,
    mail::Mailer,
    registry::{Perform, Registry},
    run::{self, RunSettings},
};

use crate::support::trade;

/// What a worker process is told by its environment.
const DATABASE: &str = "FAULTS_WORKER_DATABASE";
const GRACE: &str = "FAULTS_WORKER_GRACE_SECONDS";

/// How long a worker may be silent, and how often it speaks.
pub const LEASE: LeaseSettings =
    LeaseSettings { lease: Duration::from_secs(2), heartbeat: Duration::from_millis(500) };

/// Jobs at once in a process.
const SLOTS: usize = 8;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// It takes so many milliseconds, and leaves a row in `effects`.
    Effect(u16),
    /// It takes so many milliseconds, and leaves nothing.
    Nothing(u16),
    /// It ends its whole process.
    Abort,
}

/// A job of the faults.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Deed {
    /// What it does.
    pub act: Act,
    /// Which one.
    pub number: u32,
}

impl Job for Deed {
    const KIND: &'static str = "deed";
    const QUEUE: QueueName = QueueName::MAIL;
    // More than there are kills: only what it does itself ends a job.
    const MAX_ATTEMPTS: u16 = 1_000;
    const TIMEOUT: Duration = Duration::from_secs(60);
}

impl Perform for Deed {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        match self.act {
            Act::Effect(millis) => {
                time::sleep(Duration::from_millis(millis.into())).await;
                let mut tx = deps.db.begin().await?;
                sqlx::query("insert into effects (number) values ($1)")
                    .bind(i64::from(self.number))
                    .execute(&mut *tx)
                    .await?;
                run.finish(tx).await
            }
            Act::Nothing(millis) => {
                time::sleep(Duration::from_millis(millis.into())).await;
                Ok(Finished::Unmarked)
            }
            Act::Abort => Err(Failure::GiveUp(anyhow!("only `Fatal` aborts"))),
        }
    }
}

/// A job that ends its process each time, at the third attempt for good.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Fatal;

impl Job for Fatal {
    const KIND: &'static str = "fatal";
    const QUEUE: QueueName = QueueName::MAIL;
    const MAX_ATTEMPTS: u16 = 3;
    const TIMEOUT: Duration = Duration::from_secs(60);
}

impl Perform for Fatal {
    async fn perform(&self, _: &Run, _: &Deps) -> Outcome {
        std::process::abort()
    }
}

/// The tables that the jobs write to.
pub async fn prepare(pool: &PgPool) {
    sqlx::raw_sql("create table effects (number bigint not null)").execute(pool).await.expect("a table");
}

/// A worker process; it ends with this.
pub struct WorkerProcess(Child);

impl WorkerProcess {
    /// Starts one over a database.
    pub fn start(database_url: &str, grace: Duration) -> Self {
        let child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "process::worker_process", "--ignored", "--nocapture", "--quiet"])
            .env(DATABASE, database_url)
            .env(GRACE, grace.as_secs().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        Self(child.expect("this program starts once more"))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id().expect("it runs")
    }

    /// Ends it without a word.
    pub async fn kill(mut self) {
        self.0.kill().await.expect("it is killed");
    }

    /// Asks it to stop; returns how long that took, and whether it ended well.
    pub async fn stop(mut self) -> (Duration, bool) {
        let since = Instant::now();
        signal(self.id(), rustix::process::Signal::TERM);
        let status = self.0.wait().await.expect("it ends");
        (since.elapsed(), status.success())
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }
}

/// Signals a process.
pub fn signal(id: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    // One that is gone has nothing to hear.
    _ = rustix::process::kill_process(pid, signal);
}

/// Not a test: what [`WorkerProcess`] runs. Started by itself it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of others"]
async fn worker_process() {
    let Ok(url) = env::var(DATABASE) else { return };
    let grace = env::var(GRACE).ok().and_then(|seconds| seconds.parse().ok()).expect("a grace");
    let db = Db::new(&DatabaseSettings { url, max_connections: 10 }).expect("a URL");
    let registry = Registry::new(Clock::system(), trade()).with::<Deed>().with::<Fatal>();
    let deps = Deps {
        db: db.clone(),
        clock: Clock::system(),
        trade: trade(),
        templates: Templates::load().expect("the templates"),
        mailer: Mailer::new("smtp://127.0.0.1:9", "Postavka <orders@postavka.test>").expect("a mailer"),
        fetcher: Fetcher::default(),
        cards: None,
        retention: Retention::default(),
    };
    let settings = RunSettings {
        queues: BTreeMap::from([("mail".to_owned(), SLOTS)]),
        grace: Duration::from_secs(grace),
        lease: LEASE,
        schedules: Vec::new(),
        supervisor: Supervisor::default(),
    };
    run::run(db, Arc::new(registry), Arc::new(deps), settings, shutdown::requested())
        .await
        .expect("it stops");
}
