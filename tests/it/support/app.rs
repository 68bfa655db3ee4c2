//! The whole application for one test: its database, the API, the worker loop, a mail server.

mod jobs;
mod starting;

use std::{
    sync::atomic::{AtomicI64, Ordering},
    thread,
    time::{Duration, Instant},
};

use common::{clock::Clock, config::TradeSettings, db::Db};
use local_stack::{mail_catcher::MailCatcher, payment_sandbox::PaymentSandbox};
use serde_json::Value;
use sqlx::PgPool;
use tokio::{sync::Mutex, time};
use worker::imports::fetching::Fetcher;

use self::starting::Running;
pub use self::starting::{figures, trade};
use super::{
    Answer, Mailbox, Person, books::assert_books_agree, database::TestDatabase,
    letters::assert_data_are_like_the_samples,
};

/// Who gets a copy of each order.
pub const ADMIN: &str = "admin@example.com";

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a test looks whether it came true.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The application, as one test has it. It must be ended with [`finish`](TestApp::finish).
pub struct TestApp {
    database: Option<TestDatabase>,
    api: Option<Running>,
    worker: Mutex<Option<Running>>,
    pools: [Db; 2],
    base_url: String,
    client: reqwest::Client,
    catcher: MailCatcher,
    sandbox: Option<PaymentSandbox>,
    fetcher: Fetcher,
    clock: Clock,
    trade: TradeSettings,
    dead_jobs: AtomicI64,
}

impl TestApp {
    /// Tells the API to stop, which takes as long as what runs in it.
    pub fn ask_api_to_stop(&mut self) {
        self.api.as_mut().expect("the API runs").ask_to_stop();
    }

    /// The time, which a test may advance.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The mail server.
    pub fn catcher(&self) -> &MailCatcher {
        &self.catcher
    }

    /// The payment provider.
    pub fn provider(&self) -> &PaymentSandbox {
        self.sandbox.as_ref().expect("the application was started with cards")
    }

    /// The database, for what no endpoint shows.
    pub fn pool(&self) -> &PgPool {
        self.pools[1].pool()
    }

    /// Where the database is, for programs.
    pub async fn database_url(&self) -> String {
        self.database.as_ref().expect("the database is there").settings(1).await.url
    }

    /// The database as the API has it.
    pub fn api_db(&self) -> &Db {
        &self.pools[0]
    }

    /// The database as the worker has it.
    pub fn worker_db(&self) -> &Db {
        &self.pools[1]
    }

    /// A client that nobody is signed in with.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Reads as nobody.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.client.get(self.url(path))).await
    }

    /// Posts JSON as nobody.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.client.post(self.url(path)).json(&body)).await
    }

    /// What arrived for somebody, once every job is done.
    pub async fn mailbox(&self, email: &str) -> Mailbox {
        self.drain_jobs().await;
        Mailbox::of(email, self.catcher.messages_to(email))
    }

    /// The id of the offer with this sku, of which there is one.
    pub async fn offer(&self, sku: &str) -> String {
        let ids: Vec<uuid::Uuid> = sqlx::query_scalar("select id from offers where sku = $1")
            .bind(sku)
            .fetch_all(self.pool())
            .await
            .expect("the offers");
        match ids[..] {
            [id] => id.to_string(),
            _ => panic!("expected one offer {sku:?}, found {}", ids.len()),
        }
    }

    /// Pieces of an offer in stock, and how many of them are reserved.
    pub async fn stock(&self, sku: &str) -> (i32, i32) {
        let statement = "select stock, reserved from offer_stock where offer_id = $1::uuid";
        let offer_id = self.offer(sku).await;
        sqlx::query_as(statement).bind(offer_id).fetch_one(self.pool()).await.expect("the stock")
    }

    /// Uploads a price list, waits for its end, and returns the import.
    pub async fn import(&self, supplier: &Person, file_name: &str, bytes: impl Into<Vec<u8>>) -> Value {
        self.import_as(supplier, "replace", file_name, bytes).await
    }

    /// The same in this mode.
    pub async fn import_as(
        &self,
        supplier: &Person,
        mode: &str,
        file_name: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Value {
        let path = format!("/api/v1/supplier/imports?mode={mode}");
        let received = supplier.upload(&path, file_name, bytes).await.assert_status(202);
        self.drain_jobs().await;
        let location = received.header("location").expect("where the import stands");
        supplier.get(location).await.assert_status(200).json()
    }

    /// Waits until something is so.
    pub async fn eventually<F: Future<Output = bool>>(&self, is_so: impl Fn() -> F) {
        let since = Instant::now();
        while !is_so().await {
            assert!(since.elapsed() < PATIENCE, "it never was so");
            time::sleep(LOOK_EVERY).await;
        }
    }

    /// Says that so many jobs give up in this test.
    pub fn expect_dead_jobs(&self, count: i64) {
        self.dead_jobs.store(count, Ordering::Relaxed);
    }

    /// Ends the test: every job is done, none gave up unless that was expected, and every invariant holds.
    pub async fn finish(mut self) {
        if self.worker.get_mut().is_none() {
            self.start_worker().await;
        }
        self.drain_jobs().await;
        let dead: Vec<String> =
            sqlx::query_scalar("select concat_ws(' ', kind, last_error) from jobs where state = 'dead'")
                .fetch_all(self.pool())
                .await
                .expect("the jobs");
        let expected = self.dead_jobs.load(Ordering::Relaxed);
        assert_eq!(i64::try_from(dead.len()), Ok(expected), "jobs gave up: {dead:#?}");
        assert_invariants(self.pool()).await;
        let staged = sqlx::query_scalar::<_, i64>("select count(*) from price_import_stage");
        assert_eq!(staged.fetch_one(self.pool()).await.ok(), Some(0), "goods are left in the stage");
        if self.sandbox.is_some() {
            assert_books_agree(&self).await;
        }
        assert_data_are_like_the_samples(self.pool()).await;
        self.stop_worker().await;
        // Its connections must not keep the API waiting.
        self.client = reqwest::Client::new();
        self.api.take().expect("the API runs").stop("the API").await;
        for db in &self.pools {
            db.close().await;
        }
        self.database.take().expect("the database is there").drop().await;
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if self.database.is_some() && !thread::panicking() {
            panic!("this test does not end with `app.finish().await`");
        }
    }
}

/// Asserts that every invariant holds.
async fn assert_invariants(pool: &PgPool) {
    let mut tx = pool.begin().await.expect("a transaction of its own");
    let report = common::checks::run(&mut tx).await.expect("the checker runs");
    assert!(report.is_clean(), "{report}");
}
