//! The catalogue over HTTP, against PostgreSQL doing our own SQL, and against the least that the work needs.
//!
//! `cargo bench -p tests --bench catalog`. Two databases: 50,000 offers of 10,000 products, and ten times as many. Pages of
//! 20 by category, from anywhere in the list, and product cards with five offers; 16 connections. For the figures without
//! the cache the API runs with `CATALOG_CACHE_MIB=0`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use common::accounts::{Password, Passwords};
use local_stack::bench::{
    ApiProcess, CLIENTS, Cluster, Load, MEASURED_FOR, Report, Round, Run, Script, WARMED_FOR, build_programs,
    get, pgbench, request, send, target_dir,
};
use serde_json::{Value, json};

const ROUNDS: usize = 5;

/// Products of the small database; the big one has ten times as many.
const PRODUCTS: u32 = 10_000;

/// How many different pages and cards are asked for.
const ASKED_FOR: usize = 100;

/// How many offers the statement of a card is told to show at most.
const MOST_OFFERS: &str = "200";

const PASSWORD: &str = "длинный пароль 42";

/// A database, what is read of it, and how PostgreSQL would read it alone.
struct Subject {
    database: String,
    pages: Vec<String>,
    cards: Vec<String>,
    list: Script,
    card: Script,
}

fn main() -> anyhow::Result<()> {
    // Two threads, like the machine that the figures are meant for.
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let target = target_dir(env!("CARGO_TARGET_TMPDIR"));
    build_programs()?;
    let cluster = Cluster::start().await?;
    let small = Subject::prepare(&cluster, &target, "catalog", PRODUCTS).await?;
    let big = Subject::prepare(&cluster, &target, "catalog_x10", PRODUCTS * 10).await?;
    add_reference(&cluster, &small.database).await?;

    let uncached = [("CATALOG_CACHE_MIB", "0")];
    let today = start(&target, "today", &cluster.url(&small.database), &uncached).await?;
    let grown = start(&target, "grown", &cluster.url(&big.database), &uncached).await?;
    let cached = start(&target, "cached", &cluster.url(&small.database), &[]).await?;

    let mut report = Report::default();
    let bench = Bench { cluster: &cluster, small: &small, big: &big, today, grown, cached };
    bench.warm_up()?;
    for round in 1..=ROUNDS {
        println!("Round {round} of {ROUNDS} …");
        bench.round(&mut report)?;
    }
    let memory = bench.memory(&target).await?;
    report.add("api.memory_mib", "MiB", Round { ours: memory, limit: None, reference: None });
    report.finish(&target, "catalog")
}

async fn start(
    target_dir: &Path,
    name: &str,
    database_url: &str,
    settings: &[(&str, &str)],
) -> anyhow::Result<ApiProcess> {
    let name = format!("api-{name}");
    ApiProcess::start(Run { name: &name, target_dir, database_url, settings: settings.to_vec() }).await
}

struct Bench<'a> {
    cluster: &'a Cluster,
    small: &'a Subject,
    big: &'a Subject,
    today: ApiProcess,
    grown: ApiProcess,
    cached: ApiProcess,
}

impl Bench<'_> {
    fn warm_up(&self) -> anyhow::Result<()> {
        for (api, subject) in [(&self.today, self.small), (&self.grown, self.big), (&self.cached, self.small)]
        {
            for paths in [&subject.pages, &subject.cards] {
                Load::reading(api.address(), paths).run(WARMED_FOR)?;
            }
        }
        for script in [&self.small.list, &self.small.card] {
            pgbench(self.cluster, &self.small.database, script, WARMED_FOR)?;
        }
        Ok(())
    }

    fn round(&self, report: &mut Report) -> anyhow::Result<()> {
        let names = [
            ("catalog.list", "catalog.list.cached", "growth.list"),
            ("catalog.card", "catalog.card.cached", "growth.card"),
        ];
        for (is_card, (plain, cached, growth)) in [false, true].into_iter().zip(names) {
            let of =
                |subject: &'_ Subject| if is_card { subject.cards.clone() } else { subject.pages.clone() };
            let script = if is_card { &self.small.card } else { &self.small.list };
            let reference = if is_card { "card.sql" } else { "list.sql" };
            let reading =
                |api: &ApiProcess, paths: &[String]| Load::reading(api.address(), paths).run(MEASURED_FOR);

            let limit = pgbench(self.cluster, &self.small.database, script, MEASURED_FOR)?;
            let ours = reading(&self.today, &of(self.small))?;
            let grown = reading(&self.grown, &of(self.big))?;
            let kept = reading(&self.cached, &of(self.small))?;
            let least = Script::File(reference_dir().join(reference));
            let reference = pgbench(self.cluster, &self.small.database, &least, MEASURED_FOR)?;

            let rate = |ours| Round { ours, limit: Some(limit), reference: Some(reference) };
            report.add(plain, "1/s", rate(ours));
            report.add(cached, "1/s", rate(kept));
            let millis = |rate: f64| 1000.0 / rate;
            let cost = Round { ours: millis(grown), limit: Some(millis(ours)), reference: None };
            report.add(growth, "ms", cost);
        }
        Ok(())
    }

    /// The peak of a process that serves the catalogue, with its cache, and takes orders.
    async fn memory(&self, target: &Path) -> anyhow::Result<f64> {
        println!("Orders …");
        let clients = self.buyers().await?;
        let database = self.cluster.url(&self.small.database);
        let api = start(target, "memory", &database, &[]).await?;
        let orders = Load::of(api.address(), clients, &[200, 201]);
        for _ in 0..2 {
            for paths in [&self.small.pages, &self.small.cards] {
                Load::reading(api.address(), paths).run(MEASURED_FOR)?;
            }
            orders.run(MEASURED_FOR)?;
        }
        api.peak_memory_mib()
    }

    /// Of each client, its requests in turn: two lines into the basket, then the order. They have signed in elsewhere.
    async fn buyers(&self) -> anyhow::Result<Vec<Vec<Vec<u8>>>> {
        let hash = Passwords::default()
            .hash(Password::parse(PASSWORD).map_err(|invalid| anyhow::anyhow!("{invalid}"))?)
            .await?;
        let mut connection = self.cluster.connect(&self.small.database).await?;
        sqlx::query(
            "insert into users (
                 id, organization_id, email, password_hash, first_name, last_name, locale, email_confirmed_at, created_at
             )
             select uuid_v7(), id, 'buyer-' || row_number() over (order by id) || '@example.com', $1, 'Анна', 'Орлова',
                    'ru', now(), now()
             from organizations
             where kind = 'buyer'
             on conflict (lower(email)) do update set password_hash = excluded.password_hash",
        )
        .bind(&hash)
        .execute(&mut connection)
        .await?;
        let offers: Vec<String> =
            sqlx::query_scalar("select id::text from offers order by random() limit 32")
                .fetch_all(&mut connection)
                .await?;
        let mut clients = Vec::new();
        for (client, offers) in (1..=CLIENTS).zip(offers.chunks(2)) {
            let login = json!({ "email": format!("buyer-{client}@example.com"), "password": PASSWORD });
            let (status, body) =
                send(self.today.address(), "POST", "/api/v1/auth/login", "", &login.to_string()).await?;
            ensure!(status == 200, "login: {status}: {body}");
            let tokens: Value = serde_json::from_str(&body)?;
            let token = tokens["access_token"].as_str().context("no access token")?;
            let headers = format!("Authorization: Bearer {token}\r\n");
            let mut requests: Vec<_> = offers
                .iter()
                .map(|offer| {
                    request("PUT", &format!("/api/v1/basket/lines/{offer}"), &headers, "{\"quantity\": 1}")
                })
                .collect();
            let order = json!({ "payment_method": "invoice", "address": address() });
            requests.push(request("POST", "/api/v1/orders", &headers, &order.to_string()));
            clients.push(requests);
        }
        Ok(clients)
    }
}

fn address() -> Value {
    json!({
        "last_name": "Иванов", "first_name": "Пётр", "email": "shop-12@example.com", "phone": "+7 495 123-45-67",
        "city": "Москва", "street": "Тверская", "house": "7",
    })
}

impl Subject {
    async fn prepare(cluster: &Cluster, target: &Path, name: &str, products: u32) -> anyhow::Result<Self> {
        let fill = format!("set bench.products = {products};\n{}", include_str!("catalog/fill.sql"));
        let database = cluster.database(name, &fill).await?;
        let settings = [("CATALOG_CACHE_MIB", "0"), ("DATABASE_MAX_CONNECTIONS", "1")];
        let api = start(target, "prepare", &cluster.url(&database), &settings).await?;

        let (pages, places) = pages(&api).await?;
        get(api.address(), &pages[0]).await?;
        let statement = cluster.last_statement(&database).await?;
        let with_values = |values: &Vec<String>| fill_in(&statement, values);
        let list = Script::Statements(places.iter().map(with_values).collect());

        let mut connection = cluster.connect(&database).await?;
        let ids =
            sqlx::query_scalar("select product_id::text from listed_products order by random() limit $1");
        let ids: Vec<String> = ids.bind(i64::try_from(ASKED_FOR)?).fetch_all(&mut connection).await?;
        let cards: Vec<String> = ids.iter().map(|id| format!("/api/v1/products/{id}")).collect();
        get(api.address(), &cards[0]).await?;
        let statement = cluster.last_statement(&database).await?;
        let with_id = |id: &String| fill_in(&statement, &[quoted(id), MOST_OFFERS.to_owned()]);
        let card = Script::Statements(ids.iter().map(with_id).collect());
        Ok(Self { database, pages, cards, list, card })
    }
}

/// Pages of 20 from all over the categories, and of each the values that its statement is given.
async fn pages(api: &ApiProcess) -> anyhow::Result<(Vec<String>, Vec<Vec<String>>)> {
    let categories = get(api.address(), "/api/v1/categories?limit=100").await?;
    let mut all = Vec::new();
    for category in categories["items"].as_array().context("no categories")? {
        let id = category["id"].as_str().context("no id")?;
        let mut cursor = None::<String>;
        loop {
            let after = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page =
                get(api.address(), &format!("/api/v1/products?category_id={id}&limit=100{after}")).await?;
            let Some(next) = page["next_cursor"].as_str() else { break };
            let last = page["items"].as_array().and_then(|items| items.last()).context("no items")?;
            let (name, last) =
                (last["name"].as_str().context("no name")?, last["id"].as_str().context("no id")?);
            let values = vec![quoted(id), quoted(&name.to_lowercase()), quoted(last)];
            all.push((format!("/api/v1/products?category_id={id}&cursor={next}"), values));
            cursor = Some(next.to_owned());
        }
    }
    ensure!(!all.is_empty(), "there is only one page");
    let step = all.len().div_ceil(ASKED_FOR);
    Ok(all.into_iter().step_by(step).unzip())
}

/// A statement with its values in it.
fn fill_in(statement: &str, values: &[String]) -> String {
    let numbered = values.iter().enumerate().rev();
    numbered
        .fold(statement.to_owned(), |text, (index, value)| text.replace(&format!("${}", index + 1), value))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn reference_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/reference")
}

/// The reference's tables, in the same database.
async fn add_reference(cluster: &Cluster, database: &str) -> anyhow::Result<()> {
    let status = std::process::Command::new(cluster.program("psql"))
        .args(["--no-psqlrc", "-q", "-v", "ON_ERROR_STOP=1", "-d", &cluster.url(database)])
        .arg("-f")
        .arg(reference_dir().join("schema.sql"))
        .env("PGOPTIONS", "--client-min-messages=warning")
        .status()
        .context("cannot start psql")?;
    ensure!(status.success(), "the reference's schema is refused");
    // What was loaded is written before anything is measured.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}
