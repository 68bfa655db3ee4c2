//! Placing orders, one buyer at a time, and looking at them.

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, Person, TestApp, address, price_list};

fn by_invoice() -> Value {
    json!({ "address": address(), "payment_method": "invoice" })
}

/// A shop with one offer, and a buyer who wants some of it.
async fn one_offer(app: &TestApp, wanted: u32) -> (Person, Person) {
    let list = price_list(&[("A", "Телефон А", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("A", wanted)]).create().await;
    (supplier, buyer)
}

#[tokio::test]
async fn an_order_keeps_what_was_agreed_and_reserves_the_goods() {
    let app = TestApp::start().await;
    let (supplier, buyer) = one_offer(&app, 3).await;
    let placed = buyer
        .post(
            "/api/v1/orders",
            json!({
                "address": address(), "payment_method": "invoice", "comment": "До обеда\nи без звонка",
                "deliver_on": "2026-12-31", "purchase_number": "З-17",
            }),
        )
        .await
        .assert_status(201);
    let order = placed.json();
    assert_eq!(
        placed.header("location"),
        Some(&*format!("/api/v1/orders/{}", order["id"].as_str().unwrap()))
    );
    assert_eq!((&order["total"], &order["currency"]), (&json!("300.00"), &json!("RUB")));
    assert_eq!(
        (&order["comment"], &order["deliver_on"]),
        (&json!("До обеда\nи без звонка"), &json!("2026-12-31"))
    );
    assert_eq!((&order["purchase_number"], &order["payment_method"]), (&json!("З-17"), &json!("invoice")));
    let line = &order["parts"][0]["lines"][0];
    assert_eq!((&line["sku"], &line["quantity"], &line["sum"]), (&json!("A"), &json!(3), &json!("300.00")));
    assert_eq!(order["parts"][0]["history"][0]["by"], "buyer");
    assert_eq!(app.stock("A").await, (10, 3));

    app.import(&supplier, "price.yaml", price_list(&[("A", "Другое имя", "999", 10)])).await;
    let shown = buyer.get(placed.header("location").unwrap()).await.assert_status(200).json();
    assert_eq!(shown, order, "whatever becomes of the offer");
    app.finish().await;
}

#[tokio::test]
async fn an_order_number_can_be_read_out_over_the_phone() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 1).await;
    let number = buyer.order().await.assert_status(201).json()["number"].as_str().unwrap().to_owned();
    let (year, count) = number.split_once('-').unwrap();
    let now = app.clock().now() + Duration::hours(3);
    assert_eq!(year, now.year().to_string(), "of the installation's time zone");
    assert!(count.len() == 6 && count.bytes().all(|b| b.is_ascii_digit()), "{number}");
    buyer.put_into_basket(&app.offer("A").await, 1).await.assert_status(200);
    assert_ne!(buyer.order().await.assert_status(201).json()["number"], number);
    app.finish().await;
}

#[tokio::test]
async fn an_order_of_several_suppliers_has_a_part_for_each_and_totals_that_agree() {
    let app = TestApp::start().await;
    let list = price_list(&[("A", "Телефон А", "0.10", 100), ("B", "Телефон Б", "33.33", 100)]);
    app.supplier("Электрон").with_price_list(list).create().await;
    app.supplier("Канцлер").with_price_list(price_list(&[("C", "Телефон В", "7.77", 100)])).create().await;
    let buyer = app.buyer().with_basket([("A", 3), ("C", 10), ("B", 2)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    assert_eq!(order["total"], "144.66");
    let parts: Vec<_> = order["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| (&part["supplier"]["name"], &part["subtotal"]))
        .collect();
    assert!(parts.contains(&(&json!("Электрон"), &json!("66.96"))), "{parts:?}");
    assert!(parts.contains(&(&json!("Канцлер"), &json!("77.70"))), "{parts:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_changed_price_is_refused_with_what_has_changed_until_the_buyer_agrees() {
    let app = TestApp::start().await;
    let list = price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("A", 2), ("B", 1)]).create().await;
    let list = price_list(&[("A", "Телефон А", "90", 10), ("B", "Телефон Б", "20", 5)]);
    app.import(&supplier, "price.yaml", list).await;

    let problem = buyer.order().await.assert_status(409).problem("price_changed");
    let lines = problem["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["sku"], &lines[0]["price"]), (1, &json!("A"), &json!("90.00")));
    assert_eq!(problem["basket"]["total"], "200.00");
    assert_eq!(problem["basket"]["lines"].as_array().unwrap().len(), 2);
    assert_eq!(app.stock("A").await, (10, 0), "nothing was ordered");

    let mut body = by_invoice();
    body["expected_total"] = json!("220.00");
    buyer.post("/api/v1/orders", body.clone()).await.assert_status(409).problem("price_changed");
    body["expected_total"] = json!("200.00");
    let order = buyer.post("/api/v1/orders", body).await.assert_status(201).json();
    assert_eq!(order["total"], "200.00");
    app.finish().await;
}

#[tokio::test]
async fn agreeing_to_a_price_is_not_agreeing_to_too_little_stock() {
    let app = TestApp::start().await;
    let (supplier, buyer) = one_offer(&app, 5).await;
    app.import(&supplier, "price.yaml", price_list(&[("A", "Телефон А", "90", 4)])).await;
    let mut body = by_invoice();
    body["expected_total"] = json!("450.00");
    let problem = buyer.post("/api/v1/orders", body).await.assert_status(409).problem("not_enough_stock");
    assert_eq!(problem["lines"][0]["available"], 4);
    assert_eq!(app.stock("A").await, (4, 0));
    app.finish().await;
}

#[tokio::test]
async fn an_order_of_a_withdrawn_offer_or_of_a_closed_supplier_is_refused_with_its_line() {
    let app = TestApp::start().await;
    let (supplier, buyer) = one_offer(&app, 1).await;
    supplier.patch("/api/v1/supplier", json!({ "accepting_orders": false })).await.assert_status(200);
    let problem = buyer.order().await.assert_status(409).problem("supplier_closed");
    assert_eq!(problem["lines"][0]["problem"], "supplier_closed");
    supplier.may_withdraw_all().await;
    app.import(&supplier, "price.yaml", price_list(&[("Z", "Другой товар", "1", 1)])).await;
    let problem = buyer.order().await.assert_status(409).problem("withdrawn");
    assert_eq!(problem["basket"]["lines"][0]["problem"], "withdrawn");
    app.finish().await;
}

#[tokio::test]
async fn an_empty_basket_cannot_be_ordered() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 1).await;
    buyer.order().await.assert_status(201);
    buyer.order().await.assert_status(409).problem("basket_empty");
    app.buyer().create().await.order().await.assert_status(409).problem("basket_empty");
    app.finish().await;
}

#[tokio::test]
async fn an_order_goes_to_a_saved_address_of_the_own_organization_only() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 1).await;
    let stranger = app.buyer().create().await;
    let theirs = stranger.post("/api/v1/me/addresses", address()).await.assert_status(201).json();
    let ours = buyer.post("/api/v1/me/addresses", address()).await.assert_status(201).json();
    let to = |id: &Value| json!({ "address_id": id, "payment_method": "invoice" });
    for unknown in [&theirs["id"], &json!("0199a9a0-0000-7000-8000-000000000000")] {
        let refused = buyer.post("/api/v1/orders", to(unknown)).await.assert_status(422);
        refused.invalid(&[("/address_id", "unknown")]);
    }
    let order = buyer.post("/api/v1/orders", to(&ours["id"])).await.assert_status(201).json();
    let path = format!("/api/v1/me/addresses/{}", ours["id"].as_str().unwrap());
    buyer.delete(&path).await.assert_status(204);
    let shown = buyer.get(&format!("/api/v1/orders/{}", order["id"].as_str().unwrap())).await.json();
    assert_eq!(shown["address"]["street"], "Тверская", "an order keeps its address");
    app.finish().await;
}

#[tokio::test]
async fn an_order_has_one_address_and_sound_values() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 1).await;
    let id = "0199a9a0-0000-7000-8000-000000000000";
    let both = json!({ "address_id": id, "address": address(), "payment_method": "invoice" });
    buyer.post("/api/v1/orders", both).await.assert_status(422).invalid(&[("/address", "not_applicable")]);
    let wrong = json!({
        "payment_method": "cash", "deliver_on": "31.12.2026", "expected_total": "1e3", "comment": "x".repeat(1001),
    });
    buyer.post("/api/v1/orders", wrong).await.assert_status(422).invalid(&[
        ("/address", "required"),
        ("/payment_method", "unknown_word"),
        ("/deliver_on", "invalid_date"),
        ("/expected_total", "invalid_amount"),
        ("/comment", "too_long"),
    ]);
    let mut deep = by_invoice();
    deep["address"]["phone"] = json!("нет");
    buyer
        .post("/api/v1/orders", deep)
        .await
        .assert_status(422)
        .invalid(&[("/address/phone", "invalid_phone")]);
    let not_an_id = json!({ "address_id": "7", "payment_method": "invoice" });
    buyer
        .post("/api/v1/orders", not_an_id)
        .await
        .assert_status(422)
        .invalid(&[("/address_id", "invalid_id")]);
    app.finish().await;
}

#[tokio::test]
async fn a_card_is_refused_while_there_is_no_provider() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 1).await;
    let by_card = json!({ "address": address(), "payment_method": "card" });
    let refused = buyer.post("/api/v1/orders", by_card).await.assert_status(422);
    refused.problem("payment_method_unavailable");
    assert_eq!(app.stock("A").await, (10, 0));
    app.finish().await;
}

#[tokio::test]
async fn a_repeated_order_is_answered_as_the_first_time() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 2).await;
    let first = buyer.post_once("/api/v1/orders", "key-1", by_invoice()).await.assert_status(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = buyer.post_once("/api/v1/orders", "key-1", by_invoice()).await.assert_status(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.json(), again.header("location")), (first.json(), first.header("location")));
    assert_eq!(app.stock("A").await, (10, 2));
    assert_eq!(buyer.get("/api/v1/orders").await.json()["items"].as_array().unwrap().len(), 1);
    app.mailbox(buyer.email()).await.assert_one("Заказ №");
    app.finish().await;
}

#[tokio::test]
async fn a_key_cannot_be_used_for_another_request_and_belongs_to_its_user() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 2).await;
    buyer.post_once("/api/v1/orders", "key-1", by_invoice()).await.assert_status(201);
    let mut other = by_invoice();
    other["comment"] = json!("ещё один");
    let refused = buyer.post_once("/api/v1/orders", "key-1", other).await.assert_status(422);
    refused.problem("idempotency_key_reused");
    let refused = buyer.post_once("/api/v1/orders?x=1", "key-1", by_invoice()).await.assert_status(422);
    refused.problem("idempotency_key_reused");
    let neighbour = app.buyer().with_basket([("A", 1)]).create().await;
    let theirs = neighbour.post_once("/api/v1/orders", "key-1", by_invoice()).await.assert_status(201);
    assert_eq!(theirs.header("idempotency-replayed"), None);
    assert_eq!(app.stock("A").await, (10, 3));
    app.finish().await;
}

#[tokio::test]
async fn a_request_may_be_sent_again_by_another_name_of_the_service() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 2).await;
    let order = async |host: &str| {
        let request = buyer.request(Method::POST, "/api/v1/orders").header("host", host);
        Answer::to(request.header("idempotency-key", "key-1").json(&by_invoice())).await.assert_status(201)
    };
    let first = order("orders.example.com").await;
    let again = order("api.internal:8080").await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.json(), first.json());
    app.finish().await;
}

#[tokio::test]
async fn a_refusal_is_not_kept_under_its_key() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 1).await;
    buyer.delete("/api/v1/basket").await.assert_status(200);
    buyer.post_once("/api/v1/orders", "key-1", by_invoice()).await.assert_status(409).problem("basket_empty");
    buyer.put_into_basket(&app.offer("A").await, 1).await.assert_status(200);
    buyer.post_once("/api/v1/orders", "key-1", by_invoice()).await.assert_status(201);
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day_and_has_at_most_255_characters() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 1).await;
    buyer.post_once("/api/v1/orders", "key-1", by_invoice()).await.assert_status(201);
    app.clock().advance(Duration::hours(24) + Duration::seconds(1));
    buyer.sign_in().await;
    buyer.post_once("/api/v1/orders", "key-1", by_invoice()).await.assert_status(409).problem("basket_empty");
    let long = "k".repeat(256);
    let refused = buyer.post_once("/api/v1/orders", &long, by_invoice()).await.assert_status(422);
    refused.invalid(&[("Idempotency-Key", "too_long")]);
    app.finish().await;
}

#[tokio::test]
async fn orders_are_listed_newest_first_and_the_pages_show_each_once() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 100)])).create().await;
    let buyer = app.buyer().create().await;
    let a = app.offer("A").await;
    let mut placed = Vec::new();
    for _ in 0..5 {
        buyer.put_into_basket(&a, 1).await.assert_status(200);
        placed.push(buyer.order().await.assert_status(201).json()["number"].clone());
    }
    placed.reverse();
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page =
            buyer.get(&format!("/api/v1/orders?limit=2&cursor={cursor}")).await.assert_status(200).json();
        for item in page["items"].as_array().unwrap() {
            assert_eq!((&item["total"], &item["status"]), (&json!("100.00"), &json!("new")));
            listed.push(item["number"].clone());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(listed, placed);
    app.finish().await;
}

#[tokio::test]
async fn a_strangers_order_is_nowhere() {
    let app = TestApp::start().await;
    let (_supplier, buyer) = one_offer(&app, 1).await;
    let placed = buyer.order().await.assert_status(201);
    let stranger = app.buyer().create().await;
    stranger.get(placed.header("location").unwrap()).await.assert_status(404).problem("not_found");
    assert_eq!(stranger.get("/api/v1/orders").await.json()["items"], json!([]));
    buyer.get("/api/v1/orders/not-an-id").await.assert_status(404).problem("not_found");
    app.finish().await;
}

#[tokio::test]
async fn a_total_beyond_what_can_be_kept_is_refused() {
    let app = TestApp::start().await;
    let list = price_list(&[("A", "Золото", "999999999999", 1_000_000)]);
    app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("A", 1_000_000)]).create().await;
    buyer.order().await.assert_status(422).problem("total_too_large");
    assert_eq!(app.stock("A").await, (1_000_000, 0));
    app.finish().await;
}
