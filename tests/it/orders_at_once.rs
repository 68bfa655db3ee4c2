//! Many orders at the same moment.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Answer, TestApp, address, price_list};

fn count(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_ten_pieces_are_sold_to_ten_of_forty_buyers() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 10)])).create().await;
    let mut buyers = Vec::new();
    for _ in 0..5 {
        buyers.extend(join_all((0..8).map(|_| app.buyer().with_basket([("A", 1)]).create())).await);
    }
    let answers = join_all(buyers.iter().map(|buyer| buyer.order())).await;
    assert_eq!(count(&answers), BTreeMap::from([(201, 10), (409, 30)]));
    for refused in answers.iter().filter(|answer| answer.status() == 409) {
        let problem = refused.problem("not_enough_stock");
        assert_eq!(problem["basket"]["lines"].as_array().unwrap().len(), 1, "the basket stays: {problem}");
    }
    assert_eq!(app.stock("A").await, (10, 10));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_a_hundred_times_in_parallel_is_one_order() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 10)])).create().await;
    let buyer = app.buyer().with_basket([("A", 1)]).create().await;
    let body = json!({ "address": address(), "payment_method": "invoice" });
    let answers = join_all((0..100).map(|_| buyer.post_once("/api/v1/orders", "key-1", body.clone()))).await;
    let (placed, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status() == 201);
    let first = placed.iter().filter(|answer| answer.header("idempotency-replayed").is_none());
    assert_eq!(first.count(), 1, "{:?}", count(&answers));
    for answer in &placed {
        assert_eq!(answer.json(), placed[0].json());
    }
    for answer in refused {
        assert_eq!(answer.status(), 409);
        answer.problem("idempotency_in_flight");
    }
    assert_eq!(app.stock("A").await, (10, 1));
    // Now that it is answered, as many as like may have the answer at once.
    for again in join_all((0..50).map(|_| buyer.post_once("/api/v1/orders", "key-1", body.clone()))).await {
        let again = again.assert_status(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_request_runs_its_key_is_in_flight_and_free_again_when_it_fails() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 10)])).create().await;
    let buyer = app.buyer().with_basket([("A", 1)]).create().await;
    let body = json!({ "address": address(), "payment_method": "invoice" });
    let order = || buyer.post_once("/api/v1/orders", "key-1", body.clone());
    // The first waits for the basket, which is locked here.
    let mut tx = app.pool().begin().await.unwrap();
    sqlx::query("select from baskets for update").execute(&mut *tx).await.unwrap();
    let (first, second) = tokio::join!(order(), async {
        let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(app.pool()).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        let second = order().await;
        sqlx::query("delete from basket_lines").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        second
    });
    let second = second.assert_status(409);
    second.problem("idempotency_in_flight");
    assert!(second.header("retry-after").is_some());
    first.assert_status(409).problem("basket_empty");
    buyer.put_into_basket(&app.offer("A").await, 1).await.assert_status(200);
    let placed = order().await.assert_status(201);
    assert_eq!(placed.header("idempotency-replayed"), None, "a refusal is not kept");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_the_same_goods_in_opposite_orders_do_not_deadlock() {
    const SKUS: [&str; 5] = ["A", "B", "C", "D", "E"];
    let app = TestApp::start().await;
    let goods = SKUS.map(|sku| (sku, sku, "100", 100));
    app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let mut backwards = SKUS.map(|sku| (sku, 1));
    backwards.reverse();
    let forwards = SKUS.map(|sku| (sku, 2));
    let buyers = join_all((0..8).map(|n| {
        let basket = if n % 2 == 0 { forwards } else { backwards };
        app.buyer().with_basket(basket).create()
    }))
    .await;
    let answers = join_all(buyers.iter().map(|buyer| buyer.order())).await;
    assert_eq!(count(&answers), BTreeMap::from([(201, 8)]));
    for sku in SKUS {
        assert_eq!(app.stock(sku).await, (100, 12), "{sku}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_basket_ordered_twice_at_once_is_one_order() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 10)])).create().await;
    let buyer = app.buyer().with_basket([("A", 3)]).create().await;
    let answers = join_all((0..6).map(|_| buyer.order())).await;
    assert_eq!(count(&answers), BTreeMap::from([(201, 1), (409, 5)]));
    for refused in answers.iter().filter(|answer| answer.status() == 409) {
        refused.problem("basket_empty");
    }
    assert_eq!(app.stock("A").await, (10, 3));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_moves_of_one_part_at_once_exactly_one_is_made() {
    let app = TestApp::start().await;
    let list = price_list(&[("A", "Телефон", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("A", 3)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    let path = format!("/api/v1/supplier/orders/{}/status", order["parts"][0]["id"].as_str().unwrap());
    let answers = join_all((0..8).map(|_| supplier.post(&path, json!({ "status": "refused" })))).await;
    assert_eq!(count(&answers), BTreeMap::from([(200, 1), (409, 7)]));
    assert_eq!(app.stock("A").await, (10, 0), "the goods are given back once");
    app.mailbox(buyer.email()).await.assert_one("отклонён");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn price_lists_and_orders_of_the_same_goods_get_along() {
    let app = TestApp::start().await;
    let goods = [("A", "Телефон А", "100", 50), ("B", "Телефон Б", "100", 50)];
    let supplier = app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let buyers = join_all((0..8).map(|_| app.buyer().with_basket([("A", 1), ("B", 1)]).create())).await;
    let restocked = goods.map(|(sku, name, price, _)| (sku, name, price, 60));
    let list = price_list(&restocked);
    let (received, answers) = tokio::join!(
        supplier.upload("/api/v1/supplier/imports", "price.yaml", list),
        join_all(buyers.iter().map(|buyer| buyer.order())),
    );
    received.assert_status(202);
    assert_eq!(count(&answers), BTreeMap::from([(201, 8)]));
    app.drain_jobs().await;
    assert_eq!((app.stock("A").await, app.stock("B").await), ((60, 8), (60, 8)));
    app.finish().await;
}
