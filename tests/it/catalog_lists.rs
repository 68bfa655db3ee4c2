//! Filters, orders, pages and facets of the list of products.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp, price_list};

/// Names and values.
type Pairs<'a> = &'a [(&'a str, &'a str)];

/// What a supplier of phones has.
const PHONES: &str = "
shop: Телефоны
categories: [{id: 1, name: Смартфоны}, {id: 2, name: Чехлы}]
goods:
  - {id: A, category: 1, name: Смартфон А, price: 300, quantity: 5, parameters: {'Цвет': черный, 'Память': 128}}
  - {id: B, category: 1, name: Смартфон Б, price: 100, quantity: 0, parameters: {'Цвет': белый, 'Память': 128}}
  - {id: C, category: 1, name: Смартфон В, price: 200.50, quantity: 1, parameters: {'Цвет': черный, 'Память': 256}}
  - {id: D, category: 2, name: Чехол, price: 10, quantity: 9, parameters: {'Цвет': черный, 'a]=b&c': 'x=y&z'}}
";

/// What another has of the same.
const OTHERS: &str = "
shop: Другие
categories: [{id: 1, name: Смартфоны}]
goods:
  - {id: X, category: 1, name: Смартфон А, price: 250, quantity: 0, parameters: {'Цвет': красный, 'Память': 512}}
  - {id: Y, category: 1, name: Смартфон Г, price: 400, quantity: 2, parameters: {'Цвет': красный}}
";

async fn with_phones() -> TestApp {
    let app = TestApp::start().await;
    app.supplier("Телефоны").with_price_list(PHONES).create().await;
    app.supplier("Другие").with_price_list(OTHERS).create().await;
    app
}

async fn page(app: &TestApp, query: &[(&str, &str)]) -> Value {
    let request = app.client().get(app.url("/api/v1/products")).query(query);
    Answer::to(request).await.assert_status(200).json()
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

/// The last letters of the names.
async fn listed(app: &TestApp, query: &[(&str, &str)]) -> String {
    let page = page(app, query).await;
    names(&page).iter().filter_map(|name| name.chars().last()).collect()
}

async fn supplier_id(app: &TestApp, name: &str) -> String {
    let suppliers = app.get("/api/v1/suppliers").await.json();
    let supplier = suppliers["items"].as_array().unwrap().iter().find(|item| item["name"] == name).unwrap();
    supplier["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn products_come_in_the_order_that_is_asked_for() {
    let app = with_phones().await;
    assert_eq!(listed(&app, &[]).await, "АБВГл");
    assert_eq!(listed(&app, &[("sort", "name")]).await, "АБВГл");
    assert_eq!(listed(&app, &[("sort", "relevance")]).await, "АБВГл", "without words there is no relevance");
    assert_eq!(listed(&app, &[("sort", "price")]).await, "лБВАГ", "the cheapest offer counts");
    assert_eq!(listed(&app, &[("sort", "-price")]).await, "ГАВБл");
    let refused = app.get("/api/v1/products?sort=stock&in_stock=yes&facets=1").await.assert_status(422);
    refused.invalid(&[("sort", "unknown_word"), ("in_stock", "unknown_word"), ("facets", "unknown_word")]);
    app.finish().await;
}

#[tokio::test]
async fn what_nobody_sells_now_comes_last_by_price() {
    let app = with_phones().await;
    let closing =
        app.supplier("Закрытый").with_price_list(price_list(&[("Z", "Смартфон Я", "150", 5)])).create().await;
    assert_eq!(listed(&app, &[("sort", "price")]).await, "лБЯВАГ");
    closing.patch("/api/v1/supplier", json!({ "accepting_orders": false })).await.assert_status(200);
    app.drain_jobs().await;
    assert_eq!(listed(&app, &[("sort", "price")]).await, "лБВАГЯ");
    assert_eq!(listed(&app, &[("sort", "-price")]).await, "ГАВБлЯ");
    assert_eq!(listed(&app, &[("price_min", "1")]).await, "АБВГл", "it has no price");
    closing.patch("/api/v1/supplier", json!({ "accepting_orders": true })).await.assert_status(200);
    app.drain_jobs().await;
    assert_eq!(listed(&app, &[("sort", "price")]).await, "лБЯВАГ");
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_that_closes_counts_no_more_even_before_its_products_have_moved() {
    let app = with_phones().await;
    app.stop_worker().await;
    sqlx::query("update suppliers set accepting_orders = false where id = (select supplier_id from offers where sku = 'X')")
        .execute(app.pool()).await.unwrap();
    let page = page(&app, &[("sort", "price")]).await;
    let prices: Vec<&Value> =
        page["items"].as_array().unwrap().iter().map(|item| &item["price_from"]).collect();
    let expected = [json!("10.00"), json!("100.00"), json!("200.50"), json!("300.00"), Value::Null];
    assert_eq!(prices, expected.iter().collect::<Vec<_>>());
    sqlx::query("update suppliers set accepting_orders = true").execute(app.pool()).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn products_are_filtered_by_price_and_stock() {
    let app = with_phones().await;
    for (query, expected) in [
        (&[("price_min", "200.50")][..], "АВГ"),
        (&[("price_min", "200.51")], "АГ"),
        (&[("price_max", "100")], "Бл"),
        (&[("price_min", "100"), ("price_max", "250")], "АБВ"),
        (&[("price_min", "100"), ("price_max", "250"), ("sort", "-price")], "АВБ"),
        (&[("in_stock", "true")], "АВГл"),
        (&[("in_stock", "false")], "АБВГл"),
        (&[("in_stock", "true"), ("price_max", "200.50"), ("sort", "price")], "лВ"),
        (&[("price_min", "1000")], ""),
    ] {
        assert_eq!(listed(&app, query).await, expected, "{query:?}");
    }
    let buyer = app.buyer().with_basket([("C", 1)]).create().await;
    buyer.order().await.assert_status(201);
    assert_eq!(listed(&app, &[("in_stock", "true")]).await, "АГл", "the last piece is reserved");
    app.finish().await;
}

#[tokio::test]
async fn products_are_filtered_by_parameters() {
    let app = with_phones().await;
    let supplier = supplier_id(&app, "Другие").await;
    for (query, expected) in [
        (&[("param[Цвет]", "черный")][..], "АВл"),
        (&[("param[Цвет]", "черный"), ("param[Цвет]", "белый")], "АБВл"),
        (&[("param[Цвет]", "черный"), ("param[Память]", "128")], "А"),
        (&[("param[Цвет]", "красный"), ("param[Память]", "128")], ""),
        (&[("param[Цвет]", "красный"), ("in_stock", "true")], "Г"),
        (&[("param[Цвет]", "черный"), ("supplier_id", &supplier)], ""),
        (&[("supplier_id", &supplier)], "АГ"),
        (&[("supplier_id", &supplier), ("in_stock", "true"), ("sort", "-price")], "Г"),
        (&[("param[Цвет]", "черный"), ("q", "смартфон"), ("sort", "price")], "ВА"),
        (&[("param[Цвет]", "Черный")], ""),
        (&[("param[Нет]", "такого")], ""),
        (&[("param[Цвет]", "")], "АБВГл"),
        (&[("param[a]=b&c]", "x=y&z")], "л"),
        (&[("param[Цвет]", "' or 1=1 --")], ""),
    ] {
        assert_eq!(listed(&app, query).await, expected, "{query:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn filters_that_make_no_sense_are_named() {
    let app = TestApp::start().await;
    let long = "ж".repeat(201);
    let many: Vec<(String, String)> = (0..11).map(|n| (format!("param[{n}]"), "x".to_owned())).collect();
    let values: Vec<(String, String)> = (0..21).map(|n| ("param[a]".to_owned(), n.to_string())).collect();
    let refusals: [(Pairs, Pairs); 9] = [
        (&[("price_min", "2"), ("price_max", "1")], &[("price_max", "out_of_range")]),
        (&[("price_min", "-1")], &[("price_min", "invalid_amount")]),
        (
            &[("price_min", "1e3"), ("price_max", "NaN")],
            &[("price_min", "invalid_amount"), ("price_max", "invalid_amount")],
        ),
        (&[("price_max", "99999999999999999999")], &[("price_max", "invalid_amount")]),
        (&[("param[]", "x")], &[("param[]", "unknown_parameter")]),
        (&[("param", "x")], &[("param", "unknown_parameter")]),
        (&[("param[Цвет", "x")], &[("param[Цвет", "unknown_parameter")]),
        (&[("param[a]", &long)], &[("param", "too_long")]),
        (&[("param[\0]", "x")], &[("param[]", "control_characters")]),
    ];
    for (query, expected) in refusals {
        let request = app.client().get(app.url("/api/v1/products")).query(query);
        Answer::to(request).await.assert_status(422).invalid(expected);
    }
    for query in [many, values] {
        let request = app.client().get(app.url("/api/v1/products")).query(&query);
        Answer::to(request).await.assert_status(422).invalid(&[("param", "too_many")]);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_pages_of_every_order_visit_each_product_once() {
    let app = TestApp::start().await;
    // Many of the same price, so that the ids decide.
    let goods: Vec<(String, String, String)> = (0..23)
        .map(|n| (format!("S{n}"), format!("Товар {}", n % 7 * 100 + n), (100 + n % 3).to_string()))
        .collect();
    let goods: Vec<_> = goods.iter().map(|(sku, name, price)| (&**sku, &**name, &**price, 5)).collect();
    app.supplier("Много").with_price_list(price_list(&goods)).create().await;
    let category = app.get("/api/v1/categories").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    for sort in ["name", "price", "-price", "relevance"] {
        for filter in
            ["", "&q=товар", "&in_stock=true", "&price_min=101", &format!("&category_id={category}")]
        {
            let all = app.get(&format!("/api/v1/products?limit=100&sort={sort}{filter}")).await.json();
            let (mut listed, mut cursor) = (Vec::new(), String::new());
            loop {
                let path = format!("/api/v1/products?limit=4&sort={sort}{filter}&cursor={cursor}");
                let page = app.get(&path).await.assert_status(200).json();
                listed.extend(page["items"].as_array().unwrap().clone());
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(&listed, all["items"].as_array().unwrap(), "{sort}{filter}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_only() {
    let app = with_phones().await;
    let lists = [
        "sort=name",
        "sort=price",
        "sort=-price",
        "q=смартфон",
        "q=смартфон&sort=name",
        "in_stock=true",
        "param[Цвет]=черный",
    ];
    for list in lists {
        let page = app.get(&format!("/api/v1/products?limit=1&{list}")).await.assert_status(200).json();
        let cursor = page["next_cursor"].as_str().unwrap().to_owned();
        for other in lists {
            let answer =
                app.get(&format!("/api/v1/products?limit=2&facets=true&{other}&cursor={cursor}")).await;
            if list == other {
                answer.assert_status(200);
            } else {
                answer.assert_status(422).invalid(&[("cursor", "invalid")]);
            }
        }
    }
    for rubbish in ["x", "e30", "bnVsbA", "W10", "%00", "MQ", "eyJsaXN0IjoiIn0", &"A".repeat(3000)] {
        app.get(&format!("/api/v1/products?cursor={rubbish}")).await.assert_status(422);
    }
    app.finish().await;
}

#[tokio::test]
async fn facets_count_the_whole_list() {
    let app = with_phones().await;
    assert_eq!(page(&app, &[]).await.get("facets"), None, "only when they are asked for");
    let facets = page(&app, &[("facets", "true"), ("limit", "1")]).await["facets"].clone();
    assert_eq!((&facets["counted"], &facets["complete"]), (&json!(5), &json!(true)));
    let counts = |facet: &Value| -> Vec<(String, i64)> {
        let items = facet.as_array().unwrap().iter();
        items
            .map(|item| (item["name"].as_str().unwrap().to_owned(), item["products_count"].as_i64().unwrap()))
            .collect()
    };
    let count = |name: &str, count| (name.to_owned(), count);
    assert_eq!(counts(&facets["categories"]), [count("Смартфоны", 4), count("Чехлы", 1)]);
    assert_eq!(counts(&facets["suppliers"]), [count("Телефоны", 4), count("Другие", 2)]);
    let colours = &facets["parameters"][0];
    assert_eq!(colours["name"], "Цвет");
    let expected = json!([
        {"value": "черный", "products_count": 3},
        {"value": "красный", "products_count": 2},
        {"value": "белый", "products_count": 1},
    ]);
    assert_eq!(colours["values"], expected);

    let narrowed = page(&app, &[("facets", "true"), ("q", "смартфон"), ("in_stock", "true")]).await;
    assert_eq!(counts(&narrowed["facets"]["categories"]), [count("Смартфоны", 3)]);
    let none = page(&app, &[("facets", "true"), ("q", "бетономешалка")]).await;
    let nothing =
        json!({"counted": 0, "complete": true, "categories": [], "suppliers": [], "parameters": []});
    assert_eq!(none["facets"], nothing);
    app.finish().await;
}

#[tokio::test]
async fn an_import_moves_what_it_changed_and_nothing_else() {
    let app = TestApp::start().await;
    let goods = [("A", "Товар А", "100", 5), ("B", "Товар Б", "200", 5), ("C", "Товар В", "300", 5)];
    let supplier = app.supplier("Первый").with_price_list(price_list(&goods)).create().await;
    assert_eq!(listed(&app, &[("sort", "price")]).await, "АБВ");
    let changed = [("A", "Товар А", "250", 5), ("B", "Товар Б", "200", 7), ("D", "Товар Г", "50", 5)];
    app.import(&supplier, "price.yaml", price_list(&changed)).await;
    assert_eq!(listed(&app, &[("sort", "price")]).await, "ГБА");
    assert_eq!(listed(&app, &[("q", "товар"), ("sort", "-price")]).await, "АБГ");
    let renamed = [("A", "Изделие Я", "250", 5), ("B", "Товар Б", "200", 7), ("D", "Товар Г", "50", 5)];
    app.import(&supplier, "price.yaml", price_list(&renamed)).await;
    assert_eq!(listed(&app, &[]).await, "ЯБГ");
    let suppliers = app.get("/api/v1/suppliers").await.json();
    assert_eq!(suppliers["items"][0]["offers_count"], 3);
    app.finish().await;
}
