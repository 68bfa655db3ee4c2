//! Paying by card: from the order to the receipt.

use serde_json::json;

use super::{begin, go_and_pay, market, now, order_by_card, pay, seen_by, walk};
use crate::support::{ADMIN, TestApp, address};

#[tokio::test]
async fn a_card_is_held_and_taken_once_every_supplier_has_answered() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    assert_eq!(now(&buyer, &order).await["payment_status"], "not_paid");
    assert_eq!(app.stock("A").await, (100, 1), "the goods are reserved");
    assert_eq!((seen_by(&elektron).await, seen_by(&kancler).await), (0, 0));
    app.mailbox(buyer.email()).await.assert_one("Заказ №");
    assert!(app.mailbox(elektron.email()).await.about("Новый заказ").is_empty());

    let begun = begin(&buyer, &order).await.assert_status(201);
    let payment = begun.json();
    let location = begun.header("location").unwrap();
    assert_eq!((&payment["kind"], &payment["status"]), (&json!("card"), &json!("requires_action")));
    assert_eq!((&payment["amount"], &payment["provider"]), (&json!("140.00"), &json!("yookassa")));
    go_and_pay(&app, &payment).await;
    app.drain_jobs().await;
    assert_eq!(now(&buyer, location).await["status"], "authorized");
    assert_eq!(now(&buyer, &order).await["payment_status"], "authorized");
    assert_eq!((seen_by(&elektron).await, seen_by(&kancler).await), (1, 1));
    app.mailbox(elektron.email()).await.assert_one("Новый заказ");
    app.mailbox(ADMIN).await.only();

    walk(&elektron, &["confirmed"]).await;
    app.drain_jobs().await;
    assert_eq!(now(&buyer, location).await["status"], "authorized", "the other supplier has not answered");
    walk(&kancler, &["confirmed"]).await;
    app.drain_jobs().await;
    let payment = now(&buyer, location).await;
    assert_eq!((&payment["status"], &payment["captured"]), (&json!("captured"), &json!("140.00")));
    assert_eq!(payment.get("redirect_url"), None);
    assert_eq!(now(&buyer, &order).await["payment_status"], "paid");
    assert_eq!(now(&buyer, "/api/v1/orders").await["items"][0]["payment_status"], "paid");
    app.mailbox(buyer.email()).await.assert_one("Получена оплата");
    begin(&buyer, &order).await.assert_status(409).problem("already_paid");
    app.finish().await;
}

#[tokio::test]
async fn only_what_is_left_of_the_order_is_taken() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let (order, payment) = pay(&app, &buyer).await;
    walk(&elektron, &["refused"]).await;
    walk(&kancler, &["confirmed"]).await;
    app.drain_jobs().await;
    let payment = now(&buyer, &payment).await;
    assert_eq!((&payment["amount"], &payment["captured"]), (&json!("140.00"), &json!("40.00")));
    assert_eq!(payment["refunds"], json!([]));
    assert_eq!(now(&buyer, &order).await["payment_status"], "paid");
    app.finish().await;
}

#[tokio::test]
async fn held_money_is_let_go_of_when_nothing_is_left() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let (order, payment) = pay(&app, &buyer).await;
    walk(&elektron, &["refused"]).await;
    walk(&kancler, &["refused"]).await;
    app.drain_jobs().await;
    assert_eq!(now(&buyer, &payment).await["status"], "canceled");
    let order_now = now(&buyer, &order).await;
    assert_eq!(
        (&order_now["status"], &order_now["payment_status"]),
        (&json!("canceled"), &json!("not_paid"))
    );
    assert_eq!(seen_by(&elektron).await, 1, "what a supplier saw stays to be seen");
    begin(&buyer, &order).await.assert_status(409).problem("nothing_to_pay");
    app.finish().await;
}

#[tokio::test]
async fn one_payment_at_a_time_waits_for_its_buyer() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    let first = begin(&buyer, &order).await.assert_status(201).json();
    let second = begin(&buyer, &order).await.assert_status(201).json();
    assert_eq!((&first["id"], &first["redirect_url"]), (&second["id"], &second["redirect_url"]));
    assert_eq!(app.provider().payments().len(), 1);

    let name = app.provider().payments()[0].id.clone();
    let page = format!("http://{}/pay/{name}?decline=true", app.provider().addr());
    crate::support::Answer::to(app.client().post(page)).await.assert_status(200);
    app.drain_jobs().await;
    let payment = now(&buyer, &format!("/api/v1/payments/{}", first["id"].as_str().unwrap())).await;
    assert_eq!(payment["status"], "failed");
    let third = begin(&buyer, &order).await.assert_status(201).json();
    assert_ne!(third["id"], first["id"], "another card may be tried");
    go_and_pay(&app, &third).await;
    app.drain_jobs().await;
    assert_eq!(now(&buyer, &order).await["payment_status"], "authorized");
    app.finish().await;
}

#[tokio::test]
async fn a_replay_shows_the_payment_as_it_is_now() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    let path = format!("{order}/payments");
    let first = buyer.post_once(&path, "pay-1", json!({})).await.assert_status(201).json();
    go_and_pay(&app, &first).await;
    app.drain_jobs().await;
    let again = buyer.post_once(&path, "pay-1", json!({})).await.assert_status(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let shown = again.json();
    assert_eq!((&shown["id"], &shown["status"]), (&first["id"], &json!("authorized")));
    let other = json!({ "provider": "yookassa" });
    buyer.post_once(&path, "pay-1", other).await.assert_status(422).problem("idempotency_key_reused");
    app.finish().await;
}

#[tokio::test]
async fn without_a_provider_nobody_pays_by_card() {
    let app = TestApp::start().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let body = json!({ "address": address(), "payment_method": "card" });
    buyer.post("/api/v1/orders", body).await.assert_status(422).problem("payment_method_unavailable");
    let order = buyer.order().await.assert_status(201);
    let order = order.header("location").unwrap();
    begin(&buyer, order).await.assert_status(422).problem("payment_method_unavailable");
    let notice = json!({ "event": "payment.succeeded", "object": { "id": "x" } });
    app.post("/api/v1/webhooks/payments/yookassa", notice).await.assert_status(404);
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_paid_by_card_is_refused() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let stranger = app.buyer().create().await;
    let order = buyer.order().await.assert_status(201);
    let order = order.header("location").unwrap();
    begin(&buyer, order).await.assert_status(422).problem("payment_method_unavailable");
    begin(&stranger, order).await.assert_status(404).problem("not_found");
    app.post(&format!("{order}/payments"), json!({})).await.assert_status(401);
    let refused = buyer.post(&format!("{order}/payments"), json!({ "provider": "stripe", "x": 1 })).await;
    refused.assert_status(422).invalid(&[("/x", "unknown_field")]);
    let refused = buyer.post(&format!("{order}/payments"), json!({ "provider": "stripe" })).await;
    refused.assert_status(422).invalid(&[("/provider", "unknown_word")]);
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_cannot_reach_what_it_does_not_see() {
    let app = TestApp::start_with_cards().await;
    let (elektron, _kancler, buyer) = market(&app).await;
    let order = now(&buyer, &order_by_card(&buyer).await).await;
    for part in order["parts"].as_array().unwrap() {
        let path = format!("/api/v1/supplier/orders/{}", part["id"].as_str().unwrap());
        elektron.get(&path).await.assert_status(404);
        let body = json!({ "status": "confirmed" });
        elektron.post(&format!("{path}/status"), body).await.assert_status(404);
    }
    app.finish().await;
}

#[tokio::test]
async fn many_tabs_begin_one_payment() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    let begun = futures_util::future::join_all((0..8).map(|_| begin(&buyer, &order))).await;
    let ids: std::collections::BTreeSet<String> =
        begun.into_iter().map(|answer| answer.assert_status(201).json()["id"].to_string()).collect();
    assert_eq!((ids.len(), app.provider().payments().len()), (1, 1));
    app.finish().await;
}

#[tokio::test]
async fn a_card_needs_no_approval_as_invoices_do() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let waits = "update organizations set approved_at = null where kind = 'buyer'";
    sqlx::query(waits).execute(app.pool()).await.unwrap();
    buyer.order().await.assert_status(422).problem("payment_method_unavailable");
    order_by_card(&buyer).await;
    app.finish().await;
}

#[tokio::test]
async fn money_that_somebody_took_at_the_provider_pays_for_all_parts() {
    let app = TestApp::start_with_cards().await;
    let (elektron, _kancler, buyer) = market(&app).await;
    let (order, payment) = pay(&app, &buyer).await;
    walk(&elektron, &["refused"]).await;
    app.drain_jobs().await;
    let name = app.provider().payments()[0].id.clone();
    app.provider().take(&name).unwrap();
    app.drain_jobs().await;
    let payment = now(&buyer, &payment).await;
    assert_eq!((&payment["captured"], &payment["refunded"]), (&json!("140.00"), &json!("100.00")));
    assert_eq!(now(&buyer, &order).await["payment_status"], "partially_refunded");
    app.finish().await;
}

#[tokio::test]
async fn a_replay_needs_no_more_connections_than_one() {
    let app = TestApp::start_with_cards_and_one_connection().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let path = format!("{}/payments", order_by_card(&buyer).await);
    let first = buyer.post_once(&path, "pay-1", json!({})).await.assert_status(201).json();
    let again = buyer.post_once(&path, "pay-1", json!({})).await.assert_status(201).json();
    assert_eq!(again["id"], first["id"]);
    app.finish().await;
}
