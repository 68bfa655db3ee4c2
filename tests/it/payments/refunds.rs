//! Money of a card going back.

use local_stack::payment_sandbox::{Fault, FaultKind, Operation};
use serde_json::json;

use super::{both_confirm, market, now, pay, walk};
use crate::support::TestApp;

#[tokio::test]
async fn what_was_taken_for_a_part_that_is_canceled_later_goes_back_by_itself() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let (order, payment) = pay(&app, &buyer).await;
    both_confirm(&app, &elektron, &kancler).await;
    walk(&elektron, &["canceled"]).await;
    app.drain_jobs().await;
    let shown = now(&buyer, &payment).await;
    assert_eq!((&shown["captured"], &shown["refunded"]), (&json!("140.00"), &json!("100.00")));
    let refund = &shown["refunds"][0];
    assert_eq!((&refund["status"], &refund["reason"]), (&json!("succeeded"), &json!("called_off")));
    assert_eq!(now(&buyer, &order).await["payment_status"], "partially_refunded");
    walk(&kancler, &["canceled"]).await;
    app.drain_jobs().await;
    assert_eq!(now(&buyer, &order).await["payment_status"], "refunded");
    assert_eq!(app.provider().refunds().len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn staff_gives_back_what_it_says_and_no_more_than_came() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let staff = app.staff().create().await;
    let (_order, payment) = pay(&app, &buyer).await;
    let path = payment.replace("/api/v1/payments", "/api/v1/admin/payments") + "/refunds";
    let body = json!({ "amount": "10.00", "reason": "Повреждена упаковка" });
    let problem = staff.post(&path, body.clone()).await.assert_status(409).problem("refund_too_large");
    assert_eq!(problem["left"], "0.00", "nothing is taken yet");
    both_confirm(&app, &elektron, &kancler).await;
    buyer.post(&path, body.clone()).await.assert_status(403);
    let made = staff.post(&path, body).await.assert_status(201).json();
    assert_eq!(made["refunds"][0]["status"], "pending");
    app.drain_jobs().await;
    let shown = now(&buyer, &payment).await;
    assert_eq!((&shown["refunded"], &shown["refunds"][0]["status"]), (&json!("10.00"), &json!("succeeded")));
    let more = json!({ "amount": "130.01", "reason": "Ещё" });
    let problem = staff.post(&path, more).await.assert_status(409).problem("refund_too_large");
    assert_eq!(problem["left"], "130.00");
    let refused = staff.post(&path, json!({ "amount": "0", "reason": " ", "part_id": "x" })).await;
    refused.assert_status(422).invalid(&[
        ("/amount", "out_of_range"),
        ("/reason", "required"),
        ("/part_id", "invalid_id"),
    ]);
    // A part that is canceled now gets its price back, and never more than is left.
    walk(&elektron, &["canceled"]).await;
    walk(&kancler, &["canceled"]).await;
    app.drain_jobs().await;
    assert_eq!(now(&buyer, &payment).await["refunded"], "140.00");
    app.finish().await;
}

#[tokio::test]
async fn a_refund_that_is_owed_does_not_wait_for_how_the_payment_stands() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let (_order, payment) = pay(&app, &buyer).await;
    both_confirm(&app, &elektron, &kancler).await;
    app.provider().inject(Fault { operation: Operation::Find, kind: FaultKind::FailBefore, times: None });
    walk(&elektron, &["canceled"]).await;
    app.drain_jobs().await;
    assert_eq!(now(&buyer, &payment).await["refunded"], "100.00");
    app.finish().await;
}

#[tokio::test]
async fn a_refund_of_which_the_provider_names_another_amount_is_looked_up_and_not_taken_for_failed() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let (_order, payment) = pay(&app, &buyer).await;
    both_confirm(&app, &elektron, &kancler).await;
    app.provider().inject(Fault {
        operation: Operation::Refund,
        kind: FaultKind::OtherAmount,
        times: Some(1),
    });
    walk(&elektron, &["canceled"]).await;
    app.drain_jobs().await;
    let shown = now(&buyer, &payment).await;
    assert_eq!((&shown["refunded"], &shown["refunds"][0]["status"]), (&json!("100.00"), &json!("succeeded")));
    assert_eq!((shown["refunds"].as_array().unwrap().len(), app.provider().refunds().len()), (1, 1));
    app.finish().await;
}

#[tokio::test]
async fn of_a_part_no_more_goes_back_than_came_for_it() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let staff = app.staff().create().await;
    let (order, payment) = pay(&app, &buyer).await;
    both_confirm(&app, &elektron, &kancler).await;
    let order = now(&buyer, &order).await;
    let cheap = order["parts"].as_array().unwrap().iter().find(|part| part["subtotal"] == "40.00").unwrap();
    let path = payment.replace("/api/v1/payments", "/api/v1/admin/payments") + "/refunds";
    let body = |amount: &str| json!({ "amount": amount, "reason": "Брак", "part_id": cheap["id"] });
    let problem = staff.post(&path, body("140.00")).await.assert_status(409).problem("refund_too_large");
    assert_eq!(problem["left"], "40.00");
    staff.post(&path, body("30.00")).await.assert_status(201);
    let problem = staff.post(&path, body("10.01")).await.assert_status(409).problem("refund_too_large");
    assert_eq!(problem["left"], "10.00");
    app.finish().await;
}
