//! Faults 4, 5 and 15: workers that are killed, that a job ends, and that are told to stop, while there is work.

use std::time::{Duration, Instant};

use common::{
    db::Db,
    queue::{self, QueueName, figures},
};
use sqlx::PgPool;
use tokio::time;

use crate::{
    Tally,
    process::{Act, Deed, Fatal, LEASE, WorkerProcess, prepare},
    support::TestDatabase,
};

/// How long the jobs of a run may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long a job of these takes at most, in milliseconds.
const SHORT_MS: u32 = 40;

/// The same where workers are killed: so long that most live for longer than two heartbeats. Until then they take nothing
/// over.
const LONG_MS: u32 = 500;

/// A database with work in it.
struct Work {
    database: TestDatabase,
    url: String,
    db: Db,
    jobs: u32,
}

impl Work {
    /// Lays out so many jobs, each of which takes so many milliseconds at most.
    async fn lay_out(jobs: u32, longest_ms: u32) -> Self {
        let database = TestDatabase::create().await;
        let settings = database.settings(4).await;
        let db = Db::new(&settings).unwrap();
        prepare(db.pool()).await;
        let work = Self { database, url: settings.url, db, jobs };
        let deeds: Vec<_> = (0..jobs).map(|number| Deed { act: act(number, longest_ms), number }).collect();
        let mut tx = work.db.begin().await.unwrap();
        for some in deeds.chunks(1_000) {
            queue::enqueue_all(&mut tx, some).await.unwrap();
        }
        tx.commit().await.unwrap();
        work
    }

    fn pool(&self) -> &PgPool {
        self.db.pool()
    }

    fn start(&self) -> WorkerProcess {
        WorkerProcess::start(&self.url, Duration::from_secs(10))
    }

    async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(self.pool()).await.unwrap()
    }

    async fn unfinished(&self) -> i64 {
        self.count("select count(*) from jobs where state in ('ready', 'running')").await
    }

    /// Waits until so many jobs are left at most.
    async fn until_left(&self, most: i64) {
        let since = Instant::now();
        while self.unfinished().await > most {
            assert!(since.elapsed() < PATIENCE, "{} jobs are left", self.unfinished().await);
            time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What must hold in the end: nothing is lost or stuck, and every effect happened once.
    async fn check(&self, tally: &mut Tally, dead: i64) {
        let effects = (0..self.jobs).filter(|number| matches!(act(*number, 0), Act::Effect(_))).count();
        let expected = i64::try_from(effects).unwrap();
        let done = self.count("select count(*) from jobs where state = 'done'").await;
        tally.check(done == i64::from(self.jobs), || format!("{done} of {} jobs are done", self.jobs));
        let died = self.count("select count(*) from jobs where state = 'dead'").await;
        tally.check(died == dead, || format!("{died} jobs are dead"));
        let rows = self.count("select count(*) from effects").await;
        let distinct = self.count("select count(distinct number) from effects").await;
        tally.check((rows, distinct) == (expected, expected), || {
            format!("{rows} effects of {distinct} jobs; there should be {expected}")
        });
        let mut tx = self.pool().begin().await.unwrap();
        let report = common::checks::run(&mut tx).await.unwrap();
        tally.violations.extend(report.violations.iter().map(|found| format!("{found:?}")));
    }

    async fn clear_away(self) {
        self.db.close().await;
        self.database.drop().await;
    }
}

/// Most have an effect; they take from nothing to the longest time.
fn act(number: u32, longest_ms: u32) -> Act {
    let millis = u16::try_from(number.wrapping_mul(7_919) % (longest_ms + 1)).unwrap();
    if number.is_multiple_of(10) { Act::Nothing(millis) } else { Act::Effect(millis) }
}

/// How long it takes until nothing is left in the hands of a worker process that is gone.
async fn taken_over(pool: PgPool, process: u32) -> Duration {
    let since = Instant::now();
    let held = "select count(*) from jobs where state = 'running' and lock_by like '%/' || $1 || '/%'";
    while sqlx::query_scalar::<_, i64>(held).bind(process.to_string()).fetch_one(&pool).await.unwrap() > 0 {
        assert!(since.elapsed() < PATIENCE, "nobody takes over from {process}");
        time::sleep(Duration::from_millis(20)).await;
    }
    since.elapsed()
}

/// Kills workers at so many points; returns what was found, and how long the longest takeover took.
async fn kills(jobs: u32, kills: u32) -> (Tally, Duration) {
    let work = Work::lay_out(jobs, LONG_MS).await;
    let mut workers = vec![work.start(), work.start(), work.start()];
    let mut takeovers = Vec::new();
    for kill in 1..=kills {
        // At points all over the work, and at any moment of a job.
        work.until_left(i64::from(jobs) * i64::from(kills + 1 - kill) / i64::from(kills + 1)).await;
        time::sleep(Duration::from_millis(u64::from(kill.wrapping_mul(37) % 29))).await;
        let killed = workers.remove(0);
        let process = killed.id();
        killed.kill().await;
        takeovers.push(tokio::spawn(taken_over(work.pool().clone(), process)));
        workers.push(work.start());
    }
    work.until_left(0).await;
    let mut longest = Duration::ZERO;
    for takeover in takeovers {
        longest = longest.max(takeover.await.unwrap());
    }
    println!("the longest takeover took {longest:?}");
    let mut tally = Tally { attempted: jobs.into(), faults: kills.into(), ..Tally::default() };
    for worker in workers {
        worker.stop().await;
    }
    work.check(&mut tally, 0).await;
    work.clear_away().await;
    (tally, longest)
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_killed_all_the_time() {
    let (tally, _) = kills(400, 4).await;
    tally.report("fault 4 (short)");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn fault_4_kill_9_a_worker_at_100_points_in_10_000_jobs() {
    let (mut tally, longest) = kills(10_000, 100).await;
    let soon = LEASE.lease + Duration::from_secs(1);
    tally.check(longest <= soon, || format!("a takeover took {longest:?}, more than {soon:?}"));
    tally.report("fault 4");
}

async fn aborts(jobs: u32, fatal: u32) -> Tally {
    let work = Work::lay_out(jobs, SHORT_MS).await;
    let mut tx = work.db.begin().await.unwrap();
    for _ in 0..fatal {
        queue::enqueue(&mut tx, &Fatal).await.unwrap();
    }
    // In between the others.
    sqlx::query("update jobs set run_at = now() - random() * interval '1 second'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut workers = vec![work.start(), work.start()];
    let (mut aborted, since) = (0_u64, Instant::now());
    while work.unfinished().await > 0 {
        assert!(since.elapsed() < PATIENCE, "{} jobs are left", work.unfinished().await);
        for worker in &mut workers {
            if worker.has_ended() {
                aborted += 1;
                *worker = work.start();
            }
        }
        time::sleep(Duration::from_millis(20)).await;
    }
    let mut tally = Tally { attempted: jobs.into(), faults: aborted, ..Tally::default() };
    let limit = work
        .count("select count(*) from jobs where kind = 'fatal' and state = 'dead' and attempts = 3")
        .await;
    tally.check(limit == i64::from(fatal), || format!("{limit} of {fatal} died at their limit"));
    let told = work
        .count("select count(*) from job_attempts a join jobs j on j.id = a.job_id where j.kind = 'fatal'");
    let told = told.await;
    tally.check(told == i64::from(fatal) * 3, || format!("{told} of their attempts are told of"));
    for worker in workers {
        worker.stop().await;
    }
    work.check(&mut tally, fatal.into()).await;
    work.clear_away().await;
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_its_process() {
    aborts(100, 1).await.report("fault 5 (short)");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn fault_5_a_job_that_aborts_its_process() {
    aborts(5_000, 10).await.report("fault 5");
}

/// How many workers take from the queue, as operators see it.
async fn living(pool: &PgPool) -> i64 {
    let queues = figures::of(pool).await.unwrap();
    queues.iter().find(|queue| queue.queue == QueueName::MAIL.as_str()).map_or(0, |mail| mail.workers)
}

async fn stops(jobs: u32, stops: u32) -> Tally {
    let work = Work::lay_out(jobs, SHORT_MS).await;
    let mut tally = Tally { attempted: jobs.into(), faults: stops.into(), ..Tally::default() };
    let mut workers = vec![work.start(), work.start()];
    for stop in 1..=stops {
        work.until_left(i64::from(jobs) * i64::from(stops + 1 - stop) / i64::from(stops + 1)).await;
        let stopped = workers.remove(0);
        let process = stopped.id();
        workers.push(work.start());
        let (took, well) = stopped.stop().await;
        tally
            .check(well && took < Duration::from_secs(10), || format!("stop {stop}: {well}, after {took:?}"));
        let held = "select count(*) from jobs where lock_by like '%/' || $1 || '/%'";
        let held: i64 =
            sqlx::query_scalar(held).bind(process.to_string()).fetch_one(work.pool()).await.unwrap();
        tally.check(held == 0, || format!("stop {stop}: {held} jobs stay in its hands"));
    }
    work.until_left(0).await;
    let charged = work.count("select count(*) from jobs where attempts <> 1").await;
    tally.check(charged == 0, || format!("{charged} jobs were charged for a stop"));
    // Those that were stopped are forgotten; the last one may just have been started.
    let since = Instant::now();
    while living(work.pool()).await != 2 {
        assert!(since.elapsed() < PATIENCE, "{} workers are known", living(work.pool()).await);
        time::sleep(Duration::from_millis(20)).await;
    }
    for worker in workers {
        worker.stop().await;
    }
    work.check(&mut tally, 0).await;
    work.clear_away().await;
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_told_to_stop_under_load() {
    stops(400, 3).await.report("fault 15, workers (short)");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn fault_15_sigterm_to_a_worker_20_times_under_load() {
    stops(10_000, 20).await.report("fault 15, workers");
}
