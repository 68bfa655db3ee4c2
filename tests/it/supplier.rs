//! The supplier's side of orders, and who may do what.

use serde_json::{Value, json};

use crate::support::{Person, TestApp, price_list};

/// A supplier, a buyer, and the path of the part that the supplier fulfils of the buyer's order of three pieces.
async fn ordered(app: &TestApp) -> (Person, Person, String) {
    let list = price_list(&[("A", "Телефон А", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("A", 3)]).create().await;
    let path = order_again(app, &buyer).await;
    (supplier, buyer, path)
}

async fn order_again(app: &TestApp, buyer: &Person) -> String {
    buyer.put_into_basket(&app.offer("A").await, 3).await.assert_status(200);
    let order = buyer.order().await.assert_status(201).json();
    format!("/api/v1/supplier/orders/{}", order["parts"][0]["id"].as_str().unwrap())
}

/// Moves a part through these statuses.
async fn walk(supplier: &Person, part: &str, statuses: &[&str]) {
    for status in statuses {
        supplier.post(&format!("{part}/status"), json!({ "status": status })).await.assert_status(200);
    }
}

#[tokio::test]
async fn a_supplier_sees_only_its_own_parts() {
    let app = TestApp::start().await;
    let (supplier, _buyer, part) = ordered(&app).await;
    let other = app.supplier("Канцлер").create().await;
    let listed = supplier.get("/api/v1/supplier/orders").await.assert_status(200).json();
    let shown = supplier.get(&part).await.assert_status(200).json();
    assert_eq!(listed["items"], json!([shown]));
    assert_eq!((&shown["subtotal"], &shown["status"]), (&json!("300.00"), &json!("new")));
    assert_eq!((&shown["buyer"]["name"], &shown["lines"][0]["sku"]), (&json!("Сеть «Ромашка»"), &json!("A")));
    assert_eq!(shown["address"]["street"], "Тверская");

    assert_eq!(other.get("/api/v1/supplier/orders").await.assert_status(200).json()["items"], json!([]));
    other.get(&part).await.assert_status(404).problem("not_found");
    let moved = other.post(&format!("{part}/status"), json!({ "status": "confirmed" })).await;
    moved.assert_status(404).problem("not_found");
    assert_eq!(supplier.get(&part).await.json()["status"], "new");
    app.finish().await;
}

#[tokio::test]
async fn parts_are_listed_by_status() {
    let app = TestApp::start().await;
    let (supplier, buyer, part) = ordered(&app).await;
    order_again(&app, &buyer).await;
    walk(&supplier, &part, &["confirmed"]).await;
    let count = async |query: &str| {
        let page = supplier.get(&format!("/api/v1/supplier/orders{query}")).await.assert_status(200).json();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!((count("").await, count("?status=new").await), (2, 1));
    assert_eq!((count("?status=confirmed").await, count("?status=sent").await), (1, 0));
    let refused = supplier.get("/api/v1/supplier/orders?status=lost").await.assert_status(422);
    refused.invalid(&[("status", "unknown_word")]);
    app.finish().await;
}

#[tokio::test]
async fn exactly_the_legal_steps_are_made() {
    const ALL: [&str; 7] = ["new", "confirmed", "assembled", "sent", "delivered", "refused", "canceled"];
    let ways: [(&[&str], &[&str]); 7] = [
        (&[], &["confirmed", "refused", "canceled"]),
        (&["confirmed"], &["assembled", "canceled"]),
        (&["confirmed", "assembled"], &["sent", "canceled"]),
        (&["confirmed", "assembled", "sent"], &["delivered"]),
        (&["confirmed", "assembled", "sent", "delivered"], &[]),
        (&["refused"], &[]),
        (&["canceled"], &[]),
    ];
    let app = TestApp::start().await;
    let list = price_list(&[("A", "Телефон А", "100", 1000)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().create().await;
    for (way, legal) in ways {
        let part = order_again(&app, &buyer).await;
        walk(&supplier, &part, way).await;
        let before = supplier.get(&part).await.json();
        for status in ALL.iter().filter(|status| !legal.contains(status)) {
            let refused = supplier.post(&format!("{part}/status"), json!({ "status": status })).await;
            let problem = refused.assert_status(409).problem("illegal_transition");
            assert_eq!(problem["from"], before["status"]);
        }
        assert_eq!(supplier.get(&part).await.json(), before, "a refused step leaves no trace");
        for status in legal {
            let part = order_again(&app, &buyer).await;
            walk(&supplier, &part, way).await;
            let moved = supplier.post(&format!("{part}/status"), json!({ "status": status })).await;
            assert_eq!(moved.assert_status(200).json()["status"], *status);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_word_that_is_no_status_is_refused_as_such() {
    let app = TestApp::start().await;
    let (supplier, _buyer, part) = ordered(&app).await;
    let path = format!("{part}/status");
    let refused = supplier.post(&path, json!({ "status": "lost", "comment": "x".repeat(1001) })).await;
    refused.assert_status(422).invalid(&[("/status", "unknown_word"), ("/comment", "too_long")]);
    supplier.post(&path, json!({})).await.assert_status(422).invalid(&[("/status", "required")]);
    app.finish().await;
}

#[tokio::test]
async fn refused_and_canceled_parts_give_their_reservation_back() {
    let app = TestApp::start().await;
    let (supplier, buyer, first) = ordered(&app).await;
    let second = order_again(&app, &buyer).await;
    assert_eq!(app.stock("A").await, (10, 6));
    walk(&supplier, &first, &["refused"]).await;
    assert_eq!(app.stock("A").await, (10, 3));
    walk(&supplier, &second, &["confirmed", "canceled"]).await;
    assert_eq!(app.stock("A").await, (10, 0));
    app.finish().await;
}

#[tokio::test]
async fn sending_takes_the_goods_from_stock_and_reservation() {
    let app = TestApp::start().await;
    let (supplier, _buyer, part) = ordered(&app).await;
    walk(&supplier, &part, &["confirmed", "assembled"]).await;
    assert_eq!(app.stock("A").await, (10, 3));
    walk(&supplier, &part, &["sent"]).await;
    assert_eq!(app.stock("A").await, (7, 0));
    walk(&supplier, &part, &["delivered"]).await;
    assert_eq!(app.stock("A").await, (7, 0));
    app.finish().await;
}

#[tokio::test]
async fn sending_more_than_the_list_still_has_leaves_the_stock_at_nothing() {
    let app = TestApp::start().await;
    let (supplier, _buyer, part) = ordered(&app).await;
    app.import(&supplier, "price.yaml", price_list(&[("A", "Телефон А", "100", 2)])).await;
    assert_eq!(app.stock("A").await, (2, 3), "a price list may set stock below what is reserved");
    walk(&supplier, &part, &["confirmed", "assembled", "sent"]).await;
    assert_eq!(app.stock("A").await, (0, 0));
    app.finish().await;
}

#[tokio::test]
async fn the_buyer_is_told_of_each_step_once_with_what_the_supplier_said() {
    let app = TestApp::start().await;
    let (supplier, buyer, part) = ordered(&app).await;
    let step = json!({ "status": "confirmed", "comment": "Отгрузим завтра" });
    let moved = supplier.post(&format!("{part}/status"), step).await.assert_status(200).json();
    assert_eq!(
        (&moved["history"][1]["by"], &moved["history"][1]["comment"]),
        (&json!("supplier"), &json!("Отгрузим завтра"))
    );
    walk(&supplier, &part, &["canceled"]).await;
    let mailbox = app.mailbox(buyer.email()).await;
    let letter = mailbox.assert_one("подтверждён").text.clone().unwrap();
    assert!(letter.contains("Отгрузим завтра") && letter.contains("Электрон"), "{letter}");
    mailbox.assert_one("отменён");
    assert_eq!(mailbox.about("Заказ №").len(), 3, "{:?}", mailbox.subjects());
    app.finish().await;
}

#[tokio::test]
async fn an_order_stands_where_its_parts_leave_it() {
    let app = TestApp::start().await;
    let (supplier, buyer, part) = ordered(&app).await;
    let status = async || buyer.get("/api/v1/orders").await.json()["items"][0]["status"].clone();
    assert_eq!(status().await, "new");
    walk(&supplier, &part, &["confirmed"]).await;
    assert_eq!(status().await, "in_progress");
    walk(&supplier, &part, &["assembled", "sent", "delivered"]).await;
    assert_eq!(status().await, "delivered");
    let part = order_again(&app, &buyer).await;
    walk(&supplier, &part, &["refused"]).await;
    assert_eq!(status().await, "canceled");
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_switches_its_order_taking_off_and_on() {
    let app = TestApp::start().await;
    let (supplier, _buyer, _part) = ordered(&app).await;
    let settings = supplier.get("/api/v1/supplier").await.assert_status(200).json();
    assert_eq!((&settings["name"], &settings["accepting_orders"]), (&json!("Электрон"), &json!(true)));
    let closed = supplier.patch("/api/v1/supplier", json!({ "accepting_orders": false })).await;
    assert_eq!(closed.assert_status(200).json()["accepting_orders"], false);
    let id = settings["id"].as_str().unwrap();
    assert_eq!(app.get(&format!("/api/v1/suppliers/{id}")).await.json()["accepting_orders"], false);
    let unchanged = supplier.patch("/api/v1/supplier", json!({})).await.assert_status(200).json();
    assert_eq!(unchanged["accepting_orders"], false);
    for wrong in [json!({ "accepting_orders": "yes" }), json!({ "open": true })] {
        supplier.patch("/api/v1/supplier", wrong).await.assert_status(422).problem("validation_failed");
    }
    app.finish().await;
}

#[tokio::test]
async fn each_role_keeps_to_its_own_endpoints() {
    let app = TestApp::start().await;
    let (supplier, buyer, part) = ordered(&app).await;
    for path in ["/api/v1/supplier", "/api/v1/supplier/imports", "/api/v1/supplier/orders", &part] {
        buyer.get(path).await.assert_status(403).problem("forbidden");
        app.get(path).await.assert_status(401).problem("unauthorized");
    }
    for path in ["/api/v1/basket", "/api/v1/orders", "/api/v1/me/addresses"] {
        supplier.get(path).await.assert_status(403).problem("forbidden");
        app.get(path).await.assert_status(401).problem("unauthorized");
    }
    let step = json!({ "status": "confirmed" });
    buyer.post(&format!("{part}/status"), step.clone()).await.assert_status(403).problem("forbidden");
    app.post(&format!("{part}/status"), step).await.assert_status(401).problem("unauthorized");
    buyer.upload("/api/v1/supplier/imports", "price.yaml", "goods: []").await.assert_status(403);
    supplier.order().await.assert_status(403).problem("forbidden");
    app.finish().await;
}

#[tokio::test]
async fn a_token_that_is_not_ours_is_no_token() {
    let app = TestApp::start().await;
    let ask = |authorization: &str| {
        let request = app.client().get(app.url("/api/v1/me")).header("authorization", authorization);
        crate::support::Answer::to(request)
    };
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ4In0.";
    for wrong in ["", "Bearer", "Bearer ", "Bearer x.y.z", "Basic YTpi", &format!("Bearer {unsigned}")] {
        let refused = ask(wrong).await.assert_status(401);
        assert_eq!(refused.problem("unauthorized")["errors"], Value::Null);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    }
    app.finish().await;
}
