//! Price lists that staff uploads in a supplier's place.

use common::ids::SupplierId;
use serde_json::{Value, json};

use crate::support::{Person, TestApp, price_list, registration};

async fn path(staff: &Person) -> String {
    let page = staff.get("/api/v1/admin/organizations?kind=supplier").await.json();
    format!("/api/v1/admin/suppliers/{}/imports", page["items"][0]["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_list_that_staff_uploads_is_the_suppliers_and_is_written_down() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let supplier = app.supplier("Электрон").create().await;
    let path = path(&staff).await;
    let list = price_list(&[("1", "iPhone", "100", 10)]);
    let received = staff.upload(&path, "price.yaml", list).await.assert_status(202);
    app.drain_jobs().await;
    let location = received.header("location").unwrap();
    assert!(location.starts_with(&path), "{location}");
    let import = staff.get(location).await.assert_status(200).json();
    assert_eq!((&import["status"], &import["counts"]["inserted"]), (&json!("completed"), &json!(1)));
    assert_eq!(staff.get(&path).await.json()["items"][0]["id"], import["id"]);
    assert_eq!(supplier.get("/api/v1/supplier/imports").await.json()["items"][0]["id"], import["id"]);
    app.mailbox(supplier.email()).await.assert_one("Прайс-лист");
    let log = staff.get("/api/v1/admin/audit-log?action=import_price_list").await.json();
    assert_eq!(log["items"][0]["subject"], json!({ "kind": "price_import", "id": import["id"] }));
    assert_eq!(log["items"][0]["details"]["mode"], "replace");
    app.finish().await;
}

#[tokio::test]
async fn staff_sees_which_rows_failed_and_is_mailed_what_became_of_a_list_of_its_own() {
    let app = TestApp::start().await;
    let (staff, other) = (app.staff().create().await, app.staff().create().await);
    let supplier = app.supplier("Электрон").create().await;
    let path = path(&staff).await;
    let list = price_list(&[("1", "iPhone", "100", 10), ("2", "iPad", "дорого", 1)]);
    let received = staff.upload(&path, "price.yaml", list).await.assert_status(202);
    app.drain_jobs().await;
    let rows = format!("{}/rows?status=failed", received.header("location").unwrap());
    let rows = staff.get(&rows).await.assert_status(200).json();
    assert_eq!((&rows["items"][0]["sku"], &rows["items"][1]), (&json!("2"), &Value::Null));
    for person in [&staff, &supplier] {
        app.mailbox(person.email()).await.assert_one("Прайс-лист загружен с ошибками");
    }
    app.mailbox(other.email()).await.none();
    app.finish().await;
}

#[tokio::test]
async fn a_repeated_upload_with_its_key_is_one_import_and_one_entry() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    app.supplier("Электрон").create().await;
    let path = format!("{}?mode=upsert", path(&staff).await);
    let list = price_list(&[("1", "iPhone", "100", 10)]);
    let first = staff.upload_once(&path, "key", "price.yaml", &list).await.assert_status(202);
    let again = staff.upload_once(&path, "key", "price.yaml", &list).await.assert_status(202);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((first.json(), first.header("location")), (again.json(), again.header("location")));
    let log = staff.get("/api/v1/admin/audit-log?action=import_price_list").await.json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_that_has_not_confirmed_its_address_gets_no_list_and_may_register_again() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let mut body = registration("shop@example.com");
    (body["account_type"], body["supplier_name"]) = (json!("supplier"), json!("Электрон"));
    app.post("/api/v1/auth/register", body.clone()).await.assert_status(202);
    let list = price_list(&[("1", "iPhone", "100", 10)]);
    let refused = staff.upload(&path(&staff).await, "price.yaml", list).await.assert_status(409);
    refused.problem("supplier_unconfirmed");
    app.post("/api/v1/auth/register", body).await.assert_status(202);
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_that_got_a_list_before_it_confirmed_registers_again_and_what_it_sold_is_closed() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let list = price_list(&[("1", "iPhone", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    // 0.1.0 let staff upload a list for whoever had not confirmed yet.
    let unconfirmed = "update users set email_confirmed_at = null where email = $1";
    sqlx::query(unconfirmed).bind(supplier.email()).execute(app.pool()).await.unwrap();
    let mut body = registration(supplier.email());
    (body["account_type"], body["supplier_name"]) = (json!("supplier"), json!("Электрон"));
    app.post("/api/v1/auth/register", body).await.assert_status(202);
    app.drain_jobs().await;
    let suppliers = staff.get("/api/v1/suppliers").await.assert_status(200).json();
    let old = suppliers["items"].as_array().unwrap().iter().find(|supplier| supplier["offers_count"] == 1);
    assert_eq!(old.unwrap()["accepting_orders"], false);
    assert_eq!(app.get("/api/v1/products").await.json()["items"][0]["available"], 0);
    app.finish().await;
}

#[tokio::test]
async fn nobody_else_may_and_who_is_no_supplier_is_not_found() {
    let app = TestApp::start().await;
    let (staff, supplier) = (app.staff().create().await, app.supplier("Электрон").create().await);
    let path = path(&staff).await;
    let list = price_list(&[("1", "iPhone", "100", 10)]);
    supplier.upload(&path, "price.yaml", list.clone()).await.assert_status(403).problem("forbidden");
    supplier.get(&path).await.assert_status(403);
    let buyer = app.buyer().create().await;
    buyer.upload(&path, "price.yaml", list.clone()).await.assert_status(403);
    let organizations = staff.get("/api/v1/admin/organizations?kind=buyer").await.json();
    let no_supplier = [
        SupplierId::new().to_string(),
        organizations["items"][0]["id"].as_str().unwrap().to_owned(),
        "x".to_owned(),
    ];
    for id in no_supplier {
        let path = format!("/api/v1/admin/suppliers/{id}/imports");
        staff.upload(&path, "price.yaml", list.clone()).await.assert_status(404).problem("not_found");
        staff.get(&path).await.assert_status(404).problem("not_found");
    }
    let imports = staff.get(&path).await.assert_status(200).json();
    assert_eq!(imports["items"], Value::Array(Vec::new()));
    app.finish().await;
}
