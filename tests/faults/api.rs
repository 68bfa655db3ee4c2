//! Fault 15, the API: processes behind a balancer are told to stop, one after the other, while people order.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    net::{SocketAddr, TcpListener},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use local_stack::bench::request;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Child,
    time,
};

use crate::{
    Tally,
    process::signal,
    support::{PASSWORD, Person, TestApp, address, price_list, program},
};

/// How long the jobs of a run may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long a process may take to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How often the balancer asks who is ready.
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// What the processes sign access tokens with.
const SECRET: &str = "the secret of the faults, long enough";

/// Buyers that order side by side.
const BUYERS: usize = 8;

/// A process of the API, as the balancer sees it.
struct Replica {
    process: Child,
    address: SocketAddr,
    ready: Arc<AtomicBool>,
}

impl Replica {
    /// Starts one, and waits until it is ready.
    async fn start(database_url: &str) -> Self {
        let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let mut command = program("api").await;
        command
            .arg("serve")
            .env("DATABASE_URL", database_url)
            .env("LISTEN_ADDR", address.to_string())
            .env("TOKEN_SECRET", SECRET)
            .env("STOP_DELAY_SECONDS", "1")
            .env("REQUIRE_APPROVAL", "false")
            .env("RUST_LOG", "error")
            .stdin(Stdio::null());
        let replica = Self { process: command.spawn().unwrap(), address, ready: Arc::default() };
        let (ready, since) = (Arc::downgrade(&replica.ready), Instant::now());
        tokio::spawn(async move {
            while let Some(ready) = ready.upgrade() {
                ready.store(is_ready(address).await, Ordering::Relaxed);
                time::sleep(ASKED_EVERY).await;
            }
        });
        while !replica.ready.load(Ordering::Relaxed) {
            assert!(since.elapsed() < PATIENCE, "the API is not ready");
            time::sleep(Duration::from_millis(20)).await;
        }
        replica
    }

    /// Tells it to stop; returns how long that took, and whether it ended well.
    async fn stop(mut self) -> (Duration, bool) {
        let since = Instant::now();
        signal(self.process.id().unwrap(), Signal::TERM);
        let well = match time::timeout(PATIENCE, self.process.wait()).await {
            Ok(status) => status.unwrap().success(),
            Err(_) => false,
        };
        (since.elapsed(), well)
    }
}

async fn is_ready(address: SocketAddr) -> bool {
    let asked = async { Connection::open(address).await?.ask(&request("GET", "/readyz", "", "")).await };
    time::timeout(Duration::from_secs(5), asked).await.is_ok_and(|asked| asked.is_ok_and(|a| a.status == 200))
}

/// Whom the balancer knows of.
#[derive(Default)]
struct Balancer {
    known: Mutex<Vec<(SocketAddr, Arc<AtomicBool>)>>,
    turn: AtomicUsize,
}

impl Balancer {
    fn add(&self, replica: &Replica) {
        self.known.lock().unwrap().push((replica.address, Arc::clone(&replica.ready)));
    }

    fn remove(&self, address: SocketAddr) {
        self.known.lock().unwrap().retain(|(known, _)| *known != address);
    }

    /// Who is asked next: one that said that it is ready when it was asked last.
    fn next(&self) -> Option<SocketAddr> {
        let known = self.known.lock().unwrap();
        let ready: Vec<_> = known.iter().filter(|(_, ready)| ready.load(Ordering::Relaxed)).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        (!ready.is_empty()).then(|| ready[turn % ready.len()].0)
    }
}

/// An answer, to its end.
struct Answered {
    status: u16,
    body: Vec<u8>,
    /// The server closes the connection with it.
    last: bool,
}

/// A connection that is kept. It repeats nothing: what is not answered is an error.
struct Connection(TcpStream);

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    async fn ask(&mut self, request: &[u8]) -> io::Result<Answered> {
        self.0.write_all(request).await?;
        let mut heard = Vec::with_capacity(16 << 10);
        let head = loop {
            if let Some(end) = heard.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.hear(&mut heard).await?;
        };
        let text = String::from_utf8_lossy(&heard[..head]).to_lowercase();
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let length: usize = header("content-length:").and_then(|length| length.parse().ok()).unwrap_or(0);
        let last = header("connection:") == Some("close");
        while heard.len() < head + length {
            self.hear(&mut heard).await?;
        }
        Ok(Answered { status, body: heard.split_off(head), last })
    }

    async fn hear(&mut self, heard: &mut Vec<u8>) -> io::Result<()> {
        match self.0.read_buf(heard).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// What the clients wrote down.
#[derive(Default)]
struct Journal {
    attempted: AtomicU64,
    /// Numbers of orders that were answered with 201.
    orders: Mutex<Vec<String>>,
    cut: Mutex<Vec<String>>,
    over: AtomicBool,
}

/// One client of the balancer, with a connection to each process.
struct Client<'a> {
    balancer: &'a Balancer,
    journal: &'a Journal,
    connections: HashMap<SocketAddr, Connection>,
    headers: String,
}

impl Client<'_> {
    async fn sign_in(&mut self, buyer: &Person) {
        let login = json!({ "email": buyer.email(), "password": PASSWORD }).to_string();
        let body = self.ask("POST", "/api/v1/auth/login", &login, 200).await.unwrap();
        let tokens: Value = serde_json::from_slice(&body).unwrap();
        self.headers = format!("Authorization: Bearer {}\r\n", tokens["access_token"].as_str().unwrap());
    }

    /// Orders one piece after the other, and looks at the catalogue in between, until it is over. An access token is good
    /// for a quarter of an hour.
    async fn shop(&mut self, offer: &str) {
        let line = format!("/api/v1/basket/lines/{offer}");
        let order = json!({ "address": address(), "payment_method": "invoice" }).to_string();
        while !self.journal.over.load(Ordering::Relaxed) {
            self.ask("GET", "/api/v1/products", "", 200).await;
            self.ask("PUT", &line, r#"{"quantity":1}"#, 200).await;
            if let Some(body) = self.ask("POST", "/api/v1/orders", &order, 201).await {
                let order: Value = serde_json::from_slice(&body).unwrap();
                self.journal.orders.lock().unwrap().push(order["number"].as_str().unwrap().to_owned());
            }
            // Every order leaves letters to be sent.
            time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str, expected: u16) -> Option<Vec<u8>> {
        self.journal.attempted.fetch_add(1, Ordering::Relaxed);
        let answered = self.send(&request(method, path, &self.headers, body)).await;
        let wrong = match answered {
            Ok(Answered { status, body, .. }) if status == expected => return Some(body),
            Ok(Answered { status, body, .. }) => format!("{status}: {}", String::from_utf8_lossy(&body)),
            Err(error) => error.to_string(),
        };
        self.journal.cut.lock().unwrap().push(format!("{method} {path}: {wrong}"));
        None
    }

    async fn send(&mut self, request: &[u8]) -> io::Result<Answered> {
        let address = self.balancer.next().ok_or_else(|| io::Error::other("nobody is ready"))?;
        let mut connection = match self.connections.remove(&address) {
            Some(connection) => connection,
            None => Connection::open(address).await?,
        };
        let answered = connection.ask(request).await?;
        if !answered.last {
            self.connections.insert(address, connection);
        }
        Ok(answered)
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

async fn stops(stops: u32) -> Tally {
    let app = TestApp::start().await;
    let (buyers, offer) = open_market(&app).await;
    let url = app.database_url().await;
    let (balancer, journal) = (Balancer::default(), Journal::default());
    let mut tally = Tally { faults: stops.into(), ..Tally::default() };
    let mut longest = Duration::ZERO;
    let mut replicas = vec![Replica::start(&url).await, Replica::start(&url).await];
    replicas.iter().for_each(|replica| balancer.add(replica));

    let shopping = buyers.iter().map(async |buyer| {
        let mut client = Client {
            balancer: &balancer,
            journal: &journal,
            connections: HashMap::new(),
            headers: String::new(),
        };
        client.sign_in(buyer).await;
        client.shop(&offer).await;
    });
    let shopping = futures_util::future::join_all(shopping);
    let stopping = async {
        for stop in 1..=stops {
            time::sleep(Duration::from_millis(u64::from(stop.wrapping_mul(137) % 400))).await;
            let stopped = replicas.remove(0);
            let address = stopped.address;
            let (took, well) = stopped.stop().await;
            balancer.remove(address);
            longest = longest.max(took);
            tally.check(well && took < GRACE, || format!("stop {stop}: {well}, after {took:?}"));
            let next = Replica::start(&url).await;
            balancer.add(&next);
            replicas.push(next);
        }
        journal.over.store(true, Ordering::Relaxed);
    };
    tokio::join!(shopping, stopping);

    let orders = journal.orders.into_inner().unwrap();
    println!("{} orders, the slowest stop took {longest:?}", orders.len());
    tally.attempted = journal.attempted.into_inner();
    tally.violations.append(&mut journal.cut.lock().unwrap());
    let there: Vec<String> =
        sqlx::query_scalar("select number from orders").fetch_all(app.pool()).await.unwrap();
    // Nothing is there that nobody was told of, and the other way round.
    let (told, there) =
        (orders.into_iter().collect::<BTreeSet<_>>(), there.into_iter().collect::<BTreeSet<_>>());
    let untold = told.symmetric_difference(&there).count();
    tally.check(untold == 0, || format!("{untold} orders were answered or are there, but not both"));
    for replica in replicas {
        replica.stop().await;
    }
    app.drain_jobs_within(PATIENCE).await;
    app.finish().await;
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn api_processes_are_told_to_stop_under_load() {
    stops(2).await.report("fault 15, API (short)");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn fault_15_sigterm_to_the_api_20_times_under_load() {
    stops(20).await.report("fault 15, API");
}
