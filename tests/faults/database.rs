//! Faults 7 and 8: PostgreSQL crashes again and again while people order, and falls silent for a while.

use std::{
    collections::BTreeSet,
    fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;
use sqlx::PgPool;
use tokio::time;

use crate::{
    Tally,
    process::signal,
    support::{OwnCluster, Person, TestApp, address, price_list},
};

/// How long the jobs of a run may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How soon orders are taken and jobs are done again after the database is back.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// Buyers that order side by side.
const BUYERS: usize = 4;

/// The time that a request may take: 30 s are the API's own limit.
const DEADLINE: Duration = Duration::from_secs(35);

/// What the clients wrote down.
#[derive(Default)]
struct Journal {
    /// Numbers of orders that were answered with 201.
    acknowledged: Mutex<Vec<String>>,
    attempted: AtomicU64,
    unexpected: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl Journal {
    fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Orders one piece after the other until it is over.
    async fn keep(&self, buyer: &Person, offer: &str) {
        while !self.over.load(Ordering::Relaxed) {
            self.attempted.fetch_add(1, Ordering::Relaxed);
            let line = buyer.request(Method::PUT, &format!("/api/v1/basket/lines/{offer}"));
            let order = buyer.request(Method::POST, "/api/v1/orders");
            let body = json!({ "address": address(), "payment_method": "invoice" });
            let Ok(put) = line.json(&json!({ "quantity": 1 })).send().await else { continue };
            if put.status() != 200 {
                self.expect(put.status().as_u16(), &[503]);
                time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            let Ok(answer) = order.json(&body).send().await else { continue };
            match answer.status().as_u16() {
                201 => {
                    let Ok(order) = answer.json::<serde_json::Value>().await else { continue };
                    let number = order["number"].as_str().unwrap().to_owned();
                    self.acknowledged.lock().unwrap().push(number);
                }
                // An unknown outcome may have emptied the basket.
                status => self.expect(status, &[503, 409]),
            }
        }
    }

    fn expect(&self, status: u16, expected: &[u16]) {
        if !expected.contains(&status) {
            self.unexpected.lock().unwrap().push(format!("an answer of {status}"));
        }
    }
}

async fn open_market(app: &TestApp) -> (Vec<Person>, String) {
    let goods = price_list(&[("A", "Телефон А", "100", 1_000_000)]);
    app.supplier("Электрон").with_price_list(goods).create().await;
    let mut buyers = Vec::new();
    for _ in 0..BUYERS {
        buyers.push(app.buyer().create().await);
    }
    (buyers, app.offer("A").await)
}

/// Whether a job was done since the database was started.
async fn jobs_are_done(pool: &PgPool) -> bool {
    let statement =
        "select exists (select from jobs where state = 'done' and finished_at > pg_postmaster_start_time())";
    // A connection may be one that the crash has broken.
    sqlx::query_scalar(statement).fetch_one(pool).await.unwrap_or(false)
}

/// Crashes the database so many times under orders; returns what was found, and how many acknowledged orders are gone.
async fn crashes(name: &str, times: u32, settings: &[(&str, &str)]) -> (Tally, usize) {
    let mut cluster = OwnCluster::start_with(name, settings).await;
    let app = TestApp::start_over(cluster.database(10).await).await;
    let (buyers, offer) = open_market(&app).await;
    let journal = Journal::default();
    let mut tally = Tally { faults: times.into(), ..Tally::default() };
    let (mut longest, mut longest_of_jobs) = (Duration::ZERO, Duration::ZERO);
    let ordering = futures_util::future::join_all(buyers.iter().map(|buyer| journal.keep(buyer, &offer)));
    let crashing = async {
        for crash in 1..=times {
            time::sleep(Duration::from_millis(400 + u64::from(crash * 97 % 300))).await;
            cluster.crash();
            time::sleep(Duration::from_millis(u64::from(crash % 3) * 500)).await;
            cluster.begin().await;
            let (back, before) = (Instant::now(), journal.acknowledged());
            let ordered = async {
                while journal.acknowledged() == before && back.elapsed() < DEADLINE {
                    time::sleep(Duration::from_millis(10)).await;
                }
                back.elapsed()
            };
            let done = async {
                while !jobs_are_done(app.pool()).await && back.elapsed() < DEADLINE {
                    time::sleep(Duration::from_millis(10)).await;
                }
                back.elapsed()
            };
            let (ordered, done) = tokio::join!(ordered, done);
            (longest, longest_of_jobs) = (longest.max(ordered), longest_of_jobs.max(done));
        }
        journal.over.store(true, Ordering::Relaxed);
    };
    tokio::join!(ordering, crashing);
    println!("orders were taken again within {longest:?}, jobs were done again within {longest_of_jobs:?}");
    tally.check(longest <= BACK_WITHIN, || format!("orders were taken again only after {longest:?}"));
    let jobs = longest_of_jobs <= BACK_WITHIN;
    tally.check(jobs, || format!("jobs were done again only after {longest_of_jobs:?}"));
    tally.attempted = journal.attempted.load(Ordering::Relaxed);
    tally.violations.append(&mut journal.unexpected.lock().unwrap());

    let there: BTreeSet<String> = sqlx::query_scalar("select number from orders")
        .fetch_all(app.pool())
        .await
        .unwrap()
        .into_iter()
        .collect();
    let acknowledged = journal.acknowledged.into_inner().unwrap();
    println!("{} orders were acknowledged, {} are there", acknowledged.len(), there.len());
    let lost = acknowledged.iter().filter(|number| !there.contains(*number)).count();
    // The workers go on by themselves, and every order has its letters.
    app.drain_jobs_within(PATIENCE).await;
    app.finish().await;
    (tally, lost)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_crashes_under_orders() {
    let (mut tally, lost) = crashes("crash", 2, &[]).await;
    tally.check(lost == 0, || format!("{lost} acknowledged orders are lost"));
    tally.report("fault 7 (short)");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn fault_7_postgresql_stops_at_once_20_times() {
    let (mut tally, lost) = crashes("crash-20", 20, &[]).await;
    tally.check(lost == 0, || format!("{lost} acknowledged orders are lost"));
    tally.report("fault 7");
}

/// The same must find losses where there are any: so a nought above is no blindness.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn fault_7_finds_what_is_lost_without_synchronous_commit() {
    let settings = [("synchronous_commit", "off"), ("wal_writer_delay", "10s")];
    let (tally, lost) = crashes("crash-async", 20, &settings).await;
    assert!(lost > 0, "nothing was lost though commits were not waited for");
    tally.report(&format!("fault 7 without synchronous_commit ({lost} orders lost, as must be)"));
}

/// The most memory that this process has occupied so far, in MiB.
fn peak_memory_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    peak.and_then(|kib| kib.trim().parse::<u64>().ok()).unwrap() / 1024
}

/// Falls silent for a while, while ten times as many ask as there are connections.
async fn silence(name: &str, frozen_for: Duration) -> Tally {
    let cluster = OwnCluster::start(name).await;
    let app = TestApp::start_over(cluster.database(10).await).await;
    let (buyers, offer) = open_market(&app).await;
    let (over, attempted) = (AtomicBool::new(false), AtomicU64::new(0));
    let (slowest, unexpected) = (Mutex::new(Duration::ZERO), Mutex::new(Vec::new()));
    let memory = peak_memory_mib();
    let ask = async |number: usize| {
        let buyer = &buyers[number % BUYERS];
        while !over.load(Ordering::Relaxed) {
            let since = Instant::now();
            let request = match number % 3 {
                0 => buyer.request(Method::GET, "/api/v1/basket"),
                1 => buyer.request(Method::GET, "/api/v1/products"),
                _ => {
                    let put = buyer.request(Method::PUT, &format!("/api/v1/basket/lines/{offer}"));
                    put.json(&json!({ "quantity": 1 }))
                }
            };
            let answer = request.timeout(DEADLINE * 2).send().await;
            attempted.fetch_add(1, Ordering::Relaxed);
            match answer.map(|answer| answer.status().as_u16()) {
                Ok(200) => {}
                // Refused at once; then a moment's rest.
                Ok(503) => time::sleep(Duration::from_millis(50)).await,
                other => unexpected.lock().unwrap().push(format!("{other:?}")),
            }
            let mut slowest = slowest.lock().unwrap();
            *slowest = since.elapsed().max(*slowest);
        }
    };
    let asking = futures_util::future::join_all((0..100).map(&ask));
    let back = async {
        time::sleep(Duration::from_millis(500)).await;
        let frozen = cluster.process_ids();
        frozen.iter().for_each(|process| signal(*process, Signal::STOP));
        time::sleep(frozen_for).await;
        frozen.iter().for_each(|process| signal(*process, Signal::CONT));
        let thawed = Instant::now();
        while buyers[0].get("/api/v1/basket").await.status() != 200 && thawed.elapsed() < DEADLINE {
            time::sleep(Duration::from_millis(20)).await;
        }
        let back = thawed.elapsed();
        over.store(true, Ordering::Relaxed);
        (back, frozen.len())
    };
    let (_, (back, frozen)) = tokio::join!(asking, back);
    let grown = peak_memory_mib().saturating_sub(memory);
    let slowest = slowest.into_inner().unwrap();
    println!("back after {back:?}, the slowest answer took {slowest:?}, {grown} MiB more were used");
    let mut tally = Tally {
        attempted: attempted.into_inner(),
        faults: u64::try_from(frozen).unwrap(),
        violations: unexpected.into_inner().unwrap(),
    };
    tally.check(back <= BACK_WITHIN * 2, || format!("requests were answered again only after {back:?}"));
    tally.check(slowest <= DEADLINE, || format!("an answer took {slowest:?}"));
    tally.check(grown <= 200, || format!("{grown} MiB more were used"));
    app.drain_jobs_within(PATIENCE).await;
    app.finish().await;
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_falls_silent() {
    silence("freeze", Duration::from_secs(3)).await.report("fault 8 (short)");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn fault_8_postgresql_is_frozen_for_30_s() {
    silence("freeze-30", Duration::from_secs(30)).await.report("fault 8");
}
