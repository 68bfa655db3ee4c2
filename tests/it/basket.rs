//! Filling the basket.

use serde_json::json;

use crate::support::{TestApp, address, price_list};

#[tokio::test]
async fn putting_a_line_sets_its_quantity_and_does_not_add_to_it() {
    let app = TestApp::start().await;
    let list = price_list(&[("A", "Телефон А", "100.50", 10), ("B", "Телефон Б", "20", 5)]);
    app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().create().await;
    let (a, b) = (app.offer("A").await, app.offer("B").await);
    buyer.put_into_basket(&a, 4).await.assert_status(200);
    buyer.put_into_basket(&b, 1).await.assert_status(200);
    let basket = buyer.put_into_basket(&a, 3).await.assert_status(200).json();
    let line = &basket["lines"][0];
    assert_eq!(
        (&line["quantity"], &line["price"], &line["sum"]),
        (&json!(3), &json!("100.50"), &json!("301.50"))
    );
    assert_eq!(
        (&line["sku"], &line["product_name"], &line["available"]),
        (&json!("A"), &json!("Телефон А"), &json!(10))
    );
    assert_eq!(line["supplier"]["name"], "Электрон");
    assert!(line.get("problem").is_none());
    assert_eq!((&basket["total"], &basket["suppliers"][0]["subtotal"]), (&json!("321.50"), &json!("321.50")));

    let basket = buyer.delete(&format!("/api/v1/basket/lines/{a}")).await.assert_status(200).json();
    assert_eq!((&basket["total"], basket["lines"].as_array().unwrap().len()), (&json!("20.00"), 1));
    buyer.delete(&format!("/api/v1/basket/lines/{a}")).await.assert_status(200);
    let basket = buyer.delete("/api/v1/basket").await.assert_status(200).json();
    assert_eq!((&basket["total"], &basket["lines"]), (&json!("0.00"), &json!([])));
    app.finish().await;
}

#[tokio::test]
async fn a_basket_is_its_users_own() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 10)])).create().await;
    let _full = app.buyer().with_basket([("A", 2)]).create().await;
    let other = app.buyer().create().await;
    assert_eq!(other.get("/api/v1/basket").await.assert_status(200).json()["lines"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn more_than_is_available_is_refused_and_leaves_the_basket_as_it_was() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 10)])).create().await;
    let buyer = app.buyer().with_basket([("A", 10)]).create().await;
    let a = app.offer("A").await;
    let problem = buyer.put_into_basket(&a, 11).await.assert_status(409).problem("not_enough_stock");
    assert_eq!(problem["available"], 10);
    assert_eq!(buyer.get("/api/v1/basket").await.json()["lines"][0]["quantity"], 10);
    // What others ordered is not available either.
    let other = app.buyer().with_basket([("A", 4)]).create().await;
    other.order().await.assert_status(201);
    let problem = buyer.put_into_basket(&a, 7).await.assert_status(409).problem("not_enough_stock");
    assert_eq!(problem["available"], 6);
    buyer.put_into_basket(&a, 6).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn a_quantity_is_a_whole_number_from_one_to_a_million() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 10)])).create().await;
    let buyer = app.buyer().create().await;
    let path = format!("/api/v1/basket/lines/{}", app.offer("A").await);
    for quantity in [json!(0), json!(-1), json!(1_000_001), json!(i64::MAX)] {
        let refused = buyer.put(&path, json!({ "quantity": quantity })).await.assert_status(422);
        refused.invalid(&[("/quantity", "out_of_range")]);
    }
    for quantity in [json!("3"), json!(1.5), json!(null), json!([1])] {
        let refused = buyer.put(&path, json!({ "quantity": quantity })).await.assert_status(422);
        refused.invalid(&[("/quantity", "wrong_type")]);
    }
    app.finish().await;
}

#[tokio::test]
async fn an_offer_that_does_not_exist_cannot_be_put_into_the_basket() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    for id in ["0199a9a0-0000-7000-8000-000000000000", "EL-100101", "1"] {
        buyer.put_into_basket(id, 1).await.assert_status(404).problem("not_found");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_withdrawn_offer_cannot_be_put_and_shows_as_withdrawn() {
    let app = TestApp::start().await;
    let list = price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("A", 1), ("B", 1)]).create().await;
    app.import(&supplier, "price.yaml", price_list(&[("B", "Телефон Б", "20", 5)])).await;
    let basket = buyer.get("/api/v1/basket").await.json();
    assert_eq!(basket["lines"][0]["problem"], "withdrawn");
    assert!(basket["lines"][1].get("problem").is_none());
    buyer.put_into_basket(&app.offer("A").await, 1).await.assert_status(409).problem("withdrawn");
    app.finish().await;
}

#[tokio::test]
async fn a_closed_suppliers_offer_cannot_be_put_and_shows_as_closed() {
    let app = TestApp::start().await;
    let list = price_list(&[("A", "Телефон А", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("A", 1)]).create().await;
    supplier.patch("/api/v1/supplier", json!({ "accepting_orders": false })).await.assert_status(200);
    assert_eq!(buyer.get("/api/v1/basket").await.json()["lines"][0]["problem"], "supplier_closed");
    buyer.put_into_basket(&app.offer("A").await, 2).await.assert_status(409).problem("supplier_closed");
    supplier.patch("/api/v1/supplier", json!({ "accepting_orders": true })).await.assert_status(200);
    buyer.put_into_basket(&app.offer("A").await, 2).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn a_line_shows_what_has_drifted_since_it_was_put() {
    let app = TestApp::start().await;
    let list = price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("A", 2), ("B", 5)]).create().await;
    let list = price_list(&[("A", "Телефон А", "110", 10), ("B", "Телефон Б", "20", 4)]);
    app.import(&supplier, "price.yaml", list).await;
    let basket = buyer.get("/api/v1/basket").await.json();
    assert_eq!(basket["lines"][0]["problem"], "price_changed");
    assert_eq!(basket["lines"][1]["problem"], "not_enough_stock");
    assert_eq!(basket["total"], "320.00", "the sums are those of now");
    // Putting it again is agreeing to the price.
    let basket = buyer.put_into_basket(&app.offer("A").await, 2).await.assert_status(200).json();
    assert!(basket["lines"][0].get("problem").is_none());
    app.finish().await;
}

#[tokio::test]
async fn addresses_are_kept_for_the_organization() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    let mut shop = address();
    shop["label"] = json!("Магазин 12");
    shop["postal_code"] = json!("125009");
    let created = buyer.post("/api/v1/me/addresses", shop.clone()).await.assert_status(201);
    let location = created.header("location").unwrap().to_owned();
    let kept = buyer.get(&location).await.assert_status(200).json();
    for (member, value) in shop.as_object().unwrap() {
        assert_eq!(&kept[member], value, "{member}");
    }
    assert_eq!(buyer.get("/api/v1/me/addresses").await.json()["items"], json!([kept]));

    let stranger = app.buyer().create().await;
    stranger.get(&location).await.assert_status(404).problem("not_found");
    stranger.delete(&location).await.assert_status(404).problem("not_found");
    assert_eq!(stranger.get("/api/v1/me/addresses").await.json()["items"], json!([]));

    buyer.delete(&location).await.assert_status(204);
    buyer.get(&location).await.assert_status(404);
    app.finish().await;
}

#[tokio::test]
async fn an_address_is_changed_as_a_whole_and_orders_keep_theirs() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 10)])).create().await;
    let buyer = app.buyer().with_basket([("A", 1)]).create().await;
    let created = buyer.post("/api/v1/me/addresses", address()).await.assert_status(201);
    let location = created.header("location").unwrap().to_owned();
    let to = json!({ "address_id": created.json()["id"], "payment_method": "invoice" });
    let order = buyer.post("/api/v1/orders", to).await.assert_status(201).json();

    let mut moved = address();
    moved["street"] = json!("Арбат");
    moved["label"] = json!("Магазин 12");
    moved.as_object_mut().unwrap().remove("apartment");
    let changed = buyer.put(&location, moved.clone()).await.assert_status(200).json();
    assert_eq!(
        (&changed["id"], &changed["street"], &changed["label"], &changed["apartment"]),
        (&created.json()["id"], &json!("Арбат"), &json!("Магазин 12"), &json!(null))
    );
    assert_eq!(buyer.get(&location).await.json(), changed);
    let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
    assert_eq!(buyer.get(&path).await.json()["address"]["street"], "Тверская");

    moved["phone"] = json!("нет");
    buyer.put(&location, moved).await.assert_status(422).invalid(&[("/phone", "invalid_phone")]);
    let stranger = app.buyer().create().await;
    stranger.put(&location, address()).await.assert_status(404).problem("not_found");
    assert_eq!(buyer.get(&location).await.json(), changed);
    app.finish().await;
}

#[tokio::test]
async fn everything_that_is_wrong_with_an_address_is_said_at_once() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    let wrong = json!({
        "last_name": "", "first_name": "Пётр", "email": "x", "phone": "звоните", "city": "", "street": "y".repeat(201),
        "house": "7", "building": "", "label": "z".repeat(101),
    });
    buyer.post("/api/v1/me/addresses", wrong).await.assert_status(422).invalid(&[
        ("/last_name", "required"),
        ("/email", "invalid_email"),
        ("/phone", "invalid_phone"),
        ("/city", "required"),
        ("/street", "too_long"),
        ("/building", "required"),
        ("/label", "too_long"),
    ]);
    let missing = json!({ "first_name": "Пётр", "phone": 7 });
    buyer.post("/api/v1/me/addresses", missing).await.assert_status(422).invalid(&[
        ("/last_name", "required"),
        ("/email", "required"),
        ("/phone", "wrong_type"),
        ("/city", "required"),
        ("/street", "required"),
        ("/house", "required"),
    ]);
    app.finish().await;
}

#[tokio::test]
async fn an_organization_keeps_five_hundred_addresses_and_no_more() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    let first = buyer.post("/api/v1/me/addresses", address()).await.assert_status(201).json();
    let copies = "insert into addresses (id, organization_id, address, created_at)
        select uuid_v7(), organization_id, address, created_at from addresses, generate_series(1, 498)";
    sqlx::query(copies).execute(app.pool()).await.unwrap();
    buyer.post("/api/v1/me/addresses", address()).await.assert_status(201);
    let refused = buyer.post("/api/v1/me/addresses", address()).await.assert_status(409);
    refused.problem("too_many_addresses");
    let path = format!("/api/v1/me/addresses/{}", first["id"].as_str().unwrap());
    buyer.delete(&path).await.assert_status(204);
    buyer.post("/api/v1/me/addresses", address()).await.assert_status(201);
    app.finish().await;
}

#[tokio::test]
async fn a_basket_has_a_thousand_lines_and_no_more() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let goods: String = (1..=1_001).map(|n| format!("{n},Товары,Товар {n},1,5\n")).collect();
    app.import(&supplier, "price.csv", format!("id,category,name,price,quantity\n{goods}")).await;
    let buyer = app.buyer().with_basket([("1", 1)]).create().await;
    let rest = "insert into basket_lines (user_id, offer_id, quantity, price_minor, added_at)
        select b.user_id, o.id, 1, 100, b.updated_at from baskets b, offers o where o.sku not in ('1', '1001')";
    sqlx::query(rest).execute(app.pool()).await.unwrap();
    buyer.put_into_basket(&app.offer("1001").await, 1).await.assert_status(409).problem("basket_full");
    buyer.put_into_basket(&app.offer("1").await, 2).await.assert_status(200);
    let order = buyer.order().await.assert_status(201).json();
    assert_eq!(
        (&order["total"], order["parts"][0]["lines"].as_array().unwrap().len()),
        (&json!("1001.00"), 1_000)
    );
    app.finish().await;
}
