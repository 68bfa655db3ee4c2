//! Worker processes whose jobs tell over the database what they do: for tests that stop and start whole processes.
//!
//! Such a process is this program, started anew for the one "test" at the end.

use std::{collections::BTreeMap, env, process::Stdio, sync::Arc, time::Duration};

use common::{
    clock::Clock,
    config::DatabaseSettings,
    db::Db,
    janitor::Retention,
    mail::Templates,
    queue::{Failure, Job, Outcome, QueueName, Run, lease::LeaseSettings},
    shutdown,
    supervisor::Supervisor,
};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::{
    process::{Child, Command},
    time,
};
use uuid::Uuid;
use worker::{
    deps::Deps,
    imports::fetching::Fetcher,
    mail::Mailer,
    registry::{Perform, Registry},
    run::{self, RunSettings},
};

use super::workers::Queue;
use crate::support::trade;

/// What a process is told by its environment.
const DATABASE: &str = "ERRANDS_DATABASE";

/// How long a process may be silent, and how often it speaks.
pub(super) const LEASE: LeaseSettings =
    LeaseSettings { lease: Duration::from_secs(5), heartbeat: Duration::from_millis(500) };

/// A job that has its effect when it is let, and tries so even after its attempt was ended: as a thread would that
/// nobody can stop.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Errand {
    pub(super) stage: Uuid,
}

impl Job for Errand {
    const KIND: &'static str = "errand";
    const QUEUE: QueueName = QueueName::MAIL;
    const MAX_ATTEMPTS: u16 = 5;
    const TIMEOUT: Duration = Duration::from_secs(60);
}

impl Perform for Errand {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let (errand, run, db) = (*self, run.clone(), deps.db.clone());
        let doing = tokio::spawn(async move {
            errand.tell(&run, &db, "begins").await?;
            // A process that was frozen may find a connection, or the wait for one, at its end: it tries on.
            while !errand.is_let(&run, &db).await.unwrap_or(false) {
                time::sleep(Duration::from_millis(5)).await;
            }
            let outcome = loop {
                match errand.effect(&run, &db).await {
                    Err(Failure::Retry(_)) => time::sleep(Duration::from_millis(5)).await,
                    outcome => break outcome,
                }
            };
            let said = outcome.as_ref().map_or_else(ToString::to_string, |done| format!("{done:?}"));
            errand.tell(&run, &db, &said).await?;
            outcome
        });
        doing.await.map_err(|error| Failure::Retry(error.into()))?
    }
}

impl Errand {
    async fn tell(&self, run: &Run, db: &Db, what: &str) -> Result<(), sqlx::Error> {
        sqlx::query("insert into told (stage, attempt, process, what) values ($1, $2, $3, $4)")
            .bind(self.stage)
            .bind(i32::from(run.attempt))
            .bind(i64::from(std::process::id()))
            .bind(what)
            .execute(db.pool())
            .await?;
        Ok(())
    }

    async fn is_let(&self, run: &Run, db: &Db) -> Result<bool, sqlx::Error> {
        let statement = "select exists (select from curtains where stage = $1 and attempt = $2)";
        sqlx::query_scalar(statement).bind(self.stage).bind(i32::from(run.attempt)).fetch_one(db.pool()).await
    }

    async fn effect(&self, run: &Run, db: &Db) -> Outcome {
        let mut tx = db.begin().await?;
        sqlx::query("insert into effects (stage, job_id) values ($1, $2)")
            .bind(self.stage)
            .bind(run.job_id.0)
            .execute(&mut *tx)
            .await?;
        run.finish(tx).await
    }
}

impl Queue {
    /// The tables by which errands speak.
    pub(super) async fn prepare_errands(&self) {
        self.execute(
            "create table told (stage uuid, attempt integer, process bigint, what text);
             create table curtains (stage uuid, attempt integer)",
        )
        .await;
    }

    /// Lets attempts with these numbers have their effect.
    pub(super) async fn let_errand(&self, errand: Errand, attempts: impl IntoIterator<Item = i32>) {
        for attempt in attempts {
            sqlx::query("insert into curtains (stage, attempt) values ($1, $2)")
                .bind(errand.stage)
                .bind(attempt)
                .execute(self.pool())
                .await
                .unwrap();
        }
    }

    /// What a process has told of an errand.
    pub(super) async fn told(&self, errand: Errand, process: &Process) -> Vec<(i32, String)> {
        sqlx::query_as(
            "select attempt, what from told where stage = $1 and process = $2 order by attempt, what",
        )
        .bind(errand.stage)
        .bind(i64::from(process.id()))
        .fetch_all(self.pool())
        .await
        .unwrap()
    }

    /// How many effects an errand had.
    pub(super) async fn effects_of(&self, errand: Errand) -> i64 {
        sqlx::query_scalar("select count(*) from effects where stage = $1")
            .bind(errand.stage)
            .fetch_one(self.pool())
            .await
            .unwrap()
    }
}

/// A worker process; it ends with this.
pub(super) struct Process(Child);

impl Process {
    pub(super) fn start(queue: &Queue) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "queue::errands::worker_process", "--ignored", "--quiet"])
            .env(DATABASE, queue.url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        Self(child.unwrap())
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id().unwrap()
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Asks it to stop, and waits until it has; whether it ended well.
    pub(super) async fn stop(mut self) -> bool {
        self.signal(Signal::TERM);
        super::workers::ends("the process", self.0.wait()).await.unwrap().success()
    }
}

/// Not a test: what [`Process`] runs. Started by itself it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of others"]
async fn worker_process() {
    let Ok(url) = env::var(DATABASE) else { return };
    let db = Db::new(&DatabaseSettings { url, max_connections: 10 }).unwrap();
    let registry = Registry::new(Clock::system(), trade()).with::<Errand>();
    let deps = Deps {
        db: db.clone(),
        clock: Clock::system(),
        trade: trade(),
        templates: Templates::load().unwrap(),
        mailer: Mailer::new("smtp://127.0.0.1:9", "Postavka <orders@postavka.test>").unwrap(),
        fetcher: Fetcher::default(),
        cards: None,
        retention: Retention::default(),
    };
    let settings = RunSettings {
        queues: BTreeMap::from([("mail".to_owned(), 4)]),
        grace: Duration::from_secs(10),
        lease: LEASE,
        schedules: Vec::new(),
        supervisor: Supervisor::default(),
    };
    run::run(db, Arc::new(registry), Arc::new(deps), settings, shutdown::requested()).await.unwrap();
}
