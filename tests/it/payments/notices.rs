//! What the provider tells us unasked: again and again, out of order, too early, too late, or somebody else says so.

use local_stack::payment_sandbox::NoticeSettings;
use serde_json::{Value, json};

use super::{begin, both_confirm, go_and_pay, market, now, order_by_card, pay};
use crate::support::TestApp;

const WEBHOOK: &str = "/api/v1/webhooks/payments/yookassa";

fn notice(event: &str, id: &str) -> Value {
    json!({ "type": "notification", "event": event, "object": {
        "id": id, "status": "succeeded", "paid": true, "amount": { "value": "140.00", "currency": "RUB" },
    } })
}

#[tokio::test]
async fn notices_that_come_ten_times_and_overtake_one_another_do_each_thing_once() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let url = Some(app.url(WEBHOOK));
    app.provider().notify(NoticeSettings { url, more: 9, late_by_ms: 200 });
    let (order, payment) = pay(&app, &buyer).await;
    both_confirm(&app, &elektron, &kancler).await;
    assert_eq!(now(&buyer, &payment).await["status"], "captured");
    assert_eq!(now(&buyer, &order).await["payment_status"], "paid");
    assert_eq!(app.provider().payments()[0].captures, 1);
    app.mailbox(buyer.email()).await.assert_one("Получена оплата");
    app.mailbox(elektron.email()).await.assert_one("Новый заказ");
    app.finish().await;
}

#[tokio::test]
async fn a_notice_that_is_not_true_moves_nothing() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    let payment = begin(&buyer, &order).await.assert_status(201).json();
    let id = app.provider().payments()[0].id.clone();
    for event in ["payment.succeeded", "payment.waiting_for_capture", "payment.canceled"] {
        app.post(WEBHOOK, notice(event, &id)).await.assert_status(200);
    }
    app.post(WEBHOOK, notice("payment.succeeded", "no-such-payment")).await.assert_status(200);
    app.drain_jobs().await;
    let path = format!("/api/v1/payments/{}", payment["id"].as_str().unwrap());
    assert_eq!(now(&buyer, &path).await["status"], "requires_action");
    assert_eq!(now(&buyer, &order).await["payment_status"], "not_paid");
    // The true one is not taken for a repetition of the forged one.
    go_and_pay(&app, &payment).await;
    app.drain_jobs().await;
    assert_eq!(now(&buyer, &path).await["status"], "authorized");
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_notice_is_refused() {
    let app = TestApp::start_with_cards().await;
    let invented = notice("payment.invented", "22d6d597-000f-5000-9000-145f6df21d6f");
    let other = json!({ "event": "payment.succeeded", "object": { "id": 7 } });
    let of_no_payment = notice("refund.succeeded", "22d6d597-000f-5000-9000-145f6df21d6f");
    let unreadable = notice("payment.succeeded", "two words");
    for body in [json!({}), json!([]), other, invented, of_no_payment, unreadable] {
        app.post(WEBHOOK, body).await.assert_status(400).problem("bad_request");
    }
    let large = json!({ "event": "payment.succeeded", "object": { "id": "x".repeat(70_000) } });
    app.post(WEBHOOK, large).await.assert_status(413).problem("payload_too_large");
    app.post("/api/v1/webhooks/payments/stripe", json!({})).await.assert_status(404);
    app.finish().await;
}

#[tokio::test]
async fn notices_that_never_come_are_made_up_for() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    app.provider().notify(NoticeSettings::default());
    let (order, payment) = pay(&app, &buyer).await;
    assert_eq!(now(&buyer, &payment).await["status"], "requires_action", "nobody has told us");
    app.run_scheduled_jobs().await;
    assert_eq!(now(&buyer, &payment).await["status"], "authorized");
    both_confirm(&app, &elektron, &kancler).await;
    assert_eq!(now(&buyer, &order).await["payment_status"], "paid");
    app.finish().await;
}

#[tokio::test]
async fn however_many_notices_somebody_sends_the_provider_is_asked_once_a_second() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    begin(&buyer, &order).await.assert_status(201);
    let id = app.provider().payments()[0].id.clone();
    app.drain_jobs().await;
    app.stop_worker().await;
    for number in 0..40 {
        let refund = json!({ "type": "notification", "event": "refund.succeeded", "object": {
            "id": format!("made-up-{number}"), "payment_id": id,
        } });
        app.post(WEBHOOK, refund).await.assert_status(200);
        app.post(WEBHOOK, notice("payment.canceled", &id)).await.assert_status(200);
    }
    let waiting = "select count(*) from jobs where kind = 'finalize_payment' and state = 'ready'";
    let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(app.pool()).await.unwrap();
    assert!((1..40).contains(&waiting), "{waiting} jobs for 80 notices");
    let kept: i64 =
        sqlx::query_scalar("select count(*) from payment_notices").fetch_one(app.pool()).await.unwrap();
    assert_eq!(kept, 2);
    app.finish().await;
}
