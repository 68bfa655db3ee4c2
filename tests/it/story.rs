//! The whole way, from registering to delivery.

use serde_json::json;

use crate::support::{ADMIN, TestApp, address};

#[tokio::test]
async fn suppliers_upload_a_buyer_orders_from_both_and_one_part_is_delivered() {
    let app = TestApp::start().await;

    let elektron = app.supplier("Электрон").create().await;
    let imported = app.import(&elektron, "elektron.yaml", include_str!("../data/elektron.yaml")).await;
    assert_eq!((&imported["status"], &imported["counts"]["inserted"]), (&json!("completed"), &json!(45)));
    let kancler = app.supplier("Канцлер").create().await;
    let imported = app.import(&kancler, "kancler.csv", include_str!("../data/kancler.csv")).await;
    assert_eq!((&imported["status"], &imported["counts"]["inserted"]), (&json!("completed"), &json!(48)));

    // One catalogue: what both sell is one product with two offers, the cheaper one first.
    let found = app.get("/api/v1/products?q=мышь+logitech").await.assert_status(200).json();
    let mouse = &found["items"][0];
    assert_eq!(
        (&mouse["name"], &mouse["offers_count"]),
        (&json!("Мышь беспроводная Logitech M185 (серая)"), &json!(2))
    );
    let id = mouse["id"].as_str().unwrap();
    let card = app.get(&format!("/api/v1/products/{id}")).await.assert_status(200).json();
    assert_eq!(card["price_from"], card["offers"][0]["price"]);
    assert_eq!(card["offers"][0]["supplier"]["name"], "Канцлер");

    let buyer = app.buyer().create().await;
    let offer = card["offers"][0]["id"].as_str().unwrap();
    buyer.put_into_basket(offer, 3).await.assert_status(200);
    buyer.put_into_basket(&app.offer("EL-100101").await, 2).await.assert_status(200);
    let basket = buyer.get("/api/v1/basket").await.assert_status(200).json();
    assert_eq!(basket["suppliers"].as_array().unwrap().len(), 2);
    assert_eq!((&basket["total"], &basket["currency"]), (&json!("133427.00"), &json!("RUB")));

    let placed = buyer
        .post(
            "/api/v1/orders",
            json!({
                "address": address(),
                "comment": "Позвоните за час",
                "deliver_on": "2026-12-01",
                "payment_method": "invoice",
            }),
        )
        .await
        .assert_status(201);
    let order = placed.json();
    assert_eq!((&order["total"], &order["status"]), (&json!("133427.00"), &json!("new")));
    assert_eq!(order["address"]["apartment"], "15");
    let number = order["number"].as_str().unwrap();
    assert_eq!(buyer.get("/api/v1/basket").await.json()["lines"], json!([]));

    let mailbox = app.mailbox(buyer.email()).await;
    let letter = mailbox.assert_one("Заказ №").text.clone().unwrap();
    for part in [number, "Мышь беспроводная Logitech M185", "Электрон", "Канцлер", "Тверская"]
    {
        assert!(letter.contains(part), "{part:?} is missing in {letter}");
    }
    app.mailbox(ADMIN).await.assert_one(number);
    let letter = app.mailbox(elektron.email()).await.assert_one("Новый заказ").text.clone().unwrap();
    assert!(letter.contains("iPhone 15") && !letter.contains("Logitech"), "only its own part: {letter}");

    let parts = elektron.get("/api/v1/supplier/orders?status=new").await.assert_status(200).json();
    let part = parts["items"][0].clone();
    assert_eq!((&part["order_number"], &part["subtotal"]), (&order["number"], &json!("129980.00")));
    let part_path = format!("/api/v1/supplier/orders/{}", part["id"].as_str().unwrap());
    for status in ["confirmed", "assembled", "sent", "delivered"] {
        let moved = elektron.post(&format!("{part_path}/status"), json!({ "status": status })).await;
        assert_eq!(moved.assert_status(200).json()["status"], status);
    }
    let mailbox = app.mailbox(buyer.email()).await;
    for word in ["подтверждён", "собран", "отправлен", "доставлен"] {
        mailbox.assert_one(word);
    }

    let shown = buyer.get(placed.header("location").unwrap()).await.assert_status(200).json();
    assert_eq!(shown["status"], "in_progress", "the other supplier has not moved yet");
    let parts = shown["parts"].as_array().unwrap();
    let moved = parts.iter().find(|shown| shown["id"] == part["id"]).unwrap();
    let history: Vec<_> = moved["history"].as_array().unwrap().iter().map(|step| &step["status"]).collect();
    assert_eq!(history, ["new", "confirmed", "assembled", "sent", "delivered"]);
    app.finish().await;
}
