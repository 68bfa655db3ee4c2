//! Orders that wait for a card, until their time is up.

use serde_json::json;
use time::Duration;

use super::{begin, both_confirm, go_and_pay, market, now, order_by_card, pay, seen_by};
use crate::support::TestApp;

#[tokio::test]
async fn an_order_that_is_not_paid_in_time_gives_its_goods_back() {
    let app = TestApp::start_with_cards().await;
    let (elektron, _kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    app.clock().advance(Duration::minutes(59));
    app.run_scheduled_jobs().await;
    assert_eq!(app.stock("A").await, (100, 1), "its time is not up");
    app.clock().advance(Duration::minutes(2));
    app.run_scheduled_jobs().await;
    assert_eq!((app.stock("A").await, app.stock("B").await), ((100, 0), (100, 0)));
    buyer.sign_in().await;
    let shown = now(&buyer, &order).await;
    assert_eq!((&shown["status"], &shown["payment_status"]), (&json!("canceled"), &json!("not_paid")));
    assert_eq!(shown["parts"][0]["history"][1]["by"], "system");
    begin(&buyer, &order).await.assert_status(409).problem("nothing_to_pay");
    app.mailbox(buyer.email()).await.assert_one("оплата не поступила");
    elektron.sign_in().await;
    assert_eq!(seen_by(&elektron).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn whoever_paid_in_time_keeps_the_order_though_nobody_told_us() {
    let app = TestApp::start_with_cards().await;
    let (elektron, _kancler, buyer) = market(&app).await;
    app.provider().notify(local_stack::payment_sandbox::NoticeSettings::default());
    let order = order_by_card(&buyer).await;
    let payment = begin(&buyer, &order).await.assert_status(201).json();
    go_and_pay(&app, &payment).await;
    app.clock().advance(Duration::hours(2));
    app.run_scheduled_jobs().await;
    buyer.sign_in().await;
    elektron.sign_in().await;
    assert_eq!(now(&buyer, &order).await["payment_status"], "authorized");
    assert_eq!(seen_by(&elektron).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn money_that_comes_after_the_order_was_called_off_is_let_go_of() {
    let app = TestApp::start_with_cards().await;
    let (elektron, _kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    let payment = begin(&buyer, &order).await.assert_status(201).json();
    app.clock().advance(Duration::hours(2));
    app.run_scheduled_jobs().await;
    assert_eq!(app.stock("A").await, (100, 0));
    go_and_pay(&app, &payment).await;
    app.drain_jobs().await;
    buyer.sign_in().await;
    elektron.sign_in().await;
    let path = format!("/api/v1/payments/{}", payment["id"].as_str().unwrap());
    assert_eq!(now(&buyer, &path).await["status"], "canceled");
    assert_eq!(now(&buyer, &order).await["status"], "canceled");
    assert_eq!(seen_by(&elektron).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_payment_that_nobody_pays_expires_at_the_provider() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    let payment = begin(&buyer, &order).await.assert_status(201).json();
    let name = app.provider().payments()[0].id.clone();
    app.provider().expire(&name).unwrap();
    app.drain_jobs().await;
    let path = format!("/api/v1/payments/{}", payment["id"].as_str().unwrap());
    assert_eq!(now(&buyer, &path).await["status"], "expired");
    app.finish().await;
}

#[tokio::test]
async fn of_an_order_that_is_paid_nobody_is_asked_when_its_time_would_be_up() {
    use local_stack::payment_sandbox::{Fault, FaultKind, Operation};

    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    pay(&app, &buyer).await;
    both_confirm(&app, &elektron, &kancler).await;
    app.provider().inject(Fault { operation: Operation::Find, kind: FaultKind::FailBefore, times: None });
    app.clock().advance(Duration::hours(2));
    app.run_scheduled_jobs().await;
    let left = "select count(*) from jobs where kind = 'expire_order' and state <> 'done'";
    let left: i64 = sqlx::query_scalar(left).fetch_one(app.pool()).await.unwrap();
    assert_eq!(left, 0, "it waits for no provider");
    app.finish().await;
}
