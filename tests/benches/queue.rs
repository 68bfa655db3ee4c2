//! The job queue against PostgreSQL doing our own SQL, and against the least that the work needs.
//!
//! `cargo bench -p tests --bench queue`. A table with 1,000,000 finished jobs; jobs that do nothing, with 160 bytes each. The
//! worker is a process of its own (this program once more, which is told so by its environment), with 1,000 slots.

use std::{
    collections::{BTreeMap, HashMap},
    env,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ::time::OffsetDateTime;
use anyhow::{Context, ensure};
use common::{
    clock::Clock,
    config::{DatabaseSettings, TradeSettings},
    db::Db,
    ids::JobId,
    janitor::Retention,
    mail::Templates,
    queue::{self, Enqueued, Finished, Job, Outcome, QueueName, Run, lease::LeaseSettings},
    shutdown,
    supervisor::Supervisor,
};
use local_stack::bench::{Cluster, Report, Round, Runs, Script, pgbench_of, target_dir};
use serde::{Deserialize, Serialize};
use sqlx::{Executor, PgConnection};
use tokio::{sync::oneshot, task::JoinSet, time};
use worker::{
    deps::Deps,
    imports::fetching::Fetcher,
    mail::Mailer,
    registry::{Perform, Registry},
    run::{self, RunSettings},
};

/// What a worker process is told by its environment.
const DATABASE: &str = "BENCH_QUEUE_DATABASE";

const ROUNDS: usize = 3;

/// Each compares two drains of two seconds, which the disk may disturb.
const BACKLOG_ROUNDS: usize = 7;

/// How many jobs one measurement drains, and how many a batch of the limit has.
const JOBS: u32 = 50_000;
const BATCH: u32 = 500;

/// The large backlog.
const BACKLOG: u32 = 1_000_000;

const SLOTS: usize = 1_000;

/// Connections that enqueue, how many single jobs each, and how many thousands.
const ENQUEUERS: u32 = 8;
const SINGLES: u32 = 1_000;
const THOUSANDS: u32 = 20;

/// How long a process may take to do its part.
const PATIENCE: Duration = Duration::from_secs(180);

/// A job that does nothing.
#[derive(Debug, Serialize, Deserialize)]
struct Noop {
    pad: String,
}

impl Noop {
    fn new() -> Self {
        Self { pad: "x".repeat(160) }
    }
}

impl Job for Noop {
    const KIND: &'static str = "noop";
    const QUEUE: QueueName = QueueName::MAIL;
    const MAX_ATTEMPTS: u16 = 5;
    const TIMEOUT: Duration = Duration::from_secs(60);
}

/// When jobs were entered, by this process.
static ENTERED: LazyLock<Mutex<HashMap<JobId, Instant>>> = LazyLock::new(Mutex::default);

/// Whether that is noted: only while it is measured.
static NOTED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

impl Perform for Noop {
    async fn perform(&self, run: &Run, _: &Deps) -> Outcome {
        if NOTED.load(std::sync::atomic::Ordering::Relaxed) {
            ENTERED.lock().unwrap_or_else(PoisonError::into_inner).insert(run.job_id, Instant::now());
        }
        Ok(Finished::Unmarked)
    }
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match env::var(DATABASE) {
        // Signals are heard within a runtime.
        Ok(url) => runtime.block_on(async { work(&url, SLOTS, shutdown::requested()).await }),
        Err(_) => runtime.block_on(bench()),
    }
}

/// Takes jobs until it is told to stop.
async fn work(
    url: &str,
    slots: usize,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let db = Db::new(&settings(url))?;
    let trade = trade()?;
    let deps = Deps {
        db: db.clone(),
        clock: Clock::system(),
        trade: trade.clone(),
        templates: Templates::load()?,
        mailer: Mailer::new("smtp://127.0.0.1:9", "Postavka <orders@postavka.test>")?,
        fetcher: Fetcher::default(),
        cards: None,
        retention: Retention::default(),
    };
    let settings = RunSettings {
        queues: BTreeMap::from([("mail".to_owned(), slots)]),
        grace: Duration::from_secs(10),
        lease: LeaseSettings::default(),
        schedules: Vec::new(),
        supervisor: Supervisor::default(),
    };
    let registry = Registry::new(Clock::system(), trade).with::<Noop>();
    run::run(db, Arc::new(registry), Arc::new(deps), settings, stop).await
}

fn settings(url: &str) -> DatabaseSettings {
    DatabaseSettings { url: url.to_owned(), max_connections: 16 }
}

fn trade() -> anyhow::Result<TradeSettings> {
    Ok(TradeSettings {
        public_url: "http://postavka.test".parse()?,
        admin_email: None,
        require_approval: false,
        currency: "RUB".parse().map_err(|error| anyhow::anyhow!("{error}"))?,
        vat_rates: common::vat::VatRates::default(),
        time_zone: "Europe/Moscow".to_owned(),
        terms_version: None,
        default_locale: common::locale::Locale::Ru,
        invoice_due_days: 14,
        card_payment_time: ::time::Duration::HOUR,
        card_repayment_time: ::time::Duration::DAY,
    })
}

async fn bench() -> anyhow::Result<()> {
    let target = target_dir(env!("CARGO_TARGET_TMPDIR"));
    let cluster = Cluster::start().await?;
    let database = cluster.database("queue", "").await?;
    let bench = Bench { url: cluster.url(&database), database, cluster: &cluster };
    bench.prepare().await?;
    let mut report = Report::default();
    bench.large_backlog(&mut report).await?;
    bench.drained_by_us(1, false).await?;
    for round in 1..=ROUNDS {
        println!("Round {round} of {ROUNDS} …");
        bench.round(&mut report).await?;
    }
    report.finish(&target, "queue")
}

struct Bench<'a> {
    cluster: &'a Cluster,
    database: String,
    url: String,
}

impl Bench<'_> {
    async fn connect(&self) -> anyhow::Result<PgConnection> {
        self.cluster.connect(&self.database).await
    }

    /// A table as it is after some weeks, and the reference's beside it.
    async fn prepare(&self) -> anyhow::Result<()> {
        println!("Filling the table …");
        let mut connection = self.connect().await?;
        connection.execute("truncate jobs, workers, paused_queues cascade").await?;
        connection
            .execute(
                "insert into jobs (id, queue, kind, payload, max_attempts, attempts, claims, state, created_at,
                     locked_at, finished_at)
                 select uuid_v7(), 'mail', 'noop', ('{\"pad\": \"' || repeat('x', 160) || '\"}')::jsonb, 5, 1, 1, 'done',
                     now(), now(), now()
                 from generate_series(1, 1000000)",
            )
            .await?;
        let schema = include_str!("reference/schema.sql");
        let queue = schema.split("create table job (").nth(1).and_then(|rest| rest.split("\n\n").next());
        let queue = queue.context("the reference has no queue")?;
        let statements = format!(
            "drop schema if exists reference cascade; create schema reference; set search_path = reference;
             create table job ({queue}"
        );
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statements))).await?;
        connection.execute("set search_path = public").await?;
        connection.execute("vacuum analyze").await?;
        connection.execute("checkpoint").await?;
        Ok(())
    }

    async fn round(&self, report: &mut Report) -> anyhow::Result<()> {
        let limit = self.drained_by_postgres().await?;
        let ours = self.drained_by_us(1, false).await?;
        let reference = self.drained_by_reference().await?;
        let rate = |ours| Round { ours, limit: Some(limit), reference: Some(reference) };
        report.add("queue.drain.50k", "1/s", rate(ours));
        report.add("queue.drain.two_workers", "1/s", rate(self.drained_by_us(2, false).await?));
        report.add("queue.drain.held_snapshot", "1/s", rate(self.drained_by_us(1, true).await?));

        let single = |file: &str| self.script(file);
        let limit = pgbench_of(self.cluster, &self.database, &single("queue/insert.sql"), self.singles())?;
        let ours = self.enqueued_by_us(SINGLES, 1).await?;
        let reference = single("reference/queue_insert.sql");
        let reference = pgbench_of(self.cluster, &self.database, &reference, self.singles())?;
        let round = Round { ours, limit: Some(limit), reference: Some(reference) };
        report.add("queue.enqueue.tx8", "1/s", round);

        let thousands = Runs { clients: ENQUEUERS, times: THOUSANDS };
        let by_thousand = 1_000.0;
        let limit = pgbench_of(self.cluster, &self.database, &single("queue/insert_1000.sql"), thousands)?;
        let ours = self.enqueued_by_us(THOUSANDS, 1_000).await?;
        let reference = single("reference/queue_insert_1000.sql");
        let reference = pgbench_of(self.cluster, &self.database, &reference, thousands)?;
        let round =
            Round { ours, limit: Some(limit * by_thousand), reference: Some(reference * by_thousand) };
        report.add("queue.enqueue.batch1000", "1/s", round);

        self.clear().await?;
        let (p99, claim_cost) = (self.latency_p99_ms().await?, self.growth().await?);
        report.add("queue.latency.p99_ms", "ms", Round { ours: p99, limit: None, reference: None });
        report.add("growth.claim", "ms", claim_cost);
        Ok(())
    }

    fn script(&self, file: &str) -> Script {
        Script::File(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(file))
    }

    fn singles(&self) -> Runs {
        Runs { clients: ENQUEUERS, times: SINGLES }
    }

    /// Adds jobs that are due, earlier than all others.
    async fn add(&self, jobs: u32, hours_ago: i32) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        sqlx::query(
            "insert into jobs (id, queue, kind, payload, max_attempts, run_at)
             select uuid_v7(), 'mail', 'noop', ('{\"pad\": \"' || repeat('x', 160) || '\"}')::jsonb, 5,
                 now() - make_interval(hours => $2)
             from generate_series(1, $1)",
        )
        .bind(i32::try_from(jobs)?)
        .bind(hours_ago)
        .execute(&mut connection)
        .await?;
        Ok(())
    }

    /// Leaves nothing to do.
    async fn clear(&self) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        connection.execute("delete from jobs where state in ('ready', 'running')").await?;
        connection.execute("truncate reference.job").await?;
        connection.execute("vacuum analyze jobs").await?;
        Ok(())
    }

    /// Jobs a second, by claims and acknowledgements of 500 in pgbench, by our statements.
    async fn drained_by_postgres(&self) -> anyhow::Result<f64> {
        self.clear().await?;
        self.add(JOBS, 0).await?;
        let mut connection = self.connect().await?;
        connection
            .execute(
                "insert into workers (name, queues, lease_until) values ('bench', '{}', now() + interval '1 hour')
                 on conflict (name) do update set lease_until = excluded.lease_until",
            )
            .await?;
        let runs = Runs { clients: 4, times: JOBS / BATCH / 4 };
        let rate = pgbench_of(self.cluster, &self.database, &self.script("queue/drain_500.sql"), runs)?;
        connection.execute("delete from workers").await?;
        Ok(rate * f64::from(BATCH))
    }

    async fn drained_by_reference(&self) -> anyhow::Result<f64> {
        let mut connection = self.connect().await?;
        connection.execute("truncate reference.job").await?;
        connection
            .execute(
                "insert into reference.job (payload)
                 select ('{\"kind\": \"noop\", \"pad\": \"' || repeat('x', 160) || '\"}')::jsonb
                 from generate_series(1, 50000)",
            )
            .await?;
        connection.execute("vacuum analyze reference.job").await?;
        let runs = Runs { clients: 4, times: JOBS / BATCH / 4 };
        let script = self.script("reference/queue_drain_500.sql");
        Ok(pgbench_of(self.cluster, &self.database, &script, runs)? * f64::from(BATCH))
    }

    /// The same by workers of ours; with a transaction held open that keeps the table from being cleaned, if wanted.
    async fn drained_by_us(&self, workers: usize, held: bool) -> anyhow::Result<f64> {
        self.clear().await?;
        self.drain(workers, held, 1).await
    }

    /// Drains 50,000 jobs that are due earlier than whatever else is there; returns how many were done a second.
    async fn drain(&self, workers: usize, held: bool, hours_ago: i32) -> anyhow::Result<f64> {
        let mut holder = self.connect().await?;
        if held {
            holder.execute("begin isolation level repeatable read").await?;
            holder.execute("select count(*) from workers").await?;
        }
        let mut connection = self.connect().await?;
        connection.execute("checkpoint").await?;
        self.add(JOBS, hours_ago).await?;
        connection.execute("insert into paused_queues (queue, id) values ('mail', uuid_v7())").await?;
        let processes: Vec<_> =
            (0..workers).map(|_| WorkerProcess::start(&self.url)).collect::<Result<_, _>>()?;
        let registered = "select count(*) = $1 from workers";
        let expected = i64::try_from(workers)?;
        let since = Instant::now();
        while !sqlx::query_scalar::<_, bool>(registered).bind(expected).fetch_one(&mut connection).await? {
            ensure!(since.elapsed() < PATIENCE, "the workers do not register");
            time::sleep(Duration::from_millis(20)).await;
        }
        let begun_at: OffsetDateTime =
            sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut connection).await?;
        connection.execute("delete from paused_queues").await?;
        connection.execute("select pg_notify('postavka_jobs', '')").await?;
        self.wait_until_drained(&mut connection).await?;
        drop(processes);
        // Others that waited were done meanwhile, too: a worker keeps its slots full.
        let rate = "select count(*) / extract(epoch from max(t.ended_at) - $1)::float8
                    from (select max(finished_at) as ended_at from jobs
                          where finished_at > $1 and run_at < now() - interval '30 minutes') t
                    join jobs j on j.finished_at > $1 and j.finished_at <= t.ended_at";
        Ok(sqlx::query_scalar(rate).bind(begun_at).fetch_one(&mut connection).await?)
    }

    /// Waits until nothing is left that is due since half an hour. The job that was added last comes first: asking for all
    /// of them, while many are being done, would cost more than doing them.
    async fn wait_until_drained(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        let last = "select id from jobs where queue = 'mail' and state = 'ready' and run_at < now() - interval '30 minutes'
                    order by run_at desc limit 1";
        let last: Option<JobId> = sqlx::query_scalar(last).fetch_optional(&mut *connection).await?;
        let last_left = "select exists (select from jobs where id = $1 and state <> 'done')";
        let left = "select exists (select from jobs where queue = 'mail' and state = 'ready' and
                        run_at < now() - interval '30 minutes')
                    or exists (select from jobs where state = 'running' and run_at < now() - interval '30 minutes')";
        let begun = Instant::now();
        while sqlx::query_scalar::<_, bool>(last_left).bind(last).fetch_one(&mut *connection).await?
            || sqlx::query_scalar::<_, bool>(left).fetch_one(&mut *connection).await?
        {
            ensure!(begun.elapsed() < PATIENCE, "the workers do not drain");
            time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Jobs a second, each transaction with so many, over 8 connections.
    async fn enqueued_by_us(&self, transactions: u32, jobs: usize) -> anyhow::Result<f64> {
        let db = Db::new(&DatabaseSettings { url: self.url.clone(), max_connections: ENQUEUERS })?;
        let mut enqueuers = JoinSet::new();
        let begun = Instant::now();
        for _ in 0..ENQUEUERS {
            let db = db.clone();
            enqueuers.spawn(async move {
                let all: Vec<_> = (0..jobs).map(|_| Noop::new()).collect();
                for _ in 0..transactions {
                    let mut tx = db.begin().await?;
                    queue::enqueue_all(&mut tx, &all).await?;
                    tx.commit().await?;
                }
                Ok::<_, anyhow::Error>(())
            });
        }
        while let Some(ended) = enqueuers.join_next().await {
            ended??;
        }
        let took = begun.elapsed();
        db.close().await;
        Ok(f64::from(ENQUEUERS) * f64::from(transactions) * f64::from(u32::try_from(jobs)?)
            / took.as_secs_f64())
    }

    /// From the commit's return to the entry into `perform`, at 100 jobs/s.
    async fn latency_p99_ms(&self) -> anyhow::Result<f64> {
        let (stop, stopped) = oneshot::channel::<()>();
        let url = self.url.clone();
        let working = tokio::spawn(async move { work(&url, 16, async move { _ = stopped.await }).await });
        let db = Db::new(&settings(&self.url))?;
        NOTED.store(true, std::sync::atomic::Ordering::Relaxed);
        time::sleep(Duration::from_millis(500)).await;
        let mut ticks = time::interval(Duration::from_millis(10));
        let mut committed = Vec::new();
        for _ in 0..600 {
            ticks.tick().await;
            let mut tx = db.begin().await?;
            let enqueued = queue::enqueue(&mut tx, &Noop::new()).await?;
            tx.commit().await?;
            if let Enqueued::Inserted(id) = enqueued {
                committed.push((id, Instant::now()));
            }
        }
        time::sleep(Duration::from_secs(2)).await;
        NOTED.store(false, std::sync::atomic::Ordering::Relaxed);
        _ = stop.send(());
        working.await??;
        let entered = std::mem::take(&mut *ENTERED.lock().unwrap_or_else(PoisonError::into_inner));
        let mut waits: Vec<f64> = committed
            .iter()
            // The first ones warm up.
            .skip(100)
            .map(|(id, at)| {
                entered
                    .get(id)
                    .map_or(f64::INFINITY, |entered| entered.saturating_duration_since(*at).as_secs_f64())
            })
            .collect();
        waits.sort_by(f64::total_cmp);
        let p99 = waits.get(waits.len() * 99 / 100).context("nothing was measured")?;
        Ok(p99 * 1_000.0)
    }

    /// What a claim of 16 costs with 100,000 jobs that wait, against 10,000.
    async fn growth(&self) -> anyhow::Result<Round> {
        let mut costs = Vec::new();
        for jobs in [10_000, 90_000] {
            self.add(jobs, 0).await?;
            let mut connection = self.connect().await?;
            connection.execute("vacuum analyze jobs").await?;
            let statement = "explain (analyze, format json)
                update jobs set state = 'running', lock_by = 'bench', locked_at = now(), attempts = attempts + 1,
                    claims = greatest(claims + 1, (date_part('epoch', clock_timestamp()) * 1000000)::bigint)
                where id = any (array(select id from (select id from jobs where queue = 'mail' and state = 'ready'
                    and run_at <= now() and kind = any ('{noop}') order by run_at, id limit 200 for update skip locked) as due
                    limit 16))";
            let mut times = Vec::new();
            for _ in 0..51 {
                connection.execute("begin").await?;
                let plan: serde_json::Value =
                    sqlx::query_scalar(statement).fetch_one(&mut connection).await?;
                connection.execute("rollback").await?;
                times.push(plan[0]["Execution Time"].as_f64().context("no time")?);
            }
            times.sort_by(f64::total_cmp);
            costs.push(times[times.len() / 2]);
        }
        self.clear().await?;
        Ok(Round { ours: costs[1], limit: Some(costs[0]), reference: None })
    }

    /// 50,000 of 1,000,000 that wait, as a share of 50,000 of 50,000 in the same round. Each begins with a copy of the table
    /// as it was prepared: one from which a million jobs were deleted has its free space all over.
    async fn large_backlog(&self, report: &mut Report) -> anyhow::Result<()> {
        println!("A backlog of {BACKLOG} …");
        for _ in 0..BACKLOG_ROUNDS {
            let (alone, backlog) =
                (self.drained_beside(0).await?, self.drained_beside(BACKLOG - JOBS).await?);
            let round = Round { ours: backlog, limit: Some(alone), reference: None };
            report.add("queue.drain.1m", "1/s", round);
        }
        Ok(())
    }

    /// Jobs a second, while so many others wait that are due later.
    async fn drained_beside(&self, others: u32) -> anyhow::Result<f64> {
        let database = self.cluster.copy(&self.database, "queue_backlog").await?;
        let copy = Self { cluster: self.cluster, url: self.cluster.url(&database), database };
        copy.add(others, 0).await?;
        copy.connect().await?.execute("vacuum analyze jobs").await?;
        let rate = copy.drain(1, false, 1).await?;
        // Cleaned in the background, it would cost what is measured next.
        self.cluster.drop(&copy.database).await?;
        Ok(rate)
    }
}

/// A worker process; it ends with this.
struct WorkerProcess(Child);

impl WorkerProcess {
    fn start(url: &str) -> anyhow::Result<Self> {
        let program: PathBuf = env::current_exe()?;
        let child =
            Command::new(program).env(DATABASE, url).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Ok(Self(child.context("this program cannot be started once more")?))
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // It is told to stop, as by an operator, and given the time.
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        _ = self.0.wait();
    }
}
