//! Held money that is lost before it was taken.

use serde_json::json;
use time::Duration;

use super::{begin, go_and_pay, market, now, order_by_card, pay, walk};
use crate::support::{ADMIN, Answer, Person, TestApp};

/// Asks for a move of the supplier's newest part.
async fn ask(supplier: &Person, status: &str) -> Answer {
    let parts = supplier.get("/api/v1/supplier/orders").await.assert_status(200).json();
    let path = format!("/api/v1/supplier/orders/{}/status", parts["items"][0]["id"].as_str().unwrap());
    supplier.post(&path, json!({ "status": status })).await
}

#[tokio::test]
async fn what_is_only_held_is_not_sent_yet() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    pay(&app, &buyer).await;
    walk(&elektron, &["confirmed", "assembled"]).await;
    ask(&elektron, "sent").await.assert_status(409).problem("not_paid");
    assert_eq!(app.stock("A").await, (100, 1));
    walk(&kancler, &["confirmed"]).await;
    app.drain_jobs().await;
    ask(&elektron, "sent").await.assert_status(200);
    assert_eq!(app.stock("A").await, (99, 0));
    app.finish().await;
}

#[tokio::test]
async fn an_order_whose_held_money_is_lost_is_not_sent_until_it_is_paid_again() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let (order, payment) = pay(&app, &buyer).await;
    assert_eq!(now(&buyer, &order).await.get("pay_until"), None, "it waits for nothing");
    walk(&elektron, &["confirmed", "assembled"]).await;
    app.provider().expire(&app.provider().payments()[0].id).unwrap();
    app.drain_jobs().await;
    assert_eq!(now(&buyer, &payment).await["status"], "expired");
    let shown = now(&buyer, &order).await;
    assert_eq!(shown["payment_status"], "not_paid");
    assert!(shown["pay_until"].is_string(), "{shown}");
    ask(&elektron, "sent").await.assert_status(409).problem("not_paid");
    let letter = app.mailbox(buyer.email()).await.assert_one("больше не заблокированы").text.clone().unwrap();
    assert!(letter.contains("срок блокировки истёк") && letter.contains("оплатите его заново"), "{letter}");
    let letter = app.mailbox(ADMIN).await.assert_one("больше не заблокированы").text.clone().unwrap();
    assert!(letter.contains("Покупателя попросили"), "{letter}");

    let again = begin(&buyer, &order).await.assert_status(201).json();
    go_and_pay(&app, &again).await;
    app.drain_jobs().await;
    let shown = now(&buyer, &order).await;
    assert_eq!((&shown["payment_status"], shown.get("pay_until")), (&json!("authorized"), None));
    walk(&kancler, &["confirmed"]).await;
    app.drain_jobs().await;
    assert_eq!(now(&buyer, &order).await["payment_status"], "paid");
    walk(&elektron, &["sent", "delivered"]).await;
    app.mailbox(elektron.email()).await.assert_one("Новый заказ");
    app.clock().advance(Duration::days(2));
    app.run_scheduled_jobs().await;
    buyer.sign_in().await;
    assert_eq!(now(&buyer, &order).await["status"], "in_progress", "nothing is called off");
    app.finish().await;
}

#[tokio::test]
async fn an_order_that_is_not_paid_again_in_time_is_called_off_and_everybody_is_told() {
    let app = TestApp::start_with_cards().await;
    let (elektron, _kancler, buyer) = market(&app).await;
    let (order, payment) = pay(&app, &buyer).await;
    walk(&elektron, &["confirmed"]).await;
    app.provider().decline_capture(&app.provider().payments()[0].id).unwrap();
    app.drain_jobs().await;
    let shown = now(&buyer, &payment).await;
    assert_eq!((&shown["status"], &shown["failure"]), (&json!("failed"), &json!("general_decline")));
    app.clock().advance(Duration::hours(23));
    app.run_scheduled_jobs().await;
    assert_eq!(app.stock("A").await, (100, 1), "its time is not up");
    // Somebody begins to pay, and does not.
    buyer.sign_in().await;
    let again = begin(&buyer, &order).await.assert_status(201).json();
    app.clock().advance(Duration::hours(2));
    app.run_scheduled_jobs().await;
    assert_eq!((app.stock("A").await, app.stock("B").await), ((100, 0), (100, 0)));
    buyer.sign_in().await;
    let shown = now(&buyer, &order).await;
    assert_eq!((&shown["status"], shown.get("pay_until")), (&json!("canceled"), None));
    app.mailbox(buyer.email()).await.assert_one("оплата не поступила");
    app.mailbox(elektron.email()).await.assert_one("отменён автоматически");
    app.mailbox(ADMIN).await.assert_one("отменён автоматически");
    // The page that was opened is of no use any more, and money that comes over it is let go of.
    let path = format!("/api/v1/payments/{}", again["id"].as_str().unwrap());
    assert_eq!(now(&buyer, &path).await.get("redirect_url"), None);
    go_and_pay(&app, &again).await;
    app.drain_jobs().await;
    assert_eq!(now(&buyer, &path).await["status"], "canceled");
    app.finish().await;
}

#[tokio::test]
async fn money_that_is_let_go_of_for_an_order_of_which_nothing_is_left_is_no_loss() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let (order, _payment) = pay(&app, &buyer).await;
    buyer.post(&format!("{order}/cancel"), json!(null)).await.assert_status(200);
    app.drain_jobs().await;
    assert!(app.mailbox(buyer.email()).await.about("больше не заблокированы").is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_payment_of_which_the_answer_never_came_ends_with_its_order() {
    use local_stack::payment_sandbox::{Fault, FaultKind, Operation};

    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    let lost = Fault { operation: Operation::Create, kind: FaultKind::FailBefore, times: Some(1) };
    app.provider().inject(lost);
    let begun = begin(&buyer, &order).await.assert_status(201);
    assert_eq!(begun.json()["status"], "pending");
    buyer.post(&format!("{order}/cancel"), json!(null)).await.assert_status(200);
    app.run_scheduled_jobs().await;
    assert_eq!(now(&buyer, begun.header("location").unwrap()).await["status"], "canceled");
    assert_eq!(app.provider().payments().len(), 0, "nobody asks for money for nothing");
    app.finish().await;
}
