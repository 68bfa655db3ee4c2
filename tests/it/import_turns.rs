//! Price lists beside everything else: beside another, beside orders, beside whoever closes or approves a supplier, and
//! beside a database that crashes.

use common::imports::{self, Begin};
use futures_util::future;
use serde_json::json;
use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::{Person, TestApp, price_list, trade};

const IMPORTS: &str = "/api/v1/supplier/imports";

/// Holds up statements in a place of the test's choice, until it is opened.
struct Gate(PoolConnection<Postgres>);

impl Gate {
    /// Closes one before `event` (`insert`, `update`) on a table, for statements that have this in their text.
    async fn close(pool: &PgPool, table: &str, event: &str, text: &str) -> Self {
        let mut conn = pool.acquire().await.unwrap();
        for statement in [
            "select pg_advisory_lock(4711)".to_owned(),
            format!(
                "create function gate() returns trigger language plpgsql as $$ begin \
                 if position('{text}' in current_query()) > 0 then perform pg_advisory_xact_lock(4711); end if; \
                 return null; end $$"
            ),
            format!(
                "create trigger gate before {event} on {table} for each statement execute function gate()"
            ),
        ] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *conn).await.unwrap();
        }
        Self(conn)
    }

    /// Waits until somebody stands before it.
    async fn reached(&self, app: &TestApp) {
        app.eventually(|| async {
            let statement = "select count(*) from pg_locks where locktype = 'advisory' and objid = 4711 \
                             and database = (select oid from pg_database where datname = current_database()) \
                             and not granted";
            sqlx::query_scalar::<_, i64>(statement).fetch_one(app.pool()).await.unwrap() > 0
        })
        .await;
    }

    /// Lets everybody pass.
    async fn open(mut self) {
        run(&mut self.0, "select pg_advisory_unlock(4711)").await;
    }
}

async fn run(conn: &mut PgConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(conn).await.unwrap();
}

/// Uploads without waiting for the import; returns where it stands.
async fn upload(supplier: &Person, query: &str, list: impl Into<Vec<u8>>) -> String {
    let answer = supplier.upload(&format!("{IMPORTS}{query}"), "price.yaml", list).await.assert_status(202);
    answer.header("location").unwrap().to_owned()
}

async fn import(supplier: &Person, location: &str) -> serde_json::Value {
    supplier.get(location).await.assert_status(200).json()
}

async fn price_of(app: &TestApp, sku: &str) -> i64 {
    let statement = "select price_minor from offers where sku = $1 and withdrawn_at is null";
    sqlx::query_scalar(statement).bind(sku).fetch_one(app.pool()).await.unwrap()
}

#[tokio::test]
async fn a_crash_of_the_database_in_an_import_withdraws_nothing() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    // What recovery does to a table that is not logged, once, between two transactions of the import.
    for statement in [
        "create function crash() returns trigger language plpgsql as $$ begin \
         delete from price_import_stage; return null; end $$",
        "create trigger crash after update on price_imports for each row \
         when (old.status = 'validated' and new.status = 'applying') execute function crash()",
    ] {
        run(&mut app.pool().acquire().await.unwrap(), statement).await;
    }
    let goods = price_list(&[("A", "Телефон А", "90", 10), ("B", "Телефон Б", "20", 5)]);
    let import = app.import(&supplier, "price.yaml", goods).await;
    let counts = json!({ "inserted": 0, "updated": 1, "unchanged": 1, "withdrawn": 0, "failed": 0 });
    assert_eq!((&import["status"], &import["counts"]), (&json!("completed"), &counts));
    assert_eq!((price_of(&app, "A").await, price_of(&app, "B").await), (9_000, 2_000));
    app.finish().await;
}

#[tokio::test]
async fn an_organization_that_is_approved_while_its_first_list_is_imported_is_listed() {
    let app = TestApp::start_with(|trade| trade.require_approval = true).await;
    let supplier = app.supplier("Электрон").create().await;
    let staff = app.staff().create().await;
    let waiting = staff.get("/api/v1/admin/organizations?approved=false").await.assert_status(200).json();
    let path = format!("/api/v1/admin/organizations/{}/approve", waiting["items"][0]["id"].as_str().unwrap());
    let gate = Gate::close(app.pool(), "suppliers", "update", "offers_count").await;
    upload(&supplier, "", price_list(&[("A", "Телефон", "100", 10)])).await;
    gate.reached(&app).await;
    staff.post(&path, json!({})).await.assert_status(200);
    // The job has looked, whatever it made of it.
    app.eventually(|| async {
        let statement = "select count(*) from jobs where kind = 'relist_supplier' \
                         and (state = 'done' or run_at > created_at)";
        sqlx::query_scalar::<_, i64>(statement).fetch_one(app.pool()).await.unwrap() > 0
    })
    .await;
    gate.open().await;
    app.drain_jobs().await;
    let listed = app.get("/api/v1/products").await.assert_status(200).json();
    assert_eq!(listed["items"][0]["name"], "Телефон");
    app.finish().await;
}

#[tokio::test]
async fn goods_of_a_list_are_ordered_while_it_is_being_indexed() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let buyer = app.buyer().with_basket([("A", 4)]).create().await;
    let gate = Gate::close(app.pool(), "listed_products", "insert", "listed_products").await;
    let goods = [("A", "Телефон А", "100", 7), ("B", "Телефон Б", "21", 5), ("C", "Телефон В", "1", 1)];
    let location = upload(&supplier, "", price_list(&goods)).await;
    gate.reached(&app).await;
    buyer.order().await.assert_status(201);
    assert_eq!(app.stock("A").await, (10, 4));
    gate.open().await;
    app.drain_jobs().await;
    assert_eq!(import(&supplier, &location).await["status"], "completed");
    assert_eq!(app.stock("A").await, (7, 4));
    app.finish().await;
}

#[tokio::test]
async fn a_list_waits_for_an_order_that_has_begun_and_its_ledger_follows_from_it() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let buyer = app.buyer().with_basket([("A", 4)]).create().await;
    let gate = Gate::close(app.pool(), "stock_movements", "insert", "reserved + w.quantity").await;
    let list_waits = async {
        gate.reached(&app).await;
        let goods = price_list(&[("A", "Телефон А", "100", 7), ("B", "Телефон Б", "20", 6)]);
        let location = upload(&supplier, "", goods).await;
        app.eventually(|| async {
            let statement = "select count(*) from pg_stat_activity where datname = current_database() \
                             and wait_event_type = 'Lock' and query like '%set stock = l.wanted%'";
            sqlx::query_scalar::<_, i64>(statement).fetch_one(app.pool()).await.unwrap() > 0
        })
        .await;
        gate.open().await;
        location
    };
    let (ordered, location) = future::join(buyer.order(), list_waits).await;
    ordered.assert_status(201);
    app.drain_jobs().await;
    assert_eq!(import(&supplier, &location).await["status"], "completed");
    assert_eq!((app.stock("A").await, app.stock("B").await), ((7, 4), (6, 0)));
    let set = "select array[stock_delta, stock_after, reserved_after] from stock_movements m \
               join offers o on o.id = m.offer_id where o.sku = 'A' and kind = 'price_list' and stock_delta < 0";
    assert_eq!(sqlx::query_scalar::<_, Vec<i32>>(set).fetch_one(app.pool()).await.unwrap(), [-3, 7, 4]);
    app.finish().await;
}

#[tokio::test]
async fn an_attempt_begins_when_the_one_before_has_left_the_database() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let gate = Gate::close(app.pool(), "categories", "insert", "categories").await;
    let location = upload(&supplier, "", price_list(&[("A", "Телефон А", "100", 10)])).await;
    let id = location.rsplit('/').next().unwrap().parse().unwrap();
    gate.reached(&app).await;
    let again = async || {
        let mut tx = app.pool().begin().await.unwrap();
        imports::begin(&mut tx, &trade(), app.clock(), id).await.unwrap()
    };
    assert!(matches!(again().await, Begin::Wait));
    gate.open().await;
    app.drain_jobs().await;
    assert!(matches!(again().await, Begin::Rest));
    assert_eq!(import(&supplier, &location).await["status"], "completed");
    app.finish().await;
}

#[tokio::test]
async fn a_list_has_ended_when_all_of_it_is_done() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let gate = Gate::close(app.pool(), "listed_products", "insert", "listed_products").await;
    let location = upload(&supplier, "", price_list(&[("A", "Телефон А", "100", 10)])).await;
    gate.reached(&app).await;
    app.clock().advance(time::Duration::minutes(5));
    gate.open().await;
    app.drain_jobs().await;
    let import = import(&supplier, &location).await;
    let at = |name: &str| OffsetDateTime::parse(import[name].as_str().unwrap(), &Rfc3339).unwrap();
    assert!(at("finished_at") - at("started_at") >= time::Duration::minutes(5), "{import}");
    app.finish().await;
}

#[tokio::test]
async fn what_is_shipped_while_a_list_is_recognized_is_set_by_the_next_one() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон А", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(goods.clone()).create().await;
    let buyer = app.buyer().with_basket([("A", 3)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    let part = format!("/api/v1/supplier/orders/{}/status", order["parts"][0]["id"].as_str().unwrap());
    for status in ["confirmed", "assembled"] {
        supplier.post(&part, json!({ "status": status })).await.assert_status(200);
    }
    let gate = Gate::close(app.pool(), "price_imports", "update", "ignored_fields").await;
    upload(&supplier, "", goods.clone()).await;
    gate.reached(&app).await;
    supplier.post(&part, json!({ "status": "sent" })).await.assert_status(200);
    gate.open().await;
    app.drain_jobs().await;
    assert_eq!(app.stock("A").await, (7, 0), "it was recognized before");
    upload(&supplier, "", goods).await;
    app.drain_jobs().await;
    assert_eq!(app.stock("A").await, (10, 0));
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_is_closed_at_once_while_its_list_is_imported() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон А", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let staff = app.staff().create().await;
    let gate = Gate::close(app.pool(), "listed_products", "insert", "listed_products").await;
    let location = upload(&supplier, "", price_list(&[("A", "Телефон А", "90", 10)])).await;
    gate.reached(&app).await;
    supplier.patch("/api/v1/supplier", json!({ "accepting_orders": false })).await.assert_status(200);
    let path = format!("/api/v1/admin/users/{}", supplier.id().await);
    staff.patch(&path, json!({ "active": false })).await.assert_status(200);
    supplier.get(&location).await.assert_status(401);
    gate.open().await;
    app.drain_jobs().await;
    let listed = app.get("/api/v1/products").await.assert_status(200).json();
    assert_eq!(listed["items"][0]["price_from"], json!(null), "nobody sells it now");
    app.finish().await;
}

#[tokio::test]
async fn an_upload_waits_for_one_that_came_before_it() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let supplier_id = supplier.get("/api/v1/supplier").await.json()["id"].as_str().unwrap().parse().unwrap();
    let requested_by = supplier.id().await.parse().ok();
    let first = common::imports::NewImport {
        supplier_id,
        requested_by,
        mode: common::imports::ImportMode::Upsert,
        dry_run: false,
        format: common::imports::formats::Format::Yaml,
        source: "first.yaml".to_owned(),
    };
    let list = price_list(&[("A", "Телефон", "1", 10)]);
    let mut tx = app.worker_db().begin().await.unwrap();
    common::imports::receive(&mut tx, app.clock().now(), &first, list.as_bytes()).await.unwrap();
    let second = upload(&supplier, "?mode=upsert", price_list(&[("A", "Телефон", "2", 10)]));
    let waits_and_ends = async {
        app.eventually(|| async {
            let statement = "select count(*) from pg_locks where locktype = 'advisory' and not granted \
                             and database = (select oid from pg_database where datname = current_database())";
            sqlx::query_scalar::<_, i64>(statement).fetch_one(app.pool()).await.unwrap() > 0
        })
        .await;
        tx.commit().await.unwrap();
    };
    let (second, ()) = future::join(second, waits_and_ends).await;
    app.drain_jobs().await;
    assert_eq!(import(&supplier, &second).await["status"], "completed");
    assert_eq!(price_of(&app, "A").await, 200, "the last one counts");
    app.finish().await;
}

#[tokio::test]
async fn a_list_that_waits_is_applied_also_when_the_next_one_cannot_be_read() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    app.stop_worker().await;
    let good = upload(&supplier, "", price_list(&[("A", "Телефон", "100", 10)])).await;
    let broken = upload(&supplier, "", "goods:\n  - {id: 1, name: [}\n").await;
    app.start_worker().await;
    app.drain_jobs().await;
    assert_eq!(import(&supplier, &good).await["status"], "completed");
    assert_eq!(import(&supplier, &broken).await["status"], "failed");
    assert_eq!(price_of(&app, "A").await, 10_000);
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_has_only_so_many_lists_waiting_and_their_files_go_with_their_end() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    app.stop_worker().await;
    for n in 1..=10 {
        let list =
            if n == 5 { "goods: many".to_owned() } else { price_list(&[("A", "Телефон", "100", n)]) };
        upload(&supplier, "", list).await;
    }
    let list = price_list(&[("A", "Телефон", "100", 11)]);
    let refused = supplier.upload(IMPORTS, "price.yaml", list.clone()).await.assert_status(409);
    refused.problem("too_many_imports");
    let files = "select count(distinct import_id) from price_import_chunks";
    assert_eq!(sqlx::query_scalar::<_, i64>(files).fetch_one(app.pool()).await.unwrap(), 10);
    app.start_worker().await;
    app.drain_jobs().await;
    assert_eq!(sqlx::query_scalar::<_, i64>(files).fetch_one(app.pool()).await.unwrap(), 0);
    upload(&supplier, "", list).await;
    app.drain_jobs().await;
    assert_eq!(app.stock("A").await, (11, 0), "each was applied in its turn");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_with_the_same_new_words_wait_for_each_other_but_not_in_a_circle() {
    // Twice as many products as are indexed at once; what one list names first, the other names last.
    const HALF: usize = 5_000;
    let app = TestApp::start().await;
    let list = |category: &str, halves: [&str; 2]| {
        let goods = (0..2 * HALF).map(|n| {
            let half = n / HALF;
            // Words have letters only.
            let letters: String =
                format!("{:05}", n % HALF).bytes().map(|digit| char::from(digit + 49)).collect();
            format!("{n};{category};{half} {}{letters};1;1\n", halves[half])
        });
        format!("id;category;name;price;quantity\n{}", goods.collect::<String>())
    };
    // Whoever learns words by one statement, in their order, waits for others but never in a circle with them.
    for statement in [
        "create table learned (n int)",
        "create function note() returns trigger language plpgsql as $$ begin \
         insert into learned values (1); return null; end $$",
        "create trigger note after insert on search_vocabulary for each statement execute function note()",
    ] {
        run(&mut app.pool().acquire().await.unwrap(), statement).await;
    }
    let suppliers = future::join_all(["Первый", "Второй"].map(|name| app.supplier(name).create())).await;
    let lists = [list("Одни", ["аа", "яя"]), list("Другие", ["яя", "аа"])];
    let uploads =
        suppliers.iter().zip(lists).map(|(supplier, list)| supplier.upload(IMPORTS, "price.csv", list));
    for answer in future::join_all(uploads).await {
        answer.assert_status(202);
    }
    app.drain_jobs().await;
    let tried = "select max(attempts) from jobs where kind = 'import_price_list'";
    assert_eq!(sqlx::query_scalar::<_, Option<i16>>(tried).fetch_one(app.pool()).await.unwrap(), Some(1));
    let learned = "select count(*) from learned";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(learned).fetch_one(app.pool()).await.unwrap(),
        2,
        "one for each list"
    );
    app.finish().await;
}

#[tokio::test]
async fn any_number_of_offers_of_one_product_is_indexed_and_its_card_shows_the_cheapest() {
    const OFFERS: u32 = 1_200;
    let app = TestApp::start().await;
    // Words that share nothing, or they would be one lexeme.
    let rows = (1..=OFFERS).map(|n| {
        let model: String = (0..100).map(|word| format!("{:09} ", (n * 100 + word) * 7)).collect();
        format!("{n};Товары;{model};Чайник;{n};1\n")
    });
    let list = format!("id;category;model;name;price;quantity\n{}", rows.collect::<String>());
    let supplier = app.supplier("Электрон").create().await;
    let import = app.import(&supplier, "price.csv", list).await;
    assert_eq!((&import["status"], &import["counts"]["inserted"]), (&json!("completed"), &json!(OFFERS)));
    let listed = app.get("/api/v1/products?q=чайник").await.assert_status(200).json();
    let product = &listed["items"][0];
    let card = app.get(&format!("/api/v1/products/{}", product["id"].as_str().unwrap())).await.json();
    for figure in ["price_from", "available", "offers_count"] {
        assert_eq!(card[figure], product[figure], "{figure} of the card is that of the list");
    }
    assert_eq!((&card["available"], &card["offers_count"]), (&json!(OFFERS), &json!(OFFERS)));
    let offers = card["offers"].as_array().unwrap();
    assert_eq!((offers.len(), &offers[199]["price"]), (200, &json!("200.00")));
    app.finish().await;
}

#[tokio::test]
async fn switching_a_supplier_to_what_it_is_makes_no_work_and_a_later_switch_takes_over() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let switch = async |accepting: bool| {
        let body = json!({ "accepting_orders": accepting });
        supplier.patch("/api/v1/supplier", body).await.assert_status(200);
    };
    let jobs = || async {
        let statement = "select count(*) from jobs where kind = 'relist_supplier'";
        sqlx::query_scalar::<_, i64>(statement).fetch_one(app.pool()).await.unwrap()
    };
    let before = jobs().await;
    switch(true).await;
    assert_eq!(jobs().await, before);
    app.stop_worker().await;
    for accepting in [false, true, false] {
        switch(accepting).await;
    }
    app.start_worker().await;
    app.drain_jobs().await;
    // The first of the passes gave way; only the last one went on after its first piece.
    assert_eq!(jobs().await, before + 4);
    let listed = app.get("/api/v1/products").await.json();
    assert_eq!(listed["items"][0]["price_from"], json!(null));
    app.finish().await;
}
