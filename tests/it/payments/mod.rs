//! Paying: by invoice, and by card through the sandbox.

mod cards;
mod checker;
mod expiry;
mod invoices;
mod lapses;
mod lost_answers;
mod notices;
mod refunds;

use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, address, price_list};

/// Two suppliers with an offer each, `A` for 100 and `B` for 40.
async fn two_suppliers(app: &TestApp) -> (Person, Person) {
    let a = app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон А", "100", 100)]));
    let b = app.supplier("Канцлер").with_price_list(price_list(&[("B", "Телефон Б", "40", 100)]));
    (a.create().await, b.create().await)
}

/// Two suppliers, and a buyer who wants one piece of each.
async fn market(app: &TestApp) -> (Person, Person, Person) {
    let (elektron, kancler) = two_suppliers(app).await;
    let buyer = app.buyer().with_basket([("A", 1), ("B", 1)]).create().await;
    (elektron, kancler, buyer)
}

/// Orders what is in the basket by card; returns where the order stands.
async fn order_by_card(buyer: &Person) -> String {
    let body = json!({ "address": address(), "payment_method": "card" });
    let placed = buyer.post("/api/v1/orders", body).await.assert_status(201);
    placed.header("location").unwrap().to_owned()
}

/// Begins to pay an order.
async fn begin(buyer: &Person, order: &str) -> Answer {
    buyer.post(&format!("{order}/payments"), json!({})).await
}

/// Orders by card, begins to pay and pays; returns where the order and its payment stand.
async fn pay(app: &TestApp, buyer: &Person) -> (String, String) {
    let order = order_by_card(buyer).await;
    let payment = begin(buyer, &order).await.assert_status(201).json();
    go_and_pay(app, &payment).await;
    app.drain_jobs().await;
    (order, format!("/api/v1/payments/{}", payment["id"].as_str().unwrap()))
}

/// Pays at the provider's page.
async fn go_and_pay(app: &TestApp, payment: &Value) {
    let page = payment["redirect_url"].as_str().expect("where to pay");
    Answer::to(app.client().post(page)).await.assert_status(200);
}

/// An order or a payment as it is now.
async fn now(buyer: &Person, path: &str) -> Value {
    buyer.get(path).await.assert_status(200).json()
}

/// Moves a supplier's newest part through these statuses.
async fn walk(supplier: &Person, statuses: &[&str]) {
    let parts = supplier.get("/api/v1/supplier/orders").await.assert_status(200).json();
    let part = format!("/api/v1/supplier/orders/{}", parts["items"][0]["id"].as_str().expect("a part"));
    for status in statuses {
        supplier.post(&format!("{part}/status"), json!({ "status": status })).await.assert_status(200);
    }
}

/// Both suppliers confirm their parts, upon which the money is taken.
async fn both_confirm(app: &TestApp, elektron: &Person, kancler: &Person) {
    walk(elektron, &["confirmed"]).await;
    walk(kancler, &["confirmed"]).await;
    app.drain_jobs().await;
}

/// How many parts a supplier sees.
async fn seen_by(supplier: &Person) -> usize {
    let parts = supplier.get("/api/v1/supplier/orders").await.assert_status(200).json();
    parts["items"].as_array().unwrap().len()
}
