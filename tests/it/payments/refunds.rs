//! Money of a card going back.

use serde_json::json;

use super::{market, now, pay, walk};
use crate::support::TestApp;

#[tokio::test]
async fn what_was_taken_for_a_part_that_is_canceled_later_goes_back_by_itself() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    let (order, payment) = pay(&app, &buyer).await;
    walk(&elektron, &["confirmed"]).await;
    walk(&kancler, &["confirmed"]).await;
    app.drain_jobs().await;
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
    walk(&elektron, &["confirmed"]).await;
    walk(&kancler, &["confirmed"]).await;
    app.drain_jobs().await;
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
