//! The whole application for one test: its database, the API, the worker loop, a mail server.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use api::{
    CatalogCache,
    context::Services,
    limits::{LimitSettings, Limits},
    serve::{self, Serving},
    tokens::Tokens,
};
use common::{
    accounts::{EmailAddress, Passwords},
    clock::Clock,
    config::{DatabaseSettings, Secret, TradeSettings},
    db::Db,
    janitor::Retention,
    limits::Quota,
    locale::Locale,
    mail::Templates,
    payments::{PaymentProvider, ProviderSettings, yookassa::YooKassa},
    queue::{QueueName, lease::LeaseSettings},
};
use local_stack::{
    mail_catcher::MailCatcher,
    payment_sandbox::{NoticeSettings, PaymentSandbox, SECRET_KEY, SHOP_ID},
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::Value;
use sqlx::PgPool;
use tokio::{
    sync::{Mutex, oneshot},
    task::JoinHandle,
    time,
};
use worker::{
    deps::Deps,
    mail::Mailer,
    registry::Registry,
    run::{self, RunSettings},
};

use super::{
    Answer, Mailbox, Person, books::assert_books_agree, database::TestDatabase,
    letters::assert_data_are_like_the_samples,
};

/// Who gets a copy of each order.
pub const ADMIN: &str = "admin@example.com";

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The jobs that wait for their time, and then look at the clock.
const SCHEDULED: [&str; 3] = ["watch_payment", "expire_order", "remind_overdue"];

/// A test sees at once what it has changed: the API keeps no answers.
const UNKEPT: u64 = 0;

/// How often a test looks whether it came true.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A part of the application that runs until it is told to stop.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    fn new(stop: oneshot::Sender<()>, ended: JoinHandle<anyhow::Result<()>>) -> Self {
        Self { stop: Some(stop), ended }
    }

    fn ask_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            _ = stop.send(());
        }
    }

    async fn stop(mut self, what: &str) {
        self.ask_to_stop();
        let ended = time::timeout(PATIENCE, self.ended).await;
        let ended = ended.unwrap_or_else(|_| panic!("{what} does not stop"));
        ended.expect("it did not panic").unwrap_or_else(|error| panic!("{what}: {error:#}"));
    }
}

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
    clock: Clock,
    trade: TradeSettings,
    dead_jobs: AtomicI64,
}

/// What tests start differently.
struct Setup {
    trade: TradeSettings,
    limits: LimitSettings,
    serving: Serving,
    sandbox: Option<PaymentSandbox>,
    cache_bytes: u64,
    database: Option<TestDatabase>,
    connections: u32,
}

impl Setup {
    fn usual() -> Self {
        let serving = Serving::on(SocketAddr::from(([127, 0, 0, 1], 0)));
        Self {
            trade: trade(),
            limits: limits(),
            serving,
            sandbox: None,
            cache_bytes: UNKEPT,
            database: None,
            connections: 10,
        }
    }
}

impl TestApp {
    /// Starts everything, in a database of its own.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts everything, under other rules of the trade than usual.
    pub async fn start_with(change: impl FnOnce(&mut TradeSettings)) -> Self {
        Self::start_limited(|trade, _| change(trade)).await
    }

    /// Starts everything, under other rules of the trade and other limits than usual.
    pub async fn start_limited(change: impl FnOnce(&mut TradeSettings, &mut LimitSettings)) -> Self {
        let mut setup = Setup::usual();
        change(&mut setup.trade, &mut setup.limits);
        Self::start_in(setup).await
    }

    /// Starts everything, with an API that meets its clients otherwise than usual.
    pub async fn start_serving(change: impl FnOnce(&mut Serving)) -> Self {
        let mut setup = Setup::usual();
        change(&mut setup.serving);
        Self::start_in(setup).await
    }

    /// Starts everything, with an API that keeps answers of the catalogue for a second.
    pub async fn start_with_cache() -> Self {
        Self::start_in(Setup { cache_bytes: 1 << 20, ..Setup::usual() }).await
    }

    /// Starts everything over a database in a cluster of the test's own.
    pub async fn start_over(settings: DatabaseSettings) -> Self {
        Self::start_in(Setup { database: Some(TestDatabase::elsewhere(settings)), ..Setup::usual() }).await
    }

    /// Starts everything, with a payment provider.
    pub async fn start_with_cards() -> Self {
        Self::start_in(Setup { sandbox: Some(sandbox().await), ..Setup::usual() }).await
    }

    /// The same, with an API that has one connection to the database.
    pub async fn start_with_cards_and_one_connection() -> Self {
        Self::start_in(Setup { sandbox: Some(sandbox().await), connections: 1, ..Setup::usual() }).await
    }

    async fn start_in(setup: Setup) -> Self {
        common::tls::use_ring();
        let Setup { trade, limits, serving, sandbox, cache_bytes, database, connections } = setup;
        let database = match database {
            Some(database) => database,
            None => TestDatabase::create().await,
        };
        let pools = [
            Db::serving(&database.settings(connections).await).expect("the URL of the cluster"),
            Db::new(&database.settings(6).await).expect("the URL of the cluster"),
        ];
        let clock = Clock::shifted();
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let catcher = MailCatcher::start(local, local).await.expect("a free port");
        let services = Services {
            db: pools[0].clone(),
            clock: clock.clone(),
            trade: trade.clone(),
            passwords: Passwords::default(),
            templates: Arc::new(Templates::load().expect("the templates")),
            tokens: Tokens::new(&Secret::new("the secret of the tests, long enough".to_owned())),
            cards: cards(sandbox.as_ref()),
            limits: Limits::new(limits),
            catalog: CatalogCache::new(cache_bytes),
        };
        let (api, address) = start_api(services, serving).await;
        let app = Self {
            database: Some(database),
            api: Some(api),
            worker: Mutex::default(),
            pools,
            base_url: format!("http://{address}"),
            client: reqwest::Client::builder().timeout(PATIENCE).build().expect("a client"),
            catcher,
            sandbox,
            clock,
            trade,
            dead_jobs: AtomicI64::new(0),
        };
        if let Some(sandbox) = &app.sandbox {
            let url = Some(app.url("/api/v1/webhooks/payments/yookassa"));
            sandbox.notify(NoticeSettings { url, ..NoticeSettings::default() });
        }
        app.start_worker().await;
        app
    }

    /// Lets jobs run (again).
    pub async fn start_worker(&self) {
        let mut running = self.worker.lock().await;
        assert!(running.is_none(), "the worker runs already");
        let registry = Arc::new(Registry::of_postavka(self.clock.clone(), self.trade.clone()));
        let mailer =
            Mailer::new(&format!("smtp://{}", self.catcher.smtp_addr()), "Postavka <orders@postavka.test>");
        let deps = Arc::new(Deps {
            db: self.pools[1].clone(),
            clock: self.clock.clone(),
            trade: self.trade.clone(),
            templates: Templates::load().expect("the templates"),
            mailer: mailer.expect("a mailer"),
            cards: cards(self.sandbox.as_ref()),
            retention: Retention::default(),
        });
        let settings = RunSettings {
            queues: QueueName::ALL.into_iter().map(|queue| (queue.as_str().to_owned(), 4)).collect(),
            grace: Duration::from_secs(10),
            lease: LeaseSettings::default(),
            // A test says when the clock ticks.
            schedules: Vec::new(),
        };
        let (stop, stopped) = oneshot::channel();
        let stopped = async move { _ = stopped.await };
        let work = run::run(self.pools[1].clone(), registry, deps, settings, stopped);
        *running = Some(Running::new(stop, tokio::spawn(work)));
    }

    /// Waits until jobs can run.
    pub async fn worker_has_started(&self) {
        let statement = "select exists (select from workers)";
        self.eventually(async || {
            sqlx::query_scalar(statement).fetch_one(self.pool()).await.expect("an answer")
        })
        .await;
    }

    /// Lets jobs wait until the worker is started again.
    pub async fn stop_worker(&self) {
        let running = self.worker.lock().await.take();
        running.expect("the worker runs").stop("the worker").await;
    }

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

    /// Waits until no job is left to do, and no notice on its way. What waits for another attempt is made due at once;
    /// what waits for its time is left to wait.
    pub async fn drain_jobs(&self) {
        self.drain_jobs_within(PATIENCE).await;
    }

    /// The same, for more jobs than usual.
    pub async fn drain_jobs_within(&self, patience: Duration) {
        let since = Instant::now();
        loop {
            let on_their_way = self.sandbox.as_ref().map_or(0, PaymentSandbox::undelivered);
            let unfinished = self.unfinished_jobs().await;
            if unfinished.is_empty() && on_their_way == 0 {
                return;
            }
            assert!(since.elapsed() < patience, "jobs are not done: {unfinished:#?}");
            self.hurry_jobs().await;
            time::sleep(LOOK_EVERY).await;
        }
    }

    async fn unfinished_jobs(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select concat_ws(' ', kind, state, 'attempts', attempts, payload, last_error) from jobs \
             where state in ('ready', 'running') \
               and not (state = 'ready' and run_at > now() and kind = any ($1) and last_error is null) \
             limit 20",
        )
        .bind(SCHEDULED)
        .fetch_all(self.pool())
        .await
        .expect("the jobs")
    }

    /// Lets what waits for its time look whether it has come, by the test's clock, and drains the jobs.
    pub async fn run_scheduled_jobs(&self) {
        let mut tx = self.pools[1].begin().await.expect("a transaction");
        sqlx::query("update jobs set run_at = now() where state = 'ready' and kind = any ($1)")
            .bind(SCHEDULED)
            .execute(&mut *tx)
            .await
            .expect("jobs are made due");
        tx.commit().await.expect("jobs are made due");
        self.drain_jobs().await;
    }

    /// Makes jobs due that wait for another attempt.
    async fn hurry_jobs(&self) {
        let mut tx = self.pools[1].begin().await.expect("a transaction");
        let statement = "update jobs set run_at = now() where state = 'ready' and run_at > now() \
                         and (kind <> all ($1) or last_error is not null)";
        let hurried =
            sqlx::query(statement).bind(SCHEDULED).execute(&mut *tx).await.expect("jobs are made due");
        if hurried.rows_affected() > 0 {
            // Committing wakes the worker.
            tx.commit().await.expect("jobs are made due");
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

/// The rules of the trade in tests.
pub fn trade() -> TradeSettings {
    TradeSettings {
        public_url: "http://postavka.test".parse().expect("a URL"),
        admin_email: Some(EmailAddress::parse(ADMIN).expect("an address")),
        require_approval: false,
        currency: "RUB".parse().expect("a currency"),
        time_zone: "Europe/Moscow".to_owned(),
        terms_version: None,
        default_locale: Locale::Ru,
        invoice_due_days: 14,
        card_payment_time: ::time::Duration::HOUR,
        card_repayment_time: ::time::Duration::DAY,
    }
}

/// Limits that no test reaches by accident.
fn limits() -> LimitSettings {
    let endless: Quota = "1000000/s".parse().expect("a quota");
    LimitSettings {
        sign_ins_per_account: endless,
        sign_ins_per_caller: endless,
        registrations_per_caller: endless,
        mails_per_account: endless,
        mails_per_caller: endless,
        trusted_proxies: Vec::new(),
    }
}

/// The figures of the process: they can be started once.
pub fn figures() -> PrometheusHandle {
    static FIGURES: OnceLock<PrometheusHandle> = OnceLock::new();
    FIGURES.get_or_init(|| serve::start_figures().expect("nobody started them before")).clone()
}

async fn sandbox() -> PaymentSandbox {
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    PaymentSandbox::start(local, None).await.expect("a free port")
}

/// The way to the payment provider, as both programs make it from their settings.
fn cards(sandbox: Option<&PaymentSandbox>) -> ProviderSettings {
    let sandbox = sandbox?;
    let url = sandbox.api_url().parse().expect("a URL");
    let yookassa = YooKassa::new(url, SHOP_ID.to_owned(), Secret::new(SECRET_KEY.to_owned()));
    let yookassa: Arc<dyn PaymentProvider> = Arc::new(yookassa.expect("a client"));
    Some(yookassa)
}

async fn start_api(services: Services, serving: Serving) -> (Running, SocketAddr) {
    let (stop, stopped) = oneshot::channel();
    let (started, address) = oneshot::channel();
    let ended = tokio::spawn(serve::serve(
        services,
        serving,
        figures(),
        |address| _ = started.send(address),
        async { _ = stopped.await },
    ));
    let address = address.await.expect("the API listens");
    (Running::new(stop, ended), address)
}
