//! Taking back what a list has changed.

use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp};

const FIRST: &str = "id,category,model,name,price,price_rrc,quantity,Цвет\n\
    A,Телефоны,m/1,Телефон А,100.50,120,10,чёрный\n\
    B,Телефоны,,Телефон Б,20,,5,\n\
    C,Телефоны,,Телефон В,7,,3,\n\
    E,Телефоны,,Телефон Д,9,,2,\n";

/// A changes in everything, B in its stock, C is missing, D is new, E stays.
const SECOND: &str = "id,category,model,name,price,price_rrc,quantity,Цвет\n\
    A,Планшеты,m/2,Планшет А,90,,11,белый\n\
    B,Телефоны,,Телефон Б,20,,6,\n\
    D,Телефоны,,Телефон Г,5,,2,\n\
    E,Телефоны,,Телефон Д,9,,2,\n";

async fn supplier(app: &TestApp) -> Person {
    let supplier = app.supplier("Электрон").create().await;
    app.import(&supplier, "first.csv", FIRST).await;
    supplier
}

async fn revert(supplier: &Person, import: &Value) -> Answer {
    let path = format!("/api/v1/supplier/imports/{}/revert", import["id"].as_str().unwrap());
    supplier.post(&path, json!({})).await
}

/// Takes an import back, and returns the one that did.
async fn reverted(app: &TestApp, supplier: &Person, import: &Value) -> Value {
    let answer = revert(supplier, import).await.assert_status(202);
    app.drain_jobs().await;
    let ended = supplier.get(answer.header("location").unwrap()).await.assert_status(200).json();
    assert_eq!((&ended["reverts"], &ended["source"]), (&import["id"], &import["source"]));
    ended
}

#[track_caller]
fn assert_counts(import: &Value, status: &str, [updated, unchanged, withdrawn, failed]: [u32; 4]) {
    let counts = json!({
        "inserted": 0, "updated": updated, "unchanged": unchanged, "withdrawn": withdrawn, "failed": failed,
    });
    assert_eq!((&import["status"], &import["counts"]), (&json!(status), &counts), "{import}");
}

/// All of the supplier's offers that can be seen, and of each what a list says of it.
async fn offers(app: &TestApp) -> Vec<(String, Value)> {
    sqlx::query_as(
        "select o.sku, jsonb_build_array(c.name, p.name, o.model, o.price_minor, o.recommended_price_minor, t.stock, \
         o.parameters) \
         from offers o join offer_stock t on t.offer_id = o.id join products p on p.id = o.product_id \
         join categories c on c.id = p.category_id where o.withdrawn_at is null order by o.sku",
    )
    .fetch_all(app.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn what_a_list_has_changed_is_as_it_was() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let before = (offers(&app).await, app.get("/api/v1/products?sort=price").await.json());
    let second = app.import(&supplier, "second.csv", SECOND).await;
    let after = offers(&app).await;
    assert_eq!(second["status"], "completed");
    assert_ne!(after, before.0);
    let undone = reverted(&app, &supplier, &second).await;
    assert_counts(&undone, "completed", [3, 0, 1, 0]);
    assert_eq!((offers(&app).await, app.get("/api/v1/products?sort=price").await.json()), before);
    let rows = format!("/api/v1/supplier/imports/{}/rows", undone["id"].as_str().unwrap());
    let rows = supplier.get(&rows).await.json();
    assert_eq!(rows["items"][0]["changes"]["price"], json!(["90.00", "100.50"]));
    assert_eq!(rows["items"][2]["changes"], json!({ "withdrawn": [true, false] }));
    assert_eq!((&rows["items"][3]["sku"], &rows["items"][3]["status"]), (&json!("D"), &json!("withdrawn")));

    // And that is taken back, too.
    let redone = reverted(&app, &supplier, &undone).await;
    assert_counts(&redone, "completed", [3, 0, 1, 0]);
    assert_eq!(offers(&app).await, after);
    app.finish().await;
}

#[tokio::test]
async fn what_has_changed_since_is_left_as_it_is_and_reported() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let second = app.import(&supplier, "second.csv", SECOND).await;
    let third = "id,category,name,price,quantity\nD,Телефоны,Телефон Г,6,2\n";
    app.import_as(&supplier, "upsert", "third.csv", third).await;
    let buyer = app.buyer().with_basket([("B", 2)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    let part = format!("/api/v1/supplier/orders/{}/status", order["parts"][0]["id"].as_str().unwrap());
    for status in ["confirmed", "assembled", "sent"] {
        supplier.post(&part, json!({ "status": status })).await.assert_status(200);
    }
    let undone = reverted(&app, &supplier, &second).await;
    assert_counts(&undone, "completed_with_errors", [2, 0, 0, 2]);
    let rows = format!("/api/v1/supplier/imports/{}/rows?status=failed", undone["id"].as_str().unwrap());
    let rows = supplier.get(&rows).await.json();
    let failed: Vec<_> = rows["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["sku"].as_str().unwrap(), row["errors"][0]["code"].as_str().unwrap()))
        .collect();
    assert_eq!(failed, [("B", "changed_since"), ("D", "changed_since")]);
    assert_eq!(app.stock("B").await, (4, 0), "what was shipped is gone");
    let skus: Vec<_> = offers(&app).await.into_iter().map(|(sku, _)| sku).collect();
    assert_eq!(skus, ["A", "B", "C", "D", "E"]);
    app.finish().await;
}

#[tokio::test]
async fn stock_that_the_list_had_not_set_stays_what_it_is() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let dearer = FIRST.replace("Телефон В,7,", "Телефон В,8,");
    let second = app.import(&supplier, "second.csv", dearer).await;
    let buyer = app.buyer().with_basket([("C", 2)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    let part = format!("/api/v1/supplier/orders/{}/status", order["parts"][0]["id"].as_str().unwrap());
    for status in ["confirmed", "assembled", "sent"] {
        supplier.post(&part, json!({ "status": status })).await.assert_status(200);
    }
    assert_counts(&reverted(&app, &supplier, &second).await, "completed", [1, 0, 0, 0]);
    assert_eq!(app.stock("C").await, (1, 0));
    let price: i64 = sqlx::query_scalar("select price_minor from offers where sku = 'C'")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert_eq!(price, 700);
    app.finish().await;
}

#[tokio::test]
async fn what_was_never_applied_or_is_forgotten_is_not_taken_back() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let broken = app.import(&supplier, "broken.yaml", "goods: many").await;
    revert(&supplier, &broken).await.assert_status(409).problem("import_not_revertible");
    let held = app.import(&supplier, "held.csv", "id,category,name,price,quantity\nA,Т,А,1,1\n").await;
    revert(&supplier, &held).await.assert_status(409).problem("import_not_revertible");
    let second = app.import(&supplier, "second.csv", SECOND).await;
    sqlx::query("delete from price_import_rows where status = 'withdrawn' and import_id = $1::uuid")
        .bind(second["id"].as_str().unwrap())
        .execute(app.pool())
        .await
        .unwrap();
    revert(&supplier, &second).await.assert_status(409).problem("import_not_revertible");
    let same = app.import(&supplier, "second.csv", SECOND).await;
    assert_counts(&reverted(&app, &supplier, &same).await, "completed", [0, 0, 0, 0]);
    app.finish().await;
}

#[tokio::test]
async fn an_import_is_taken_back_once_for_a_key_and_in_its_turn() {
    let app = TestApp::start().await;
    let (supplier, staff) = (supplier(&app).await, app.staff().create().await);
    let before = offers(&app).await;
    let second = app.import(&supplier, "second.csv", SECOND).await;
    app.stop_worker().await;
    let path = format!("/api/v1/supplier/imports/{}/revert", second["id"].as_str().unwrap());
    let first = supplier.post_once(&path, "key", json!({})).await.assert_status(202);
    let again = supplier.post_once(&path, "key", json!({})).await.assert_status(202);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((first.json(), first.header("location")), (again.json(), again.header("location")));
    app.start_worker().await;
    app.drain_jobs().await;
    assert_eq!(offers(&app).await, before);

    let id = supplier.get("/api/v1/supplier").await.json()["id"].as_str().unwrap().to_owned();
    let undone = first.json();
    let imports = format!("/api/v1/admin/suppliers/{id}/imports");
    let path = format!("{imports}/{}/revert", undone["id"].as_str().unwrap());
    let redone = staff.post(&path, json!({})).await.assert_status(202);
    app.drain_jobs().await;
    assert!(redone.header("location").unwrap().starts_with(&imports));
    let log = staff.get("/api/v1/admin/audit-log?action=revert_price_list").await.json();
    assert_eq!(log["items"][0]["details"]["reverts"], undone["id"]);
    app.finish().await;
}
