//! Price lists that are looked at before they are applied.

use common::{
    checks::{self, Invariant},
    janitor::jobs::CleanUp,
};
use futures_util::future;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, Person, TestApp, price_list};

const IMPORTS: &str = "/api/v1/supplier/imports";

type Goods<'a> = &'a [(&'a str, &'a str, &'a str, u32)];

const GOODS: Goods<'static> =
    &[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5), ("C", "Телефон В", "7", 1)];

/// A supplier whose list is in the catalogue.
async fn supplier(app: &TestApp) -> Person {
    app.supplier("Электрон").with_price_list(price_list(GOODS)).create().await
}

/// Has a list looked at; returns where the import stands.
async fn preview(app: &TestApp, supplier: &Person, mode: &str, goods: Goods<'_>) -> String {
    let path = format!("{IMPORTS}?mode={mode}&dry_run=true");
    let answer = supplier.upload(&path, "price.yaml", price_list(goods)).await.assert_status(202);
    assert_eq!(answer.json()["dry_run"], true);
    app.drain_jobs().await;
    let location = answer.header("location").unwrap().to_owned();
    assert_eq!(supplier.get(&location).await.json()["status"], "validated");
    location
}

async fn apply(supplier: &Person, import: &str) -> Answer {
    supplier.post(&format!("{import}/apply"), json!({})).await
}

async fn status(supplier: &Person, import: &str) -> Value {
    supplier.get(import).await.assert_status(200).json()["status"].clone()
}

/// Everything that a list can change: the offers, and what the catalogue shows.
async fn catalogue(app: &TestApp) -> (Vec<(String, i64, i32, bool)>, i64, Value) {
    let offers = "select o.sku, o.price_minor, t.stock, o.withdrawn_at is null \
                  from offers o join offer_stock t on t.offer_id = o.id order by o.sku";
    let products = "select count(*) from products";
    (
        sqlx::query_as(offers).fetch_all(app.pool()).await.unwrap(),
        sqlx::query_scalar(products).fetch_one(app.pool()).await.unwrap(),
        app.get("/api/v1/products").await.assert_status(200).json(),
    )
}

#[tokio::test]
async fn a_dry_run_shows_what_it_would_change_and_is_applied_as_it_was_shown() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let letters = app.mailbox(supplier.email()).await.subjects().len();
    let before = catalogue(&app).await;
    let goods = [
        ("A", "Телефон А", "90", 10),
        ("B", "Планшет Б", "20", 6),
        ("D", "Телефон Г", "5", 2),
        ("E", "", "1", 1),
    ];
    let import = preview(&app, &supplier, "replace", &goods).await;
    assert_eq!(catalogue(&app).await, before, "nothing has changed");
    let shown = supplier.get(&import).await.json();
    let counts = json!({ "inserted": 1, "updated": 2, "unchanged": 0, "withdrawn": 1, "failed": 1 });
    assert_eq!((&shown["counts"], &shown["finished_at"]), (&counts, &Value::Null));
    assert_eq!((&shown["progress"]["rows_read"], &shown["progress"]["rows_total"]), (&json!(4), &json!(4)));
    let rows = supplier.get(&format!("{import}/rows")).await.assert_status(200).json();
    let changed =
        |n: usize| (&rows["items"][n]["sku"], &rows["items"][n]["status"], &rows["items"][n]["changes"]);
    assert_eq!(changed(0), (&json!("A"), &json!("updated"), &json!({ "price": ["100.00", "90.00"] })));
    let renamed = json!({ "product": ["Телефон Б", "Планшет Б"], "quantity": [5, 6] });
    assert_eq!(changed(1), (&json!("B"), &json!("updated"), &renamed));
    assert_eq!(changed(2), (&json!("D"), &json!("inserted"), &json!({})));
    assert_eq!((&rows["items"][3]["sku"], &rows["items"][3]["status"]), (&json!("E"), &json!("failed")));
    assert_eq!(changed(4), (&json!("C"), &json!("withdrawn"), &json!({})));
    let page = supplier.get(&format!("{import}/rows?status=updated&limit=1")).await.json();
    assert_eq!(page["items"], json!([rows["items"][0]]));
    assert_eq!(app.mailbox(supplier.email()).await.subjects().len(), letters, "who looks needs no letter");

    let accepted = apply(&supplier, &import).await.assert_status(202);
    assert_eq!(
        (accepted.header("location"), &accepted.json()["status"]),
        (Some(&*import), &json!("applying"))
    );
    app.drain_jobs().await;
    let applied = supplier.get(&import).await.json();
    assert_eq!((&applied["status"], &applied["counts"]), (&json!("completed_with_errors"), &counts));
    assert_eq!(applied["dry_run"], true, "it is the import that was uploaded so");
    let mut done = supplier.get(&format!("{import}/rows")).await.json();
    assert_eq!(done["items"][2]["offer_id"].take(), json!(app.offer("D").await));
    assert_eq!(done, rows, "what was shown was done");
    assert_eq!((app.stock("B").await, app.stock("D").await), ((6, 0), (2, 0)));
    assert_eq!(app.mailbox(supplier.email()).await.subjects().len(), letters + 1);
    apply(&supplier, &import).await.assert_status(409).problem("import_not_waiting");
    app.finish().await;
}

#[tokio::test]
async fn what_is_discarded_changes_nothing_and_its_file_goes() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let before = catalogue(&app).await;
    let import = preview(&app, &supplier, "replace", &GOODS[..2]).await;
    let files = "select count(*) from price_import_chunks";
    assert_eq!(sqlx::query_scalar::<_, i64>(files).fetch_one(app.pool()).await.unwrap(), 1);
    let discard = format!("{import}/discard");
    let discarded = supplier.post(&discard, json!({})).await.assert_status(200).json();
    assert_eq!(discarded["status"], "discarded");
    assert!(discarded["finished_at"].is_string());
    for decision in [&discard, &format!("{import}/apply")] {
        supplier.post(decision, json!({})).await.assert_status(409).problem("import_not_waiting");
    }
    assert_eq!(sqlx::query_scalar::<_, i64>(files).fetch_one(app.pool()).await.unwrap(), 0);
    assert_eq!(catalogue(&app).await, before);
    app.finish().await;
}

#[tokio::test]
async fn what_another_list_has_changed_since_is_not_applied() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let whole =
        preview(&app, &supplier, "replace", &[("A", "Телефон А", "90", 10), GOODS[1], GOODS[2]]).await;
    let named = preview(&app, &supplier, "upsert", &[("A", "Телефон А", "80", 10), GOODS[1]]).await;
    let new = preview(&app, &supplier, "upsert", &[("D", "Телефон Г", "5", 2)]).await;
    // A list that changes nothing is no obstacle.
    app.import(&supplier, "price.yaml", price_list(GOODS)).await;
    // This one concerns whoever looks at all offers, and nobody else.
    app.import_as(&supplier, "upsert", "price.yaml", price_list(&[("C", "Телефон В", "8", 1)])).await;
    let before = catalogue(&app).await;
    apply(&supplier, &whole).await.assert_status(409).problem("import_outdated");
    assert_eq!((catalogue(&app).await, status(&supplier, &whole).await), (before, json!("validated")));
    // It was to stay as it is, and is another by now.
    app.import_as(&supplier, "upsert", "price.yaml", price_list(&[("B", "Телефон Б", "21", 5)])).await;
    apply(&supplier, &named).await.assert_status(409).problem("import_outdated");
    apply(&supplier, &new).await.assert_status(202);
    app.drain_jobs().await;
    assert_eq!(app.stock("D").await, (2, 0));
    for import in [&whole, &named] {
        supplier.post(&format!("{import}/discard"), json!({})).await.assert_status(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_list_whose_new_goods_another_one_has_brought_is_not_applied() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let import = preview(&app, &supplier, "upsert", &[("D", "Телефон Г", "5", 2)]).await;
    app.import_as(&supplier, "upsert", "price.yaml", price_list(&[("D", "Телефон Г", "6", 2)])).await;
    apply(&supplier, &import).await.assert_status(409).problem("import_outdated");
    app.finish().await;
}

#[tokio::test]
async fn a_preview_of_what_was_shipped_since_is_not_applied_and_one_of_what_was_ordered_is() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let buyer = app.buyer().with_basket([("A", 4)]).create().await;
    let others = preview(&app, &supplier, "upsert", &[("B", "Телефон Б", "21", 5)]).await;
    let import =
        preview(&app, &supplier, "replace", &[("A", "Телефон А", "90", 10), GOODS[1], GOODS[2]]).await;
    let order = buyer.order().await.assert_status(201).json();
    let part = format!("/api/v1/supplier/orders/{}/status", order["parts"][0]["id"].as_str().unwrap());
    let again =
        preview(&app, &supplier, "replace", &[("A", "Телефон А", "95", 10), GOODS[1], GOODS[2]]).await;
    apply(&supplier, &import).await.assert_status(202);
    app.drain_jobs().await;
    assert_eq!(app.stock("A").await, (10, 4), "orders are none of a list's business");
    apply(&supplier, &again).await.assert_status(409).problem("import_outdated");
    let again =
        preview(&app, &supplier, "replace", &[("A", "Телефон А", "95", 10), GOODS[1], GOODS[2]]).await;
    for status in ["confirmed", "assembled", "sent"] {
        supplier.post(&part, json!({ "status": status })).await.assert_status(200);
    }
    assert_eq!(app.stock("A").await, (6, 0));
    apply(&supplier, &again).await.assert_status(409).problem("import_outdated");
    apply(&supplier, &others).await.assert_status(202);
    app.finish().await;
}

#[tokio::test]
async fn a_preview_holds_up_nobody_and_waits_for_whoever_is_under_way() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let import =
        preview(&app, &supplier, "replace", &[("A", "Телефон А", "90", 10), GOODS[1], GOODS[2]]).await;
    app.stop_worker().await;
    let later = supplier.upload(IMPORTS, "price.yaml", price_list(GOODS)).await.assert_status(202);
    apply(&supplier, &import).await.assert_status(409).problem("import_under_way");
    app.start_worker().await;
    app.drain_jobs().await;
    assert_eq!(status(&supplier, later.header("location").unwrap()).await, "completed");
    app.stop_worker().await;
    apply(&supplier, &import).await.assert_status(202);
    let last = supplier.upload(IMPORTS, "price.yaml", price_list(GOODS)).await.assert_status(202);
    app.start_worker().await;
    app.drain_jobs().await;
    assert_eq!(status(&supplier, &import).await, "completed");
    let last = supplier.get(last.header("location").unwrap()).await.json();
    assert_eq!(last["counts"]["updated"], 1, "it came after the one that was applied before it: {last}");
    app.finish().await;
}

#[tokio::test]
async fn of_many_who_decide_at_once_one_does() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let import =
        preview(&app, &supplier, "replace", &[("A", "Телефон А", "90", 10), GOODS[1], GOODS[2]]).await;
    let decisions = (0..16).map(|n| {
        let decision = if n % 2 == 0 { "apply" } else { "discard" };
        let path = format!("{import}/{decision}");
        let supplier = &supplier;
        async move { supplier.post(&path, json!({})).await }
    });
    let answers = future::join_all(decisions).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status() < 300);
    assert_eq!((done.len(), refused.len()), (1, 15));
    for answer in refused {
        answer.problem("import_not_waiting");
    }
    app.drain_jobs().await;
    let ended = status(&supplier, &import).await;
    assert_eq!(ended, if done[0].status() == 202 { "completed" } else { "discarded" });
    app.finish().await;
}

#[tokio::test]
async fn only_so_many_lists_wait_and_not_for_ever() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let mut imports = Vec::new();
    for price in 1..=6 {
        let price = format!("{}", 100 + price);
        let goods = [("A", "Телефон А", &*price, 10), GOODS[1], GOODS[2]];
        imports.push(preview(&app, &supplier, "replace", &goods).await);
    }
    assert_eq!(
        status(&supplier, &imports[0]).await,
        "discarded",
        "a further one takes the oldest one's place"
    );
    assert_eq!(status(&supplier, &imports[1]).await, "validated");
    app.clock().advance(Duration::days(8));
    supplier.sign_in().await;
    imports.push(preview(&app, &supplier, "upsert", &GOODS[..1]).await);
    let mut tx = app.worker_db().begin().await.unwrap();
    common::queue::enqueue(&mut tx, &CleanUp { tick: app.clock().now() }).await.unwrap();
    tx.commit().await.unwrap();
    app.drain_jobs().await;
    for import in &imports[..6] {
        assert_eq!(status(&supplier, import).await, "discarded");
    }
    assert_eq!(status(&supplier, &imports[6]).await, "validated");
    app.finish().await;
}

#[tokio::test]
async fn what_another_release_has_read_is_not_applied_by_this_one() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let import = preview(&app, &supplier, "upsert", &GOODS[..1]).await;
    sqlx::query("update price_import_previews set release = '0.0.9'").execute(app.pool()).await.unwrap();
    apply(&supplier, &import).await.assert_status(409).problem("import_outdated");
    app.finish().await;
}

#[tokio::test]
async fn a_dry_run_of_a_file_that_cannot_be_read_fails_like_any_other() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let answer = supplier.upload(&format!("{IMPORTS}?dry_run=true"), "price.yaml", "goods: many").await;
    app.drain_jobs().await;
    assert_eq!(status(&supplier, answer.assert_status(202).header("location").unwrap()).await, "failed");
    let refused = supplier.upload(&format!("{IMPORTS}?dry_run=yes"), "price.yaml", "goods: []").await;
    refused.assert_status(422).invalid(&[("dry_run", "unknown_word")]);
    app.finish().await;
}

#[tokio::test]
async fn staff_decides_in_a_suppliers_place_and_that_is_written_down() {
    let app = TestApp::start().await;
    let (supplier, staff) = (supplier(&app).await, app.staff().create().await);
    let id = supplier.get("/api/v1/supplier").await.json()["id"].as_str().unwrap().to_owned();
    let imports = format!("/api/v1/admin/suppliers/{id}/imports");
    for (decision, ends) in [("apply", "completed"), ("discard", "discarded")] {
        let path = format!("{imports}?mode=upsert&dry_run=true");
        let list = price_list(&[("A", "Телефон А", "91", 10)]);
        let import = staff.upload(&path, "price.yaml", list).await.assert_status(202);
        app.drain_jobs().await;
        let import = import.header("location").unwrap();
        let decided = staff.post(&format!("{import}/{decision}"), json!({})).await;
        assert!(decided.status() < 300, "{}", decided.text());
        app.drain_jobs().await;
        let ended = staff.get(import).await.json();
        assert_eq!(ended["status"], ends);
        let log = staff.get(&format!("/api/v1/admin/audit-log?action={decision}_price_list")).await.json();
        assert_eq!(log["items"][0]["subject"], json!({ "kind": "price_import", "id": ended["id"] }));
    }
    app.finish().await;
}

/// What is planted, and how it is taken back.
const PLANTED: [(&str, &str); 4] = [
    (
        "update price_imports set updated = updated + 1 where status = 'validated'",
        "update price_imports set updated = updated - 1 where status = 'validated'",
    ),
    (
        "create table kept as select * from price_import_rows where status = 'withdrawn'; \
         delete from price_import_rows where status = 'withdrawn'",
        "insert into price_import_rows select * from kept; drop table kept",
    ),
    (
        "create table kept as select * from price_import_previews; delete from price_import_previews",
        "insert into price_import_previews select * from kept; drop table kept",
    ),
    (
        "create table kept as select * from price_import_chunks; delete from price_import_chunks",
        "insert into price_import_chunks select * from kept; drop table kept",
    ),
];

#[tokio::test]
async fn the_checker_finds_a_list_that_could_not_be_applied_as_it_was_shown() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    preview(&app, &supplier, "replace", &[("A", "Телефон А", "90", 10), GOODS[1]]).await;
    for (plant, take_back) in PLANTED {
        sqlx::raw_sql(plant).execute(app.pool()).await.unwrap();
        let mut tx = app.pool().begin().await.unwrap();
        let report = checks::run(&mut tx).await.unwrap();
        tx.rollback().await.unwrap();
        let [found] = &report.violations[..] else { panic!("{plant}: {report}") };
        assert!(
            found.invariant == Invariant::I7 && found.subject.starts_with("import "),
            "{plant}: {report}"
        );
        sqlx::raw_sql(take_back).execute(app.pool()).await.unwrap();
    }
    app.finish().await;
}
