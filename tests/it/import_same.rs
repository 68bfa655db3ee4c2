//! A list that is the one applied last is not read again, unless something has changed since.

use serde_json::{Value, json};

use crate::support::{Person, TestApp, price_list};

/// From here on nothing can be staged: who reads a list fails.
async fn let_nobody_read(app: &TestApp) {
    for statement in [
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'it was read'; end $$",
        "create trigger refuse before insert on price_import_stage execute function refuse()",
    ] {
        sqlx::raw_sql(statement).execute(app.pool()).await.unwrap();
    }
}

async fn let_everybody_read(app: &TestApp) {
    let statement = "drop trigger refuse on price_import_stage; drop function refuse";
    sqlx::raw_sql(statement).execute(app.pool()).await.unwrap();
}

fn list() -> String {
    price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)])
}

async fn import(app: &TestApp, supplier: &Person) -> Value {
    app.import(supplier, "again.yaml", list()).await
}

#[track_caller]
fn assert_is(import: &Value, updated: u32, unchanged: u32) {
    let counts =
        json!({ "inserted": 0, "updated": updated, "unchanged": unchanged, "withdrawn": 0, "failed": 0 });
    assert_eq!((&import["status"], &import["counts"]), (&json!("completed"), &counts), "{import}");
}

#[tokio::test]
async fn the_same_list_is_completed_without_being_read_and_its_supplier_is_told() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").with_price_list(list()).create().await;
    let letters = app.mailbox(supplier.email()).await.about("Прайс-лист").len();
    let_nobody_read(&app).await;
    for _ in 0..2 {
        let again = import(&app, &supplier).await;
        assert_is(&again, 0, 2);
        assert_eq!((&again["shop"], &again["source"]), (&json!("Test"), &json!("again.yaml")));
        let bytes = list().len();
        let progress = json!({ "rows_read": 2, "rows_total": 2, "bytes_read": bytes, "bytes_total": bytes });
        assert_eq!(again["progress"], progress);
    }
    assert_eq!(app.mailbox(supplier.email()).await.about("Прайс-лист").len(), letters + 2);
    // An order takes nothing from the stock before it is sent.
    let buyer = app.buyer().with_basket([("A", 3)]).create().await;
    buyer.order().await.assert_status(201);
    assert_is(&import(&app, &supplier).await, 0, 2);
    let files = "select count(*) from price_import_chunks";
    assert_eq!(sqlx::query_scalar::<_, i64>(files).fetch_one(app.pool()).await.unwrap(), 0);
    let_everybody_read(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn what_was_shipped_since_is_set_again() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").with_price_list(list()).create().await;
    let buyer = app.buyer().with_basket([("A", 3)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    let part = format!("/api/v1/supplier/orders/{}/status", order["parts"][0]["id"].as_str().unwrap());
    for status in ["confirmed", "assembled", "sent"] {
        supplier.post(&part, json!({ "status": status })).await.assert_status(200);
    }
    assert_eq!(app.stock("A").await, (7, 0));
    assert_is(&import(&app, &supplier).await, 1, 1);
    assert_eq!(app.stock("A").await, (10, 0));
    app.finish().await;
}

#[tokio::test]
async fn what_another_list_has_changed_since_is_changed_back() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").with_price_list(list()).create().await;
    let other = price_list(&[("B", "Телефон Б", "21", 5)]);
    app.import_as(&supplier, "upsert", "price.yaml", other).await;
    assert_is(&import(&app, &supplier).await, 1, 1);
    app.finish().await;
}

#[tokio::test]
async fn the_same_bytes_in_another_mode_or_read_by_another_release_are_read() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").with_price_list(list()).create().await;
    let more = price_list(&[("C", "Телефон В", "7", 1)]);
    app.import_as(&supplier, "upsert", "price.yaml", more.clone()).await;
    let import_again = app.import(&supplier, "price.yaml", more).await;
    assert_eq!(
        (&import_again["status"], &import_again["suspicions"][0]["code"]),
        (&json!("held_for_review"), &json!("many_withdrawn"),)
    );
    let import_again = import(&app, &supplier).await;
    assert_eq!(import_again["counts"]["withdrawn"], 1);
    sqlx::query("update price_imports set release = '0.0.9'").execute(app.pool()).await.unwrap();
    let_nobody_read(&app).await;
    let read = supplier.upload("/api/v1/supplier/imports", "again.yaml", list()).await.assert_status(202);
    app.eventually(async || {
        let failed = "select exists (select from jobs where last_error like '%it was read%')";
        sqlx::query_scalar(failed).fetch_one(app.pool()).await.unwrap()
    })
    .await;
    let_everybody_read(&app).await;
    app.drain_jobs().await;
    assert_is(&supplier.get(read.header("location").unwrap()).await.json(), 0, 2);
    app.finish().await;
}

#[tokio::test]
async fn a_list_with_refused_rows_is_read_again_and_reports_them_again() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let broken = price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "дорого", 5)]);
    for inserted in [1, 0] {
        let import = app.import(&supplier, "price.yaml", broken.clone()).await;
        assert_eq!(
            (&import["counts"]["inserted"], &import["counts"]["failed"]),
            (&json!(inserted), &json!(1))
        );
        let rows = format!("/api/v1/supplier/imports/{}/rows?status=failed", import["id"].as_str().unwrap());
        assert_eq!(supplier.get(&rows).await.json()["items"][0]["sku"], "B");
    }
    app.finish().await;
}
