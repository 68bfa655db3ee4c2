//! All orders, and moving their parts in a supplier's place.

use common::ids::SupplierOrderId;
use serde_json::{Value, json};

use crate::support::{Person, TestApp, address, price_list};

const ORDERS: &str = "/api/v1/admin/orders";

struct Sale {
    staff: Person,
    supplier: Person,
    buyer: Person,
    order: Value,
}

async fn sale(app: &TestApp) -> Sale {
    let staff = app.staff().create().await;
    let list = price_list(&[("1", "iPhone", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let other = price_list(&[("2", "Бумага", "3", 10)]);
    app.supplier("Канцлер").with_price_list(other).create().await;
    let buyer = app.buyer().with_basket([("1", 2), ("2", 1)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    Sale { staff, supplier, buyer, order }
}

fn part_of(order: &Value, supplier: &str) -> String {
    let parts = order["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part["supplier"]["name"] == supplier).unwrap();
    part["id"].as_str().unwrap().to_owned()
}

async fn move_part(person: &Person, part: &str, status: &str) -> crate::support::Answer {
    person.post(&format!("/api/v1/admin/supplier-orders/{part}/status"), json!({ "status": status })).await
}

async fn numbers(staff: &Person, query: &str) -> Vec<Value> {
    let page = staff.get(&format!("{ORDERS}?{query}")).await.assert_status(200).json();
    page["items"].as_array().unwrap().iter().map(|order| order["number"].clone()).collect()
}

#[tokio::test]
async fn staff_sees_everybodys_orders_at_a_glance() {
    let app = TestApp::start().await;
    let Sale { staff, order, .. } = sale(&app).await;
    let page = staff.get(ORDERS).await.assert_status(200).json();
    let seen = &page["items"][0];
    for member in
        ["id", "number", "total", "currency", "status", "created_at", "payment_method", "payment_status"]
    {
        assert_eq!(seen[member], order[member], "{member}");
    }
    assert_eq!(seen["buyer"]["name"], "Сеть «Ромашка»");
    let mut parts: Vec<(&str, &str, &str)> = seen["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            let text = |value: &'static str| part.pointer(value).and_then(Value::as_str).unwrap();
            (text("/supplier/name"), text("/status"), text("/subtotal"))
        })
        .collect();
    parts.sort_unstable();
    assert_eq!(parts, [("Канцлер", "new", "3.00"), ("Электрон", "new", "200.00")]);
    app.finish().await;
}

#[tokio::test]
async fn orders_are_found_by_where_they_and_their_parts_stand_by_whom_and_by_number() {
    let app = TestApp::start().await;
    let Sale { staff, buyer, order, .. } = sale(&app).await;
    let number = order["number"].clone();
    let (phones, paper) = (part_of(&order, "Электрон"), part_of(&order, "Канцлер"));
    let everything = vec![number.clone()];
    let stands_at = async |status: &str| {
        for other in ["new", "in_progress", "delivered", "canceled"] {
            let expected = if other == status { everything.clone() } else { Vec::new() };
            assert_eq!(numbers(&staff, &format!("status={other}")).await, expected, "{other} while {status}");
        }
        let own = buyer.get("/api/v1/orders").await.json()["items"][0]["status"].clone();
        assert_eq!(own, status);
    };
    stands_at("new").await;
    move_part(&staff, &paper, "refused").await.assert_status(200);
    stands_at("in_progress").await;
    assert_eq!(numbers(&staff, "part_status=refused").await, everything);
    assert_eq!(numbers(&staff, "part_status=sent").await, Vec::<Value>::new());
    for status in ["confirmed", "assembled", "sent", "delivered"] {
        move_part(&staff, &phones, status).await.assert_status(200);
    }
    stands_at("delivered").await;
    let seen = staff.get(ORDERS).await.json()["items"][0].clone();
    let supplier = seen["parts"][0]["supplier"]["id"].as_str().unwrap();
    let buyer_id = seen["buyer"]["id"].as_str().unwrap();
    assert_eq!(numbers(&staff, &format!("supplier_id={supplier}")).await, everything);
    assert_eq!(numbers(&staff, &format!("supplier_id={buyer_id}")).await, Vec::<Value>::new());
    assert_eq!(numbers(&staff, &format!("buyer_id={buyer_id}")).await, everything);
    assert_eq!(numbers(&staff, &format!("number={}", number.as_str().unwrap())).await, everything);
    assert_eq!(numbers(&staff, "number=2026-999999").await, Vec::<Value>::new());
    staff.get(&format!("{ORDERS}?status=sent&part_status=open&buyer_id=1")).await.invalid(&[
        ("status", "unknown_word"),
        ("part_status", "unknown_word"),
        ("buyer_id", "invalid_id"),
    ]);
    app.finish().await;
}

#[tokio::test]
async fn a_part_that_staff_moves_is_written_down_and_the_buyer_is_told() {
    let app = TestApp::start().await;
    let Sale { staff, supplier, buyer, order } = sale(&app).await;
    let part = part_of(&order, "Электрон");
    let moved = move_part(&staff, &part, "confirmed").await.assert_status(200).json();
    assert_eq!((&moved["status"], &moved["order_number"]), (&json!("confirmed"), &order["number"]));
    let seen = supplier.get(&format!("/api/v1/supplier/orders/{part}")).await.json();
    assert_eq!(seen["history"][1]["by"], "staff");
    let mailbox = app.mailbox(buyer.email()).await;
    assert!(
        mailbox.subjects().iter().any(|subject| subject.contains("подтверждён")),
        "{:?}",
        mailbox.subjects()
    );
    let log = staff.get(&format!("/api/v1/admin/audit-log?subject_id={part}")).await.json();
    assert_eq!(log["items"][0]["action"], "move_supplier_order");
    assert_eq!(log["items"][0]["details"], json!({ "status": "confirmed" }));
    // What is refused is not written down.
    move_part(&staff, &part, "delivered").await.assert_status(409).problem("illegal_transition");
    move_part(&staff, &part, "lost").await.assert_status(422).invalid(&[("/status", "unknown_word")]);
    let log = staff.get(&format!("/api/v1/admin/audit-log?subject_id={part}")).await.json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn nobody_else_may_and_what_is_not_there_is_not_found() {
    let app = TestApp::start().await;
    let Sale { staff, supplier, buyer, order } = sale(&app).await;
    let part = part_of(&order, "Электрон");
    for person in [&supplier, &buyer] {
        person.get(ORDERS).await.assert_status(403).problem("forbidden");
        move_part(person, &part, "confirmed").await.assert_status(403).problem("forbidden");
    }
    app.get(ORDERS).await.assert_status(401);
    move_part(&staff, &SupplierOrderId::new().to_string(), "confirmed").await.assert_status(404);
    move_part(&staff, "x", "confirmed").await.assert_status(404).problem("not_found");
    app.finish().await;
}

#[tokio::test]
async fn a_part_of_an_order_that_waits_for_its_card_can_only_be_canceled() {
    let app = TestApp::start_with_cards().await;
    let staff = app.staff().create().await;
    let list = price_list(&[("1", "iPhone", "100", 10)]);
    app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("1", 2)]).create().await;
    let body = json!({ "address": address(), "payment_method": "card" });
    let order = buyer.post("/api/v1/orders", body).await.assert_status(201).json();
    let part = part_of(&order, "Электрон");
    for status in ["confirmed", "refused"] {
        move_part(&staff, &part, status).await.assert_status(409).problem("not_paid");
    }
    let log = staff.get(&format!("/api/v1/admin/audit-log?subject_id={part}")).await.json();
    assert_eq!(log["items"], json!([]), "what is refused is not written down");
    let moved = move_part(&staff, &part, "canceled").await.assert_status(200).json();
    assert_eq!((&moved["id"], &moved["status"]), (&json!(part), &json!("canceled")));
    assert_eq!(app.stock("1").await, (10, 0));
    app.finish().await;
}
