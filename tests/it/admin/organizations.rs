//! Approving organizations.

use common::ids::OrganizationId;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, price_list};

const ORGANIZATIONS: &str = "/api/v1/admin/organizations";

async fn start() -> TestApp {
    TestApp::start_with(|trade| trade.require_approval = true).await
}

async fn find(staff: &Person, query: &str) -> Vec<Value> {
    let page = staff.get(&format!("{ORGANIZATIONS}?{query}")).await.assert_status(200).json();
    page["items"].as_array().unwrap().clone()
}

async fn approve(staff: &Person, id: &str) -> Answer {
    staff.post(&format!("{ORGANIZATIONS}/{id}/approve"), json!({})).await
}

fn id(organization: &Value) -> &str {
    organization["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_suppliers_offers_are_nowhere_until_it_is_approved_and_then_everywhere() {
    let app = start().await;
    let staff = app.staff().create().await;
    let list = price_list(&[("1", "Смартфон iPhone", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().create().await;
    let offer = app.offer("1").await;
    let shown = async || -> [bool; 4] {
        let items = async |path: &str| app.get(path).await.assert_status(200).json()["items"].clone();
        [
            items("/api/v1/suppliers").await != json!([]),
            items("/api/v1/products").await != json!([]),
            items("/api/v1/products?q=iphone").await != json!([]),
            items("/api/v1/categories").await != json!([]),
        ]
    };
    assert_eq!(supplier.get("/api/v1/supplier").await.json()["approved"], false);
    assert_eq!(shown().await, [false; 4]);
    buyer.put_into_basket(&offer, 1).await.assert_status(404).problem("not_found");
    let organization = find(&staff, "kind=supplier&approved=false").await.remove(0);
    app.get(&format!("/api/v1/suppliers/{}", id(&organization))).await.assert_status(404);

    let approved = approve(&staff, id(&organization)).await.assert_status(200).json();
    assert_eq!((&approved["approved"], &approved["name"]), (&json!(true), &json!("Электрон")));
    app.drain_jobs().await;
    assert_eq!(shown().await, [true; 4]);
    assert_eq!(supplier.get("/api/v1/supplier").await.json()["approved"], true);
    buyer.put_into_basket(&offer, 1).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn a_buyer_has_no_invoice_terms_until_it_is_approved() {
    let app = start().await;
    let staff = app.staff().create().await;
    let list = price_list(&[("1", "iPhone", "100", 10)]);
    app.supplier("Электрон").with_price_list(list).create().await;
    approve(&staff, id(&find(&staff, "kind=supplier").await[0])).await.assert_status(200);
    let buyer = app.buyer().with_basket([("1", 1)]).create().await;
    buyer.order().await.assert_status(422).problem("payment_method_unavailable");
    approve(&staff, id(&find(&staff, "kind=buyer").await[0])).await.assert_status(200);
    buyer.order().await.assert_status(201);
    app.finish().await;
}

#[tokio::test]
async fn its_people_are_told_once_in_their_language_and_it_is_written_down_once() {
    let app = start().await;
    let staff = app.staff().create().await;
    let buyer = app.buyer().locale("en").create().await;
    let organization = find(&staff, "kind=buyer").await.remove(0);
    for _ in 0..2 {
        approve(&staff, id(&organization)).await.assert_status(200);
    }
    let mailbox = app.mailbox(buyer.email()).await;
    let message = mailbox.assert_one("is approved");
    assert!(message.text.as_deref().unwrap().contains("paid by invoice"), "{:?}", message.text);
    let log = staff.get(&format!("/api/v1/admin/audit-log?subject_id={}", id(&organization))).await.json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    assert_eq!(log["items"][0]["action"], "approve_organization");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_many_times_at_once_tells_once() {
    let app = start().await;
    let staff = app.staff().create().await;
    let supplier = app.supplier("Электрон").create().await;
    let organization = find(&staff, "kind=supplier").await.remove(0);
    let answers = futures_util::future::join_all((0..5).map(|_| approve(&staff, id(&organization)))).await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    app.mailbox(supplier.email()).await.assert_one("Организация одобрена");
    app.finish().await;
}

#[tokio::test]
async fn organizations_are_found_by_kind_approval_and_name() {
    let app = start().await;
    let staff = app.staff().create().await;
    app.supplier("Электрон").create().await;
    app.supplier("Канцлер").create().await;
    app.buyer().create().await;
    let names = async |query: &str| -> Vec<Value> {
        find(&staff, query).await.into_iter().map(|organization| organization["name"].clone()).collect()
    };
    assert_eq!(names("").await, ["Сеть «Ромашка»", "Канцлер", "Электрон", "Postavka"]);
    assert_eq!(names("kind=supplier").await, ["Канцлер", "Электрон"]);
    assert_eq!(names("approved=true").await, ["Postavka"]);
    assert_eq!(names("q=канц&approved=false").await, ["Канцлер"]);
    assert_eq!(find(&staff, "kind=operator").await[0]["people_count"], 1);
    let page = staff.get(&format!("{ORGANIZATIONS}?limit=3")).await.json();
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(names(&format!("limit=3&cursor={next}")).await, ["Postavka"]);
    staff
        .get(&format!("{ORGANIZATIONS}?kind=x&approved=1"))
        .await
        .invalid(&[("kind", "unknown_word"), ("approved", "unknown_word")]);
    app.finish().await;
}

#[tokio::test]
async fn nobody_else_may_and_what_is_not_there_is_not_found() {
    let app = start().await;
    let staff = app.staff().create().await;
    let supplier = app.supplier("Электрон").create().await;
    let organization = find(&staff, "kind=supplier").await.remove(0);
    for person in [&supplier, &app.buyer().create().await] {
        person.get(ORGANIZATIONS).await.assert_status(403).problem("forbidden");
        approve(person, id(&organization)).await.assert_status(403).problem("forbidden");
    }
    approve(&staff, &OrganizationId::new().to_string()).await.assert_status(404).problem("not_found");
    approve(&staff, "x").await.assert_status(404).problem("not_found");
    let operator = find(&staff, "kind=operator").await.remove(0);
    approve(&staff, id(&operator)).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn the_checker_misses_an_approval_of_which_nobody_was_told() {
    let app = start().await;
    let staff = app.staff().create().await;
    app.buyer().create().await;
    let organization = find(&staff, "kind=buyer").await.remove(0);
    approve(&staff, id(&organization)).await.assert_status(200);
    app.drain_jobs().await;
    let mut tx = app.pool().begin().await.unwrap();
    assert!(common::checks::run(&mut tx).await.unwrap().is_clean());
    tx.rollback().await.unwrap();
    let hidden = "update email_messages set cause = $1 where kind = 'organization_approved'";
    let cause = uuid::Uuid::now_v7();
    sqlx::query(hidden).bind(cause).execute(app.pool()).await.unwrap();
    let mut tx = app.pool().begin().await.unwrap();
    let report = common::checks::run(&mut tx).await.unwrap().to_string();
    assert!(report.contains(id(&organization)) && report.contains("organization_approved"), "{report}");
    tx.rollback().await.unwrap();
    sqlx::query("update email_messages set cause = $1::uuid where cause = $2")
        .bind(id(&organization))
        .bind(cause)
        .execute(app.pool())
        .await
        .unwrap();
    app.finish().await;
}
