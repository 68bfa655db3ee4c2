//! Filling the basket with many lines at once, and from two tabs.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, price_list};

const LINES: &str = "/api/v1/basket/lines";
const NO_OFFER: &str = "0199a9a0-0000-7000-8000-000000000000";

async fn fill(buyer: &Person, lines: Value) -> Answer {
    buyer.post(LINES, json!({ "lines": lines })).await
}

/// Sku and quantity of each line, in the order of the basket.
fn contents(basket: &Value) -> Vec<(String, i64)> {
    let lines = basket["lines"].as_array().unwrap().iter();
    lines.map(|line| (line["sku"].as_str().unwrap().to_owned(), line["quantity"].as_i64().unwrap())).collect()
}

/// Index and code of each line that was rejected.
fn rejected(answer: &Value) -> Vec<(i64, &str)> {
    let rejected = answer["rejected"].as_array().unwrap().iter();
    rejected.map(|line| (line["index"].as_i64().unwrap(), line["code"].as_str().unwrap())).collect()
}

fn owned(lines: &[(&str, i64)]) -> Vec<(String, i64)> {
    lines.iter().map(|(sku, quantity)| ((*sku).to_owned(), *quantity)).collect()
}

async fn supplier_id(supplier: &Person) -> Value {
    supplier.get("/api/v1/supplier").await.assert_status(200).json()["id"].clone()
}

/// A supplier with `count` goods of five pieces each, whose skus are their numbers.
async fn many_goods(app: &TestApp, count: usize) -> Value {
    let supplier = app.supplier("Электрон").create().await;
    let goods: String = (1..=count).map(|n| format!("{n},Товары,Товар {n},1,5\n")).collect();
    app.import(&supplier, "price.csv", format!("id,category,name,price,quantity\n{goods}")).await;
    supplier_id(&supplier).await
}

#[tokio::test]
async fn lines_name_their_offer_by_its_id_or_by_the_suppliers_own() {
    let app = TestApp::start().await;
    let goods = [("007", "Телефон А", "100.50", 10), ("B", "Телефон Б", "20", 5), ("C", "Телефон В", "1", 5)];
    let supplier = app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let supplier = supplier_id(&supplier).await;
    let buyer = app.buyer().with_basket([("C", 1)]).create().await;
    let lines = json!([
        { "supplier_id": supplier, "sku": "B", "quantity": 2 },
        { "offer_id": app.offer("007").await, "quantity": 3 },
        { "supplier_id": supplier, "sku": " C ", "quantity": 4 },
    ]);
    let filled = fill(&buyer, lines.clone()).await.assert_status(200).json();
    assert_eq!(filled["rejected"], json!([]));
    assert_eq!(contents(&filled), owned(&[("C", 4), ("B", 2), ("007", 3)]), "as they were added");
    assert_eq!((&filled["total"], &filled["currency"]), (&json!("345.50"), &json!("RUB")));
    assert_eq!(filled["suppliers"][0]["subtotal"], "345.50");
    let again = fill(&buyer, lines).await.assert_status(200).json();
    assert_eq!(again, filled, "a quantity is set, not added to");
    let shown = buyer.get("/api/v1/basket").await.json();
    assert_eq!((&shown["lines"], &shown["total"]), (&filled["lines"], &filled["total"]));
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_ordered_is_rejected_with_its_reason_and_the_rest_is_put() {
    let app = TestApp::start().await;
    let list = |goods: &[_]| price_list(goods);
    let elektron =
        app.supplier("Электрон").with_price_list(list(&[("A", "А", "1", 5), ("W", "Б", "1", 5)])).create();
    let elektron = elektron.await;
    app.import(&elektron, "price.yaml", list(&[("A", "А", "1", 5)])).await;
    let closed = app.supplier("Канцлер").with_price_list(list(&[("Z", "В", "1", 5)])).create().await;
    closed.patch("/api/v1/supplier", json!({ "accepting_orders": false })).await.assert_status(200);
    let (elektron, closed) = (supplier_id(&elektron).await, supplier_id(&closed).await);
    let buyer = app.buyer().create().await;
    let filled = fill(
        &buyer,
        json!([
            { "offer_id": NO_OFFER, "quantity": 1 },
            { "supplier_id": elektron, "sku": "W", "quantity": 1 },
            { "supplier_id": closed, "sku": "Z", "quantity": 1 },
            { "supplier_id": elektron, "sku": "A", "quantity": 5 },
            { "supplier_id": elektron, "sku": "a", "quantity": 1 },
            { "supplier_id": closed, "sku": "A", "quantity": 1 },
            { "supplier_id": NO_OFFER, "sku": "A", "quantity": 1 },
        ]),
    )
    .await
    .assert_status(200)
    .json();
    let expected = [
        (0, "not_found"),
        (1, "withdrawn"),
        (2, "supplier_closed"),
        (4, "not_found"),
        (5, "not_found"),
        (6, "not_found"),
    ];
    assert_eq!(rejected(&filled), expected);
    assert_eq!(contents(&filled), owned(&[("A", 5)]));
    let filled = fill(&buyer, json!([{ "supplier_id": elektron, "sku": "A", "quantity": 6 }])).await;
    let filled = filled.assert_status(200).json();
    assert_eq!(rejected(&filled), [(0, "not_enough_stock")]);
    let detail = filled["rejected"][0]["detail"].as_str().unwrap();
    assert!(detail.contains('5'), "how many there are: {detail}");
    assert_eq!(contents(&filled), owned(&[("A", 5)]), "what is rejected leaves its line as it was");
    app.finish().await;
}

#[tokio::test]
async fn an_unapproved_suppliers_offer_is_none() {
    let app = TestApp::start_with(|trade| trade.require_approval = true).await;
    let supplier = app.supplier("Электрон").with_price_list(price_list(&[("A", "А", "1", 5)])).create().await;
    let id = supplier_id(&supplier).await;
    let buyer = app.buyer().create().await;
    let lines = json!([{ "supplier_id": id, "sku": "A", "quantity": 1 }]);
    let filled = fill(&buyer, lines).await.assert_status(200).json();
    assert_eq!(rejected(&filled), [(0, "not_found")]);
    app.finish().await;
}

#[tokio::test]
async fn lines_for_one_offer_in_one_call_are_added_up() {
    let app = TestApp::start().await;
    let supplier = app
        .supplier("Электрон")
        .with_price_list(price_list(&[("A", "А", "1", 5), ("B", "Б", "1", 5)]))
        .create();
    let id = supplier_id(&supplier.await).await;
    let (a, buyer) = (app.offer("A").await, app.buyer().create().await);
    let lines = json!([
        { "offer_id": a, "quantity": 2 },
        { "supplier_id": id, "sku": "B", "quantity": 3 },
        { "supplier_id": id, "sku": "A", "quantity": 3 },
        { "supplier_id": id, "sku": "B", "quantity": 3 },
    ]);
    let filled = fill(&buyer, lines).await.assert_status(200).json();
    assert_eq!(contents(&filled), owned(&[("A", 5)]));
    assert_eq!(rejected(&filled), [(1, "not_enough_stock"), (3, "not_enough_stock")]);
    let lines = json!([{ "offer_id": a, "quantity": 1_000_000 }, { "offer_id": a, "quantity": 1 }]);
    let filled = fill(&buyer, lines).await.assert_status(200).json();
    assert_eq!(rejected(&filled), [(0, "out_of_range"), (1, "out_of_range")]);
    assert_eq!(contents(&filled), owned(&[("A", 5)]));
    app.finish().await;
}

#[tokio::test]
async fn values_that_are_none_are_said_all_at_once_and_nothing_is_put() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "А", "1", 5)])).create().await;
    let (a, buyer) = (app.offer("A").await, app.buyer().create().await);
    let wrong = json!([
        { "offer_id": a, "quantity": 1 },
        { "offer_id": a, "quantity": 0 },
        { "offer_id": "7", "quantity": 1_000_001 },
        { "quantity": 1 },
        { "supplier_id": NO_OFFER, "quantity": 1 },
        { "sku": "A", "quantity": 1 },
        { "offer_id": a, "sku": "A", "quantity": 1 },
        { "supplier_id": "x", "sku": " ", "quantity": 1 },
        { "supplier_id": NO_OFFER, "sku": "x".repeat(101), "quantity": 1 },
    ]);
    fill(&buyer, wrong).await.assert_status(422).invalid(&[
        ("/lines/1/quantity", "out_of_range"),
        ("/lines/2/offer_id", "invalid_id"),
        ("/lines/2/quantity", "out_of_range"),
        ("/lines/3/offer_id", "required"),
        ("/lines/4/sku", "required"),
        ("/lines/5/supplier_id", "required"),
        ("/lines/6/offer_id", "not_applicable"),
        ("/lines/7/supplier_id", "invalid_id"),
        ("/lines/7/sku", "required"),
        ("/lines/8/sku", "too_long"),
    ]);
    let misshapen = json!([
        { "offer_id": a, "quantity": "3" },
        { "offer_id": 7, "quantity": 1, "price": 1 },
        [a, null, null, 1],
        { "offer_id": a },
        "A",
    ]);
    fill(&buyer, misshapen).await.assert_status(422).invalid(&[
        ("/lines/0/quantity", "wrong_type"),
        ("/lines/1/offer_id", "wrong_type"),
        ("/lines/1/price", "unknown_field"),
        ("/lines/2", "wrong_type"),
        ("/lines/3/quantity", "required"),
        ("/lines/4", "wrong_type"),
    ]);
    fill(&buyer, json!({})).await.assert_status(422).invalid(&[("/lines", "wrong_type")]);
    buyer.post(LINES, json!({})).await.assert_status(422).invalid(&[("/lines", "required")]);
    let many = vec![json!({ "offer_id": a, "quantity": 1 }); 1_001];
    fill(&buyer, json!(many)).await.assert_status(422).invalid(&[("/lines", "too_many")]);
    assert_eq!(buyer.get("/api/v1/basket").await.json()["lines"], json!([]));
    fill(&buyer, json!([])).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn a_thousand_lines_fill_a_basket_and_what_does_not_fit_is_rejected() {
    let app = TestApp::start().await;
    let supplier = many_goods(&app, 1_002).await;
    let buyer = app.buyer().with_basket([("1", 1), ("1002", 1)]).create().await;
    let lines: Vec<Value> = (2..=1_001)
        .map(|n| json!({ "supplier_id": supplier, "sku": n.to_string(), "quantity": 2 }))
        .collect();
    let filled = fill(&buyer, json!(lines)).await.assert_status(200).json();
    assert_eq!(filled["lines"].as_array().unwrap().len(), 1_000);
    assert_eq!(rejected(&filled), [(998, "basket_full"), (999, "basket_full")]);
    assert_eq!(filled["total"], "1998.00");
    let changed = json!([{ "supplier_id": supplier, "sku": "1", "quantity": 5 }]);
    assert_eq!(fill(&buyer, changed).await.assert_status(200).json()["rejected"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn a_line_that_has_drifted_is_mended_by_putting_it_again() {
    let app = TestApp::start().await;
    let goods = [("A", "А", "100", 10), ("B", "Б", "20", 5)];
    let supplier = app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let buyer = app.buyer().with_basket([("A", 2), ("B", 5)]).create().await;
    app.import(&supplier, "price.yaml", price_list(&[("A", "А", "110", 10), ("B", "Б", "20", 4)])).await;
    let basket = buyer.get("/api/v1/basket").await.json();
    assert_eq!(basket["lines"][0]["problem"], "price_changed");
    assert_eq!(basket["lines"][1]["problem"], "not_enough_stock");
    let lines = json!([
        { "offer_id": app.offer("A").await, "quantity": 2 },
        { "offer_id": app.offer("B").await, "quantity": 4 },
    ]);
    let filled = fill(&buyer, lines).await.assert_status(200).json();
    assert!(filled["lines"].as_array().unwrap().iter().all(|line| line.get("problem").is_none()), "{filled}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_that_fill_one_basket_at_once_follow_one_another() {
    const SKUS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
    let app = TestApp::start().await;
    let goods = SKUS.map(|sku| (sku, sku, "1", 50));
    let supplier = app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let id = supplier_id(&supplier).await;
    let buyer = app.buyer().create().await;
    let lines = |quantity: usize| {
        let mut skus = SKUS.to_vec();
        if quantity.is_multiple_of(2) {
            skus.reverse();
        }
        skus.iter()
            .map(|sku| json!({ "supplier_id": id, "sku": sku, "quantity": quantity }))
            .collect::<Value>()
    };
    let answers = join_all((1..=16).map(|quantity| fill(&buyer, lines(quantity)))).await;
    for answer in answers {
        let filled = answer.assert_status(200).json();
        let quantities: Vec<i64> = contents(&filled).into_iter().map(|(_, quantity)| quantity).collect();
        assert_eq!(quantities, [quantities[0]; 6], "one tab's lines, never a mixture");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_cannot_pass_the_limit_together() {
    let app = TestApp::start().await;
    let supplier = many_goods(&app, 1_200).await;
    let buyer = app.buyer().create().await;
    let lines = |from: usize| {
        (from..from + 600)
            .map(|n| json!({ "supplier_id": supplier, "sku": n.to_string(), "quantity": 1 }))
            .collect::<Value>()
    };
    let (one, other) = tokio::join!(fill(&buyer, lines(1)), fill(&buyer, lines(601)));
    let full = |answer: Answer| {
        let answer = answer.assert_status(200).json();
        let codes: Vec<_> = rejected(&answer).into_iter().map(|(_, code)| code.to_owned()).collect();
        assert!(codes.iter().all(|code| code == "basket_full"));
        codes.len()
    };
    assert_eq!(full(one) + full(other), 200);
    assert_eq!(buyer.get("/api/v1/basket").await.json()["lines"].as_array().unwrap().len(), 1_000);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_tab_adds_while_another_orders_is_ordered_or_stays() {
    let app = TestApp::start().await;
    let goods = [("A", "А", "100", 1_000), ("B", "Б", "1", 1_000)];
    app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let (a, b) = (app.offer("A").await, app.offer("B").await);
    let buyer = app.buyer().create().await;
    for _ in 0..6 {
        buyer.put_into_basket(&a, 1).await.assert_status(200);
        let added = json!([{ "offer_id": b, "quantity": 1 }]);
        let (placed, filled) = tokio::join!(buyer.order(), fill(&buyer, added));
        filled.assert_status(200);
        let total = placed.assert_status(201).json()["total"].clone();
        let left = buyer.delete("/api/v1/basket").await.assert_status(200);
        assert_eq!(left.json()["lines"], json!([]));
        assert!(total == "100.00" || total == "101.00", "{total}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_changing_one_basket_at_once_ends_well() {
    let app = TestApp::start().await;
    let goods = [("A", "А", "1", 50), ("B", "Б", "1", 50)];
    app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let (a, b) = (app.offer("A").await, app.offer("B").await);
    let buyer = app.buyer().create().await;
    let both = json!({ "lines": [{ "offer_id": b, "quantity": 2 }, { "offer_id": a, "quantity": 2 }] });
    let line = format!("{LINES}/{a}");
    let requests = (0..24).map(|n| match n % 4 {
        0 => buyer.request(Method::POST, LINES).json(&both),
        1 => buyer.request(Method::PUT, &line).json(&json!({ "quantity": 3 })),
        2 => buyer.request(Method::DELETE, &line),
        _ => buyer.request(Method::DELETE, "/api/v1/basket"),
    });
    for answer in join_all(requests.map(Answer::to)).await {
        answer.assert_status(200);
    }
    app.finish().await;
}
