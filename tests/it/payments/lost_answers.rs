//! A provider whose answers are lost, late or wrong.

use local_stack::payment_sandbox::{Fault, FaultKind, Operation};
use serde_json::json;

use super::{begin, both_confirm, go_and_pay, market, now, order_by_card, pay, walk};
use crate::support::TestApp;

fn fault(operation: Operation, kind: FaultKind, times: u32) -> Fault {
    Fault { operation, kind, times: Some(times) }
}

#[tokio::test]
async fn without_an_answer_the_payment_waits_and_gets_its_page_later() {
    for kind in [FaultKind::FailBefore, FaultKind::FailAfter, FaultKind::LoseAnswer] {
        let app = TestApp::start_with_cards().await;
        let (_elektron, _kancler, buyer) = market(&app).await;
        let order = order_by_card(&buyer).await;
        app.provider().inject(fault(Operation::Create, kind, 1));
        let begun = begin(&buyer, &order).await.assert_status(201);
        let payment = begun.json();
        assert_eq!((&payment["status"], payment.get("redirect_url")), (&json!("pending"), None), "{kind:?}");
        app.run_scheduled_jobs().await;
        let payment = now(&buyer, begun.header("location").unwrap()).await;
        assert_eq!(payment["status"], "requires_action", "{kind:?}");
        assert_eq!(app.provider().payments().len(), 1, "{kind:?}: asked again, begun once");
        go_and_pay(&app, &payment).await;
        app.drain_jobs().await;
        assert_eq!(now(&buyer, &order).await["payment_status"], "authorized");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_capture_whose_answer_is_lost_happens_once() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let (order, _payment) = pay(&app, &buyer).await;
    app.provider().inject(fault(Operation::Capture, FaultKind::LoseAnswer, 1));
    app.provider().inject(fault(Operation::Find, FaultKind::FailBefore, 1));
    both_confirm(&app, &elektron, &kancler).await;
    assert_eq!(app.provider().payments()[0].captures, 1);
    assert_eq!(now(&buyer, &order).await["payment_status"], "paid");
    app.mailbox(buyer.email()).await.assert_one("Получена оплата");
    app.finish().await;
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_happens_once() {
    for kind in [FaultKind::FailBefore, FaultKind::FailAfter, FaultKind::LoseAnswer] {
        let app = TestApp::start_with_cards().await;
        let (elektron, kancler, buyer) = market(&app).await;
        let (_order, payment) = pay(&app, &buyer).await;
        both_confirm(&app, &elektron, &kancler).await;
        app.provider().inject(fault(Operation::Refund, kind, 2));
        walk(&elektron, &["canceled"]).await;
        app.drain_jobs().await;
        assert_eq!(app.provider().refunds().len(), 1, "{kind:?}");
        assert_eq!(now(&buyer, &payment).await["refunded"], "100.00", "{kind:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn what_does_not_agree_is_never_taken_for_paid_and_shows() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let staff = app.staff().create().await;
    let order = order_by_card(&buyer).await;
    let begun = begin(&buyer, &order).await.assert_status(201);
    app.provider().inject(fault(Operation::Find, FaultKind::OtherAmount, 1));
    go_and_pay(&app, &begun.json()).await;
    app.drain_jobs().await;
    let payment = now(&buyer, begun.header("location").unwrap()).await;
    assert_eq!(payment["status"], "requires_action");
    assert_eq!(payment.get("disagreement"), None, "the buyer can do nothing about it");
    let seen = now(&staff, "/api/v1/admin/orders").await;
    let disagreement = &seen["items"][0]["disagreement"];
    assert_eq!(*disagreement, json!("expected 140.00 RUB, the provider says 0.01 RUB"));
    assert_eq!(now(&buyer, &order).await["payment_status"], "not_paid");
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_takes_too_long_keeps_nobody_waiting() {
    let app = TestApp::start_with_cards().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let order = order_by_card(&buyer).await;
    app.provider().inject(fault(Operation::Create, FaultKind::Delay(20_000), 1));
    let begun = begin(&buyer, &order).await.assert_status(201);
    assert_eq!(begun.json()["status"], "pending", "it did not answer within 10 s");
    app.run_scheduled_jobs().await;
    let payment = now(&buyer, begun.header("location").unwrap()).await;
    assert_eq!(payment["status"], "requires_action");
    assert_eq!(app.provider().payments().len(), 1);
    app.finish().await;
}
