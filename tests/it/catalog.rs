//! Browsing and searching, without signing in.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Answer, TestApp, price_list};

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

async fn found(app: &TestApp, query: &str) -> Value {
    app.get(&format!("/api/v1/products?{query}")).await.assert_status(200).json()
}

async fn with_elektron() -> TestApp {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(include_str!("../data/elektron.yaml")).create().await;
    app
}

#[tokio::test]
async fn products_are_listed_by_name_and_the_pages_visit_each_once() {
    let app = with_elektron().await;
    let (mut listed, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = found(&app, &format!("limit=7&cursor={cursor}")).await;
        listed.extend(names(&page));
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((listed.len(), listed.iter().collect::<BTreeSet<_>>().len(), pages), (45, 45, 7));
    let keys: Vec<String> = listed.iter().map(|name| name.to_lowercase().replace('ё', "е")).collect();
    assert!(keys.is_sorted(), "{keys:#?}");
    assert_eq!(found(&app, "").await["items"].as_array().unwrap().len(), 20, "twenty unless asked otherwise");
    app.finish().await;
}

#[tokio::test]
async fn a_search_understands_russian_and_english_inflection() {
    let app = with_elektron().await;
    for (words, expected) in [
        ("смартфоны", "Смартфон Xiaomi 14T 12/512 ГБ (чёрный)"),
        ("ноутбуков", "Ноутбук ASUS Vivobook 15 X1504ZA Core i3-1215U 8/256 ГБ"),
        ("чайника", "Чайник электрический REDMOND RK-M1721 1.7 л"),
        ("Macbooks", "Ноутбук Apple MacBook Air 13 M3 16/256 ГБ (серебристый)"),
        ("samsung монитор", "Монитор Samsung S27C310 27\" IPS 75 Гц"),
        ("apple/iphone-15", "Смартфон Apple iPhone 15 256 ГБ (синий)"),
    ] {
        let page = found(&app, &format!("limit=100&q={words}")).await;
        assert!(names(&page).iter().any(|name| name == expected), "{words}: {:?}", names(&page));
    }
    assert_eq!(names(&found(&app, "q=бетономешалка").await), [] as [&str; 0]);
    app.finish().await;
}

#[tokio::test]
async fn every_word_of_a_search_must_be_there() {
    let app = with_elektron().await;
    let page = found(&app, "limit=100&q=мышь+A4Tech").await;
    assert_eq!(names(&page), ["Мышь проводная A4Tech N-708X (чёрная)"]);
    app.finish().await;
}

#[tokio::test]
async fn the_pages_of_a_search_visit_each_once_too() {
    let app = with_elektron().await;
    let all = names(&found(&app, "limit=100&q=смартфон").await);
    assert!(all.len() >= 8, "{all:?}");
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = found(&app, &format!("limit=3&q=смартфон&cursor={cursor}")).await;
        listed.extend(names(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(listed, all);
    app.finish().await;
}

#[tokio::test]
async fn whatever_is_searched_for_is_no_error() {
    let app = with_elektron().await;
    for words in [
        "'",
        "\"",
        "a & b | !",
        "%",
        "\\",
        ":*",
        "(",
        "-",
        "Ж'--",
        "or or",
        "+ +",
        "\"не закрыта",
        "ж".repeat(200).as_str(),
    ] {
        let request = app.client().get(app.url("/api/v1/products")).query(&[("q", words)]);
        Answer::to(request).await.assert_status(200);
    }
    let long = "ж".repeat(201);
    app.get(&format!("/api/v1/products?q={long}")).await.assert_status(422).invalid(&[("q", "too_long")]);
    app.finish().await;
}

#[tokio::test]
async fn products_are_filtered_by_category_and_by_supplier() {
    let app = with_elektron().await;
    let kancler = app.supplier("Канцлер").create().await;
    app.import(&kancler, "kancler.csv", include_str!("../data/kancler.csv")).await;
    let categories = app.get("/api/v1/categories?limit=100").await.assert_status(200).json();
    let monitors =
        categories["items"].as_array().unwrap().iter().find(|item| item["name"] == "Мониторы").unwrap();
    assert_eq!(monitors["products_count"], 3);
    let page = found(&app, &format!("category_id={}", monitors["id"].as_str().unwrap())).await;
    assert_eq!(names(&page).len(), 3);

    let suppliers = app.get("/api/v1/suppliers").await.assert_status(200).json();
    let suppliers = suppliers["items"].as_array().unwrap();
    assert_eq!(suppliers.len(), 2);
    let supplier = suppliers.iter().find(|item| item["name"] == "Канцлер").unwrap();
    assert_eq!((&supplier["offers_count"], &supplier["accepting_orders"]), (&json!(48), &json!(true)));
    let id = supplier["id"].as_str().unwrap();
    assert_eq!(&app.get(&format!("/api/v1/suppliers/{id}")).await.assert_status(200).json(), supplier);
    assert_eq!(names(&found(&app, &format!("limit=100&supplier_id={id}")).await).len(), 48);
    let page = found(&app, &format!("supplier_id={id}&q=мышь")).await;
    assert_eq!(names(&page)[0], "Мышь беспроводная Logitech M185 (серая)");
    assert_eq!(page["items"][0]["offers_count"], 2, "all its offers count");
    app.finish().await;
}

#[tokio::test]
async fn two_suppliers_share_products_and_categories() {
    let app = with_elektron().await;
    let kancler = app.supplier("Канцлер").create().await;
    app.import(&kancler, "kancler.csv", include_str!("../data/kancler.csv")).await;
    let products: i64 =
        sqlx::query_scalar("select count(*) from products").fetch_one(app.pool()).await.unwrap();
    assert_eq!(products, 45 + 48 - 9, "nine are offered by both");
    let categories = app.get("/api/v1/categories?limit=100").await.json();
    let all = names(&categories);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_card_shows_every_offer_the_cheapest_first() {
    let app = TestApp::start().await;
    for (supplier, sku, price) in [("Дорогой", "A", "120"), ("Дешёвый", "B", "90.5"), ("Средний", "C", "100")]
    {
        app.supplier(supplier).with_price_list(price_list(&[(sku, "Телефон", price, 5)])).create().await;
    }
    let page = found(&app, "").await;
    let product = &page["items"][0];
    assert_eq!((&product["price_from"], &product["available"]), (&json!("90.50"), &json!(15)));
    let card = app
        .get(&format!("/api/v1/products/{}", product["id"].as_str().unwrap()))
        .await
        .assert_status(200)
        .json();
    let offers: Vec<_> =
        card["offers"].as_array().unwrap().iter().map(|o| (&o["supplier"]["name"], &o["price"])).collect();
    assert_eq!(
        offers,
        [
            (&json!("Дешёвый"), &json!("90.50")),
            (&json!("Средний"), &json!("100.00")),
            (&json!("Дорогой"), &json!("120.00"))
        ]
    );
    for member in ["name", "price_from", "available", "offers_count", "category"] {
        assert_eq!(card[member], product[member], "{member}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_card_shows_parameters_and_the_recommended_price_as_the_list_wrote_them() {
    let app = with_elektron().await;
    let page = found(&app, "q=iphone+15+128").await;
    let id = page["items"][0]["id"].as_str().unwrap();
    let card = app.get(&format!("/api/v1/products/{id}")).await.assert_status(200).json();
    let offer = &card["offers"][0];
    assert_eq!((&offer["sku"], &offer["model"]), (&json!("EL-100101"), &json!("apple/iphone-15")));
    assert_eq!((&offer["price"], &offer["recommended_price"]), (&json!("64990.00"), &json!("69990.00")));
    assert_eq!(offer["parameters"]["Диагональ (дюйм)"], "6.1");
    assert_eq!(offer["parameters"]["Разрешение (пикс)"], "2556x1179");
    assert_eq!(card["category"]["name"], "Смартфоны");
    assert!(card["description"].as_str().unwrap().starts_with("Dual SIM"));
    app.finish().await;
}

#[tokio::test]
async fn a_product_without_offers_disappears_and_comes_back_with_its_offer() {
    let app = TestApp::start().await;
    let goods = [("A", "Телефон А", "100", 5), ("B", "Телефон Б", "100", 5)];
    let supplier = app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let id = found(&app, "q=А").await["items"][0]["id"].as_str().unwrap().to_owned();
    app.import(&supplier, "price.yaml", price_list(&goods[1..])).await;
    app.get(&format!("/api/v1/products/{id}")).await.assert_status(404).problem("not_found");
    assert_eq!(names(&found(&app, "").await), ["Телефон Б"]);
    assert_eq!(names(&found(&app, "q=телефон").await), ["Телефон Б"]);
    assert_eq!(app.get("/api/v1/categories").await.json()["items"][0]["products_count"], 1);
    app.import(&supplier, "price.yaml", price_list(&goods)).await;
    app.get(&format!("/api/v1/products/{id}")).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn a_closed_supplier_counts_neither_in_the_price_nor_in_what_is_available() {
    let app = TestApp::start().await;
    let cheap =
        app.supplier("Дешёвый").with_price_list(price_list(&[("A", "Телефон", "90", 5)])).create().await;
    app.supplier("Дорогой").with_price_list(price_list(&[("B", "Телефон", "120", 7)])).create().await;
    cheap.patch("/api/v1/supplier", json!({ "accepting_orders": false })).await.assert_status(200);
    let page = found(&app, "").await;
    let product = &page["items"][0];
    assert_eq!((&product["price_from"], &product["available"]), (&json!("120.00"), &json!(7)));
    let card = app.get(&format!("/api/v1/products/{}", product["id"].as_str().unwrap())).await.json();
    assert_eq!((&card["price_from"], &card["available"]), (&json!("120.00"), &json!(7)));
    assert_eq!(card["offers"][0]["supplier"]["accepting_orders"], false, "its offer is still shown");
    app.finish().await;
}

#[tokio::test]
async fn nobody_sees_the_offers_of_a_supplier_who_waits_for_approval() {
    let app = TestApp::start_with(|trade| trade.require_approval = true).await;
    let supplier =
        app.supplier("Новый").with_price_list(price_list(&[("A", "Телефон", "90", 5)])).create().await;
    assert_eq!(supplier.get("/api/v1/supplier").await.assert_status(200).json()["approved"], false);
    for list in ["products", "products?q=телефон", "suppliers", "categories"] {
        let page = app.get(&format!("/api/v1/{list}")).await.assert_status(200).json();
        assert_eq!(page["items"], json!([]), "{list}");
    }
    let buyer = app.buyer().create().await;
    buyer.put_into_basket(&app.offer("A").await, 1).await.assert_status(404).problem("not_found");
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_id_is_not_found_and_neither_is_what_is_no_id() {
    let app = TestApp::start().await;
    for id in ["0199a9a0-0000-7000-8000-000000000000", "7", "%00", "a%2Fb"] {
        app.get(&format!("/api/v1/products/{id}")).await.assert_status(404).problem("not_found");
        app.get(&format!("/api/v1/suppliers/{id}")).await.assert_status(404).problem("not_found");
    }
    app.finish().await;
}

#[tokio::test]
async fn parameters_that_are_wrong_unknown_or_repeated_are_named() {
    let app = TestApp::start().await;
    let refused = app.get("/api/v1/products?limit=101&cursor=x&category_id=7&colour=red&q=a&q=b").await;
    refused.assert_status(422).invalid(&[
        ("limit", "out_of_range"),
        ("cursor", "invalid"),
        ("category_id", "invalid_id"),
        ("colour", "unknown_parameter"),
        ("q", "unknown_parameter"),
    ]);
    for (query, code) in [("limit=0", "out_of_range"), ("limit=-1", "invalid"), ("limit=ten", "invalid")] {
        app.get(&format!("/api/v1/suppliers?{query}")).await.assert_status(422).invalid(&[("limit", code)]);
    }
    app.get("/api/v1/products?q=%00").await.assert_status(422).invalid(&[("q", "control_characters")]);
    app.finish().await;
}
