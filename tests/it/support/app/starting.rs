//! Starting the application for a test: as usual, or with something otherwise; and its parts, which stop when told to.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock, atomic::AtomicI64},
    time::Duration,
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
    supervisor::Supervisor,
    vat::VatRates,
};
use local_stack::{
    mail_catcher::MailCatcher,
    payment_sandbox::{NoticeSettings, PaymentSandbox, SECRET_KEY, SHOP_ID},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    sync::{Mutex, oneshot},
    task::JoinHandle,
    time,
};
use worker::{
    deps::Deps,
    imports::fetching::Fetcher,
    mail::Mailer,
    registry::Registry,
    run::{self, RunSettings},
};

use super::{ADMIN, PATIENCE, TestApp};
use crate::support::database::TestDatabase;

/// A test sees at once what it has changed: the API keeps no answers.
const UNKEPT: u64 = 0;

/// A part of the application that runs until it is told to stop.
pub(super) struct Running {
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    fn new(stop: oneshot::Sender<()>, ended: JoinHandle<anyhow::Result<()>>) -> Self {
        Self { stop: Some(stop), ended }
    }

    pub(super) fn ask_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            _ = stop.send(());
        }
    }

    pub(super) async fn stop(mut self, what: &str) {
        self.ask_to_stop();
        let ended = time::timeout(PATIENCE, self.ended).await;
        let ended = ended.unwrap_or_else(|_| panic!("{what} does not stop"));
        ended.expect("it did not panic").unwrap_or_else(|error| panic!("{what}: {error:#}"));
    }
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
    fetcher: Fetcher,
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
            fetcher: Fetcher::default(),
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

    /// Starts everything, where price lists are fetched so.
    pub async fn start_fetching(fetcher: Fetcher) -> Self {
        Self::start_in(Setup { fetcher, ..Setup::usual() }).await
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
        let Setup { trade, limits, serving, sandbox, cache_bytes, database, connections, fetcher } = setup;
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
            fetching: fetcher.allowed.clone(),
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
            fetcher,
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
            fetcher: self.fetcher.clone(),
            cards: cards(self.sandbox.as_ref()),
            retention: Retention::default(),
        });
        let settings = RunSettings {
            queues: QueueName::ALL.into_iter().map(|queue| (queue.as_str().to_owned(), 4)).collect(),
            grace: Duration::from_secs(10),
            lease: LeaseSettings::default(),
            // A test says when the clock ticks.
            schedules: Vec::new(),
            supervisor: Supervisor::default(),
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
}

/// The rules of the trade in tests.
pub fn trade() -> TradeSettings {
    TradeSettings {
        public_url: "http://postavka.test".parse().expect("a URL"),
        admin_email: Some(EmailAddress::parse(ADMIN).expect("an address")),
        require_approval: false,
        currency: "RUB".parse().expect("a currency"),
        vat_rates: VatRates::default(),
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
