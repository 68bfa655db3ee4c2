//! Price lists that are fetched by themselves: when they are due, once over all workers, and only when they have changed.

use std::net::SocketAddr;

use common::{
    imports::urls::{Allowed, jobs::FetchDuePriceLists},
    queue::{self, Enqueued, schedule::Schedule},
};
use local_stack::list_server::{Answer, ListServer};
use serde_json::{Value, json};
use time::Duration;
use worker::imports::fetching::Fetcher;

use crate::support::{Person, TestApp, price_list};

const SUPPLIER: &str = "/api/v1/supplier";
const IMPORTS: &str = "/api/v1/supplier/imports";

async fn app_and_server() -> (TestApp, ListServer) {
    let server = ListServer::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let allowed: Allowed = server.addr().to_string().parse().unwrap();
    (TestApp::start_fetching(Fetcher::new(allowed)).await, server)
}

fn goods(price: &str) -> String {
    price_list(&[("A", "Телефон А", price, 10), ("B", "Телефон Б", "20", 5)])
}

/// Lets the clock tick, and everything be done that is due.
async fn tick(app: &TestApp) {
    let mut tx = app.worker_db().begin().await.unwrap();
    let job = FetchDuePriceLists { tick: app.clock().now() };
    assert!(matches!(queue::enqueue(&mut tx, &job).await.unwrap(), Enqueued::Inserted(_)));
    tx.commit().await.unwrap();
    app.drain_jobs().await;
}

/// The same, so much later.
async fn later(app: &TestApp, supplier: &Person, by: Duration) {
    app.clock().advance(by);
    supplier.sign_in().await;
    tick(app).await;
}

/// The same, when it is due again.
async fn an_hour_later(app: &TestApp, supplier: &Person) {
    later(app, supplier, Duration::HOUR).await;
}

async fn settings(supplier: &Person) -> Value {
    supplier.get(SUPPLIER).await.assert_status(200).json()
}

/// How the last look went.
async fn look(supplier: &Person) -> Value {
    settings(supplier).await["price_list_fetch"].clone()
}

async fn imports(supplier: &Person) -> Vec<Value> {
    supplier.get(IMPORTS).await.assert_status(200).json()["items"].as_array().unwrap().clone()
}

/// A supplier whose list is fetched from there.
async fn supplier_at(app: &TestApp, server: &ListServer, path: &str) -> Person {
    let supplier = app.supplier("Связной").locale("en").create().await;
    supplier.may_withdraw_all().await;
    supplier.patch(SUPPLIER, json!({ "price_list_url": server.url(path) })).await.assert_status(200);
    supplier
}

/// How many letters of a subject somebody has.
async fn letters(app: &TestApp, supplier: &Person, subject: &str) -> usize {
    app.drain_jobs().await;
    let letters = app.catcher().messages_to(supplier.email());
    letters.iter().filter(|letter| letter.subject.contains(subject)).count()
}

#[tokio::test]
async fn a_list_is_fetched_at_once_and_then_when_it_is_due() {
    let (app, server) = app_and_server().await;
    server.answer("/price.yaml", Answer::list(goods("100")));
    let supplier = supplier_at(&app, &server, "/price.yaml?key=s3cret").await;
    let set = settings(&supplier).await;
    assert_eq!(set["price_list_url"], server.url("/price.yaml?key=s3cret"));
    assert_eq!((&set["price_list_every_minutes"], &set["price_list_mode"]), (&json!(60), &json!("replace")));
    assert_eq!(
        (&set["price_list_fetch"]["outcome"], &set["price_list_fetch"]["last_checked_at"]),
        (&Value::Null, &Value::Null)
    );
    tick(&app).await;
    let all = imports(&supplier).await;
    assert_eq!(
        (all.len(), &all[0]["status"], &all[0]["fetch"]["attempts"]),
        (1, &json!("completed"), &json!(1))
    );
    assert_eq!(all[0]["source"], server.url("/price.yaml") + "…");
    let looked = look(&supplier).await;
    assert_eq!((&looked["outcome"], &looked["import_id"]), (&json!("fetched"), &all[0]["id"]));
    tick(&app).await;
    assert_eq!(server.connections(), 1, "it is not due");
    server.answer("/price.yaml", Answer::list(goods("90")));
    an_hour_later(&app, &supplier).await;
    assert_eq!(imports(&supplier).await[0]["counts"]["updated"], 1);
    // What came by itself and went well is no letter.
    assert_eq!(letters(&app, &supplier, "rice list").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn only_what_has_changed_becomes_an_import() {
    let (app, server) = app_and_server().await;
    server.answer("/price.yaml", Answer::version("\"v1\"", goods("100")));
    let supplier = supplier_at(&app, &server, "/price.yaml").await;
    tick(&app).await;
    let first = look(&supplier).await;
    an_hour_later(&app, &supplier).await;
    let second = look(&supplier).await;
    assert_eq!((&second["outcome"], &second["import_id"]), (&json!("unchanged"), &first["import_id"]));
    assert_ne!(second["last_checked_at"], first["last_checked_at"]);
    assert_eq!(server.asked()[1].headers["if-none-match"], "\"v1\"");
    // A server without names for versions sends it again.
    server.answer("/price.yaml", Answer::list(goods("100")));
    an_hour_later(&app, &supplier).await;
    assert_eq!((imports(&supplier).await.len(), &look(&supplier).await["outcome"]), (1, &json!("unchanged")));
    // What somebody uploads in between stands until the file changes.
    app.import(&supplier, "price.yaml", goods("80")).await;
    an_hour_later(&app, &supplier).await;
    assert_eq!(imports(&supplier).await.len(), 2);
    server.answer("/price.yaml", Answer::version("\"v2\"", goods("70")));
    an_hour_later(&app, &supplier).await;
    let all = imports(&supplier).await;
    assert_eq!((all.len(), &all[0]["counts"]["updated"]), (3, &json!(1)));
    assert_eq!(look(&supplier).await["import_id"], all[0]["id"]);
    app.finish().await;
}

#[tokio::test]
async fn what_looks_like_a_slip_is_held_once_and_asked_for_anew_until_it_was_imported() {
    let (app, server) = app_and_server().await;
    server.answer("/price.yaml", Answer::version("\"v1\"", goods("100")));
    let supplier = supplier_at(&app, &server, "/price.yaml").await;
    tick(&app).await;
    server.answer("/price.yaml", Answer::version("\"v2\"", goods("10000")));
    for _ in 0..3 {
        an_hour_later(&app, &supplier).await;
    }
    let all = imports(&supplier).await;
    assert_eq!((all.len(), &all[0]["status"]), (2, &json!("held_for_review")));
    assert_eq!(letters(&app, &supplier, "waits for your decision").await, 1);
    // The version that was not imported is not asked by.
    assert!(!server.asked().last().unwrap().headers.contains_key("if-none-match"));
    let path = format!("{IMPORTS}/{}/apply", all[0]["id"].as_str().unwrap());
    supplier.post(&path, json!({})).await.assert_status(202);
    app.drain_jobs().await;
    an_hour_later(&app, &supplier).await;
    assert_eq!(server.asked().last().unwrap().headers["if-none-match"], "\"v2\"");
    // One that cannot be read is told of once, too.
    server.answer("/price.yaml", Answer::list("goods: {"));
    for _ in 0..3 {
        an_hour_later(&app, &supplier).await;
    }
    assert_eq!(
        (imports(&supplier).await.len(), imports(&supplier).await[0]["status"].clone()),
        (3, json!("failed"))
    );
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_is_told_once_that_its_list_cannot_be_fetched_until_it_could_be_again() {
    let (app, server) = app_and_server().await;
    let supplier = supplier_at(&app, &server, "/price.yaml").await;
    let subject = "could not be fetched";
    for _ in 0..3 {
        an_hour_later(&app, &supplier).await;
    }
    let failed = look(&supplier).await;
    assert_eq!((&failed["outcome"], &failed["error"]["code"]), (&json!("failed"), &json!("url_answered")));
    assert!(failed["failing_since"].as_str() < failed["last_checked_at"].as_str());
    assert_eq!((letters(&app, &supplier, subject).await, imports(&supplier).await.len()), (1, 0));
    let letter = app.mailbox(supplier.email()).await.last().text.clone().unwrap();
    assert!(letter.contains("the server answered 404"), "{letter}");

    // Away for a moment, it is tried again in the same look.
    server.answer_in_turn("/price.yaml", [Answer::status(503), Answer::list(goods("100"))]);
    an_hour_later(&app, &supplier).await;
    let back = look(&supplier).await;
    assert_eq!(
        (&back["outcome"], &back["error"], &back["failing_since"]),
        (&json!("fetched"), &Value::Null, &Value::Null)
    );
    assert_eq!(imports(&supplier).await[0]["status"], "completed");
    server.answer("/price.yaml", Answer::status(500));
    for _ in 0..2 {
        an_hour_later(&app, &supplier).await;
    }
    assert_eq!(letters(&app, &supplier, subject).await, 2);
    assert_eq!(look(&supplier).await["import_id"], imports(&supplier).await[0]["id"]);
    app.finish().await;
}

#[tokio::test]
async fn a_tick_has_one_job_over_two_workers_and_a_slow_look_is_not_begun_twice() {
    let (app, server) = app_and_server().await;
    server.answer("/price.yaml", Answer::silence());
    let supplier = supplier_at(&app, &server, "/price.yaml").await;
    let (one, other) = (app.worker_db().clone(), app.api_db().clone());
    let schedule = Schedule::of::<FetchDuePriceLists>();
    let ticks =
        futures_util::future::join_all([&one, &other, &one, &other].map(|db| schedule.tick(db))).await;
    let ticks: Vec<_> = ticks.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(ticks.len(), 1, "{ticks:?}");
    app.eventually(|| async { server.connections() == 1 }).await;
    // Due again while it goes on.
    app.clock().advance(Duration::HOUR);
    let mut tx = app.worker_db().begin().await.unwrap();
    let due = common::imports::urls::enqueue_due(&mut tx, app.clock().now(), 100).await.unwrap();
    tx.commit().await.unwrap();
    let jobs = "select count(*) from jobs where kind = 'check_price_list'";
    let jobs: i64 = sqlx::query_scalar(jobs).fetch_one(app.pool()).await.unwrap();
    assert_eq!((due, jobs, server.connections()), (1, 1, 1));
    supplier.sign_in().await;
    server.answer("/price.yaml", Answer::list(goods("100")));
    app.stop_worker().await;
    app.start_worker().await;
    app.drain_jobs().await;
    assert_eq!((imports(&supplier).await.len(), server.connections()), (1, 2));
    app.finish().await;
}

#[tokio::test]
async fn what_is_due_is_taken_in_batches_each_once() {
    let (app, server) = app_and_server().await;
    server.answer("/price.yaml", Answer::list(goods("100")));
    let mut suppliers = Vec::new();
    for _ in 0..3 {
        suppliers.push(supplier_at(&app, &server, "/price.yaml").await);
    }
    let now = app.clock().now() + Duration::SECOND;
    let mut taken = Vec::new();
    for _ in 0..3 {
        let mut tx = app.worker_db().begin().await.unwrap();
        taken.push(common::imports::urls::enqueue_due(&mut tx, now, 2).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(taken, [2, 1, 0]);
    app.drain_jobs().await;
    for supplier in &suppliers {
        assert_eq!(look(supplier).await["outcome"], "fetched");
    }
    app.finish().await;
}

#[tokio::test]
async fn another_address_begins_anew_and_none_ends_it() {
    let (app, server) = app_and_server().await;
    server.answer("/price.yaml", Answer::version("\"v1\"", goods("100")));
    server.answer("/other.yaml", Answer::version("\"v1\"", goods("100")));
    let supplier = supplier_at(&app, &server, "/price.yaml").await;
    tick(&app).await;
    let change = json!({ "price_list_mode": "upsert", "price_list_every_minutes": 15 });
    let changed = supplier.patch(SUPPLIER, change).await.assert_status(200).json();
    assert_eq!(
        (&changed["price_list_mode"], &changed["price_list_every_minutes"]),
        (&json!("upsert"), &json!(15))
    );
    later(&app, &supplier, Duration::minutes(16)).await;
    assert_eq!(imports(&supplier).await[0]["mode"], "upsert", "another mode is another import");
    let body = json!({ "price_list_url": server.url("/other.yaml") });
    let other = supplier.patch(SUPPLIER, body.clone()).await.assert_status(200).json();
    assert_eq!(
        (&other["price_list_every_minutes"], &other["price_list_fetch"]["outcome"]),
        (&json!(15), &Value::Null)
    );
    tick(&app).await;
    assert!(!server.asked().last().unwrap().headers.contains_key("if-none-match"));
    assert_eq!(imports(&supplier).await.len(), 3);
    // The same again changes nothing.
    supplier.patch(SUPPLIER, body).await.assert_status(200);
    tick(&app).await;
    assert_eq!(look(&supplier).await["outcome"], "fetched");
    let ended = supplier.patch(SUPPLIER, json!({ "price_list_url": null })).await.assert_status(200).json();
    for name in ["price_list_url", "price_list_every_minutes", "price_list_mode", "price_list_fetch"] {
        assert_eq!(ended[name], Value::Null, "{name}");
    }
    an_hour_later(&app, &supplier).await;
    assert_eq!(server.connections(), 3);
    app.finish().await;
}

#[tokio::test]
async fn an_address_is_checked_when_it_is_named() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").create().await;
    for (url, code) in [
        ("", "required"),
        ("price.yaml", "invalid_url"),
        ("ftp://shop.example.com/price.yaml", "invalid_url"),
        ("https://a:b@shop.example.com/price.yaml", "url_with_credentials"),
        ("http://127.0.0.2/price.yaml", "url_not_allowed"),
        ("http://169.254.169.254/latest", "url_not_allowed"),
        ("http://[::1]/price.yaml", "url_not_allowed"),
        (&format!("https://shop.example.com/{}", "x".repeat(2_000)), "too_long"),
    ] {
        let refused = supplier.patch(SUPPLIER, json!({ "price_list_url": url })).await;
        refused.assert_status(422).invalid(&[("/price_list_url", code)]);
    }
    let wrong = json!({ "price_list_url": server.url("/x"), "price_list_every_minutes": 14, "price_list_mode": "merge" });
    supplier
        .patch(SUPPLIER, wrong)
        .await
        .invalid(&[("/price_list_every_minutes", "out_of_range"), ("/price_list_mode", "unknown_word")]);
    for alone in [
        json!({ "price_list_mode": "upsert" }),
        json!({ "price_list_url": null, "price_list_mode": "upsert" }),
    ] {
        supplier.patch(SUPPLIER, alone).await.invalid(&[("/price_list_url", "required")]);
    }
    assert_eq!(settings(&supplier).await["price_list_url"], Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn nobody_looks_any_more_for_a_supplier_without_people() {
    let (app, server) = app_and_server().await;
    server.answer("/price.yaml", Answer::list(goods("100")));
    let supplier = supplier_at(&app, &server, "/price.yaml").await;
    supplier.delete("/api/v1/me").await.assert_status(204);
    app.clock().advance(Duration::HOUR);
    tick(&app).await;
    assert_eq!(server.connections(), 0);
    let left: i64 =
        sqlx::query_scalar("select count(*) from price_list_urls").fetch_one(app.pool()).await.unwrap();
    assert_eq!(left, 0);
    app.finish().await;
}
