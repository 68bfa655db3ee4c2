//! Canceling what others cancel, send or order at the same moment.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::json;

use super::Ordered;
use crate::support::{Answer, TestApp, price_list};

fn count(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_canceled_many_times_at_once_is_canceled_once() {
    let app = TestApp::start().await;
    let ordered = Ordered::new(&app).await;
    let answers = join_all((0..12).map(async |n| match n % 3 {
        0 => ordered.cancel().await,
        1 => ordered.cancel_part("Электрон").await,
        _ => ordered.cancel_part("Канцлер").await,
    }))
    .await;
    assert_eq!(count(&answers), BTreeMap::from([(200, 12)]));
    for part in ordered.shown().await["parts"].as_array().unwrap() {
        assert_eq!(part["history"].as_array().unwrap().len(), 2, "{part}");
    }
    for sku in ["A", "B", "C"] {
        assert_eq!(app.stock(sku).await, (10, 0), "{sku}");
    }
    app.mailbox(ordered.elektron.email()).await.assert_one("отменён");
    app.mailbox(ordered.kancler.email()).await.assert_one("отменён");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_canceling_and_sending_at_once_exactly_one_happens() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон", "100", 100)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let buyer = app.buyer().create().await;
    let a = app.offer("A").await;
    let mut sent = 0;
    for _ in 0..8 {
        buyer.put_into_basket(&a, 1).await.assert_status(200);
        let order = buyer.order().await.assert_status(201).json();
        let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
        let part = format!("/api/v1/supplier/orders/{}/status", order["parts"][0]["id"].as_str().unwrap());
        for status in ["confirmed", "assembled"] {
            supplier.post(&part, json!({ "status": status })).await.assert_status(200);
        }
        let cancel = format!("{path}/cancel");
        let (canceled, moved) = tokio::join!(
            buyer.post(&cancel, json!(null)),
            supplier.post(&part, json!({ "status": "sent" })),
        );
        let status = buyer.get(&path).await.assert_status(200).json()["parts"][0]["status"].clone();
        match (canceled.status(), moved.status()) {
            (200, 409) => {
                moved.problem("illegal_transition");
                assert_eq!(status, "canceled");
            }
            (409, 200) => {
                canceled.problem("not_cancelable");
                assert_eq!(status, "sent");
                sent += 1;
            }
            both => panic!("{both:?}"),
        }
    }
    assert_eq!(app.stock("A").await, (100 - sent, 0));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn canceling_and_ordering_the_same_goods_at_once_does_not_deadlock() {
    const SKUS: [&str; 5] = ["A", "B", "C", "D", "E"];
    let app = TestApp::start().await;
    for (name, skus) in [("Электрон", &SKUS[..3]), ("Канцлер", &SKUS[3..])] {
        let goods: Vec<_> = skus.iter().map(|sku| (*sku, *sku, "100", 100)).collect();
        app.supplier(name).with_price_list(price_list(&goods)).create().await;
    }
    let mut backwards = SKUS.map(|sku| (sku, 1));
    let forwards = backwards;
    backwards.reverse();
    let buyers = join_all(
        (0..6).map(|n| app.buyer().with_basket(if n % 2 == 0 { forwards } else { backwards }).create()),
    )
    .await;
    let mut placed = Vec::new();
    for buyer in &buyers[..3] {
        let order = buyer.order().await.assert_status(201).json();
        placed.push(format!("/api/v1/orders/{}/cancel", order["id"].as_str().unwrap()));
    }
    let (canceled, ordered) = tokio::join!(
        join_all(buyers.iter().zip(&placed).map(|(buyer, path)| buyer.post(path, json!(null)))),
        join_all(buyers[3..].iter().map(|buyer| buyer.order())),
    );
    assert_eq!(count(&canceled), BTreeMap::from([(200, 3)]));
    assert_eq!(count(&ordered), BTreeMap::from([(201, 3)]));
    for sku in SKUS {
        assert_eq!(app.stock(sku).await, (100, 3), "{sku}");
    }
    app.finish().await;
}
