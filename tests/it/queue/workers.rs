//! A database with the tables that the jobs write to, and workers that take them.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use common::{
    clock::Clock,
    config::DatabaseSettings,
    db::Db,
    ids::JobId,
    janitor::Retention,
    mail::Templates,
    queue::{self, Enqueued, Job, lease::LeaseSettings},
    supervisor::Supervisor,
};
use sqlx::PgPool;
use tokio::{sync::oneshot, task::JoinHandle, time};
use uuid::Uuid;
use worker::{
    deps::Deps,
    imports::fetching::Fetcher,
    mail::Mailer,
    registry::Registry,
    run::{self, RunSettings},
};

use super::jobs::{Stage, registry};
use crate::support::{TestDatabase, trade};

/// How long anything may take that a test waits for.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A lease that only ends when a test says so.
pub(super) const LONG_LEASE: LeaseSettings =
    LeaseSettings { lease: Duration::from_secs(600), heartbeat: Duration::from_millis(100) };

/// Waits until it is so.
pub(super) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !so().await {
        assert!(since.elapsed() < PATIENCE, "it did not come true: {what}");
        time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for something that must end.
pub(super) async fn ends<T>(what: &str, future: impl Future<Output = T>) -> T {
    time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} does not end"))
}

/// A database of a test's own.
pub(super) struct Queue {
    database: Option<TestDatabase>,
    settings: DatabaseSettings,
    pub(super) db: Db,
}

/// A job as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct JobRow {
    pub(super) state: String,
    pub(super) attempts: i16,
    pub(super) lock_by: Option<String>,
    pub(super) last_error: Option<String>,
    pub(super) waits: bool,
}

impl Queue {
    pub(super) async fn create() -> Self {
        let database = TestDatabase::create().await;
        let settings = database.settings(10).await;
        Self { database: Some(database), ..Self::at(settings).await }
    }

    /// The same in a migrated database of any cluster.
    pub(super) async fn at(settings: DatabaseSettings) -> Self {
        let db = Db::new(&settings).expect("the URL of the cluster");
        sqlx::raw_sql(
            "create table effects (stage uuid not null, job_id uuid not null);
             create table deaths (stage uuid not null, error text not null)",
        )
        .execute(db.pool())
        .await
        .expect("the tables of the jobs");
        Self { database: None, settings, db }
    }

    pub(super) fn url(&self) -> &str {
        &self.settings.url
    }

    pub(super) fn pool(&self) -> &PgPool {
        self.db.pool()
    }

    /// Enqueues a job and commits.
    pub(super) async fn enqueue<J: Job>(&self, job: &J) -> JobId {
        let mut tx = self.db.begin().await.expect("a transaction");
        let enqueued = queue::enqueue(&mut tx, job).await.expect("a job");
        tx.commit().await.expect("a commit");
        match enqueued {
            Enqueued::Inserted(id) => id,
            Enqueued::Duplicate => panic!("the key is taken"),
        }
    }

    pub(super) async fn enqueue_all<J: Job>(&self, jobs: &[J]) -> Vec<JobId> {
        let mut tx = self.db.begin().await.expect("a transaction");
        let ids = queue::enqueue_all(&mut tx, jobs).await.expect("jobs");
        tx.commit().await.expect("a commit");
        ids
    }

    /// A worker with this many slots in each queue, and a lease that does not end.
    pub(super) async fn start(&self, slots: usize) -> Worker {
        self.start_with(slots, |_| {}).await
    }

    pub(super) async fn start_with(&self, slots: usize, change: impl FnOnce(&mut Start)) -> Worker {
        let queues = ["mail", "imports"].map(|queue| (queue.to_owned(), slots));
        let mut start = Start {
            run: RunSettings {
                queues: BTreeMap::from(queues),
                grace: Duration::from_secs(30),
                lease: LONG_LEASE,
                schedules: Vec::new(),
                supervisor: Supervisor::default(),
            },
            connections: 10,
            clock: Clock::system(),
            registry: registry(),
            url: self.settings.url.clone(),
        };
        change(&mut start);
        let settings = DatabaseSettings { max_connections: start.connections, url: start.url };
        let db = Db::new(&settings).expect("the URL of the cluster");
        let before = self.workers().await;
        let deps = Arc::new(Deps {
            db: db.clone(),
            clock: start.clock,
            trade: trade(),
            templates: Templates::load().expect("the templates"),
            mailer: Mailer::new("smtp://127.0.0.1:9", "Postavka <orders@postavka.test>").expect("a mailer"),
            fetcher: Fetcher::default(),
            cards: None,
            retention: Retention::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let stopped = async move { _ = stopped.await };
        let ended = tokio::spawn(run::run(db, Arc::new(start.registry), deps, start.run, stopped));
        let mut name = None;
        until("the worker registers", async || {
            assert!(!ended.is_finished(), "the worker did not start");
            name = self.workers().await.into_iter().find(|name| !before.contains(name));
            name.is_some()
        })
        .await;
        Worker { name: name.expect("its name"), stop: Some(stop), ended }
    }

    /// The names of the workers that are registered.
    pub(super) async fn workers(&self) -> Vec<String> {
        sqlx::query_scalar("select name from workers").fetch_all(self.pool()).await.expect("the workers")
    }

    pub(super) async fn job(&self, id: JobId) -> JobRow {
        sqlx::query_as(
            "select state, attempts, lock_by, last_error, run_at > now() as waits from jobs where id = $1",
        )
        .bind(id.0)
        .fetch_one(self.pool())
        .await
        .expect("the job")
    }

    pub(super) async fn wait_for_state(&self, id: JobId, state: &str) -> JobRow {
        let since = Instant::now();
        loop {
            let job = self.job(id).await;
            if job.state == state {
                return job;
            }
            assert!(since.elapsed() < PATIENCE, "the job is not {state}: {job:?}");
            time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many jobs are in this state.
    pub(super) async fn count(&self, state: &str) -> i64 {
        sqlx::query_scalar("select count(*) from jobs where state = $1")
            .bind(state)
            .fetch_one(self.pool())
            .await
            .expect("the jobs")
    }

    /// Waits until every job is done or dead; what waits for another attempt is made due.
    pub(super) async fn drain(&self) {
        until("every job is done or dead", async || {
            self.execute("update jobs set run_at = now() where state = 'ready' and run_at > now()").await;
            // Counted together: one that fails between two counts would be in neither.
            let left = "select count(*) from jobs where state in ('ready', 'running')";
            sqlx::query_scalar::<_, i64>(left).fetch_one(self.pool()).await.expect("the jobs") == 0
        })
        .await;
    }

    /// How many effects a stage's jobs had.
    pub(super) async fn effects(&self, stage: &Stage) -> i64 {
        sqlx::query_scalar("select count(*) from effects where stage = $1")
            .bind(stage.id)
            .fetch_one(self.pool())
            .await
            .expect("the effects")
    }

    /// What a stage's jobs died of.
    pub(super) async fn deaths(&self, stage: &Stage) -> Vec<String> {
        sqlx::query_scalar("select error from deaths where stage = $1")
            .bind(stage.id)
            .fetch_all(self.pool())
            .await
            .expect("the deaths")
    }

    pub(super) async fn execute(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(self.pool()).await.expect("the statement");
    }

    /// Makes a job one that another worker claimed, whose lease goes on for so many seconds.
    pub(super) async fn give_to(&self, worker: &str, lease_s: i32, id: JobId, attempt: i16) {
        let mut tx = self.db.begin().await.expect("a transaction");
        sqlx::query(
            "insert into workers (name, queues, lease_until) \
             values ($1, '{}', now() + make_interval(secs => $2)) on conflict do nothing",
        )
        .bind(worker)
        .bind(f64::from(lease_s))
        .execute(&mut *tx)
        .await
        .expect("a worker");
        sqlx::query("update jobs set state = 'running', lock_by = $1, attempts = $3 where id = $2")
            .bind(worker)
            .bind(id.0)
            .bind(attempt)
            .execute(&mut *tx)
            .await
            .expect("a claim");
        tx.commit().await.expect("a commit");
    }

    /// Ends the lease of a worker that is none of ours.
    pub(super) async fn expire(&self, worker: &str) {
        sqlx::query("update workers set lease_until = now() - interval '1 second' where name = $1")
            .bind(worker)
            .execute(self.pool())
            .await
            .expect("a lease that ended");
    }

    /// Ends the test.
    pub(super) async fn finish(self) {
        self.db.pool().close().await;
        if let Some(database) = self.database {
            database.drop().await;
        }
    }
}

/// How to start a worker.
pub(super) struct Start {
    pub(super) run: RunSettings,
    pub(super) connections: u32,
    /// What its machine takes the time to be.
    pub(super) clock: Clock,
    pub(super) registry: Registry,
    /// How it reaches the database.
    pub(super) url: String,
}

/// A worker that runs.
pub(super) struct Worker {
    pub(super) name: String,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<anyhow::Result<()>>,
}

impl Worker {
    /// Tells it to stop.
    pub(super) fn ask_to_stop(&mut self) {
        _ = self.stop.take().expect("it was not stopped yet").send(());
    }

    /// Waits for its end.
    pub(super) async fn ended(self) -> anyhow::Result<()> {
        ends("the worker", self.ended).await.expect("it did not panic")
    }

    /// Stops it, and waits for its end.
    pub(super) async fn stop(mut self) {
        self.ask_to_stop();
        self.ended().await.expect("it stops without an error");
    }

    /// Ends it as a kill would: nothing is handed back, and its lease stays.
    pub(super) async fn kill(self) {
        self.ended.abort();
        _ = self.ended.await;
    }
}

/// A key that no other test uses.
pub(super) fn some_key() -> Option<String> {
    Some(Uuid::now_v7().to_string())
}
