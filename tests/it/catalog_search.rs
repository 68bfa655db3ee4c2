//! Searching: words as they are typed, mistyped and meant.

use serde_json::Value;

use crate::support::{Answer, TestApp};

/// Goods with parameters, in three categories.
const GOODS: &str = "
shop: Связной
categories: [{id: 1, name: Смартфоны}, {id: 2, name: Мыши и клавиатуры}, {id: 3, name: Ёлки}]
goods:
  - {id: A, category: 1, model: apple/iphone/xs-max, name: 'Смартфон Apple iPhone XS Max 512GB', price: 110000, quantity: 14,
     parameters: {'Цвет': золотистый, 'Встроенная память (Гб)': 512}}
  - {id: B, category: 1, model: apple/iphone/xr, name: 'Смартфон Apple iPhone XR 256GB (красный)', price: 65000, quantity: 9,
     parameters: {'Цвет': красный}}
  - {id: C, category: 1, model: samsung/galaxy/s24, name: 'Смартфон Samsung Galaxy S24 (чёрный)', price: 70000, quantity: 3,
     parameters: {'Цвет': чёрный}}
  - {id: D, category: 2, model: logitech/m185, name: 'Мышь беспроводная Logitech M185', price: 900, quantity: 50}
  - {id: E, category: 2, model: a4tech/kv-300h, name: 'Клавиатура проводная A4Tech KV-300H', price: 1500, quantity: 20}
  - {id: F, category: 3, name: 'Ёлка искусственная 1.8 м', price: 5000, quantity: 2}
";

async fn with_goods() -> TestApp {
    let app = TestApp::start().await;
    app.supplier("Связной").with_price_list(GOODS).create().await;
    app
}

/// The skus of what a search finds, in its order.
async fn search(app: &TestApp, query: &[(&str, &str)]) -> Vec<String> {
    let page = Answer::to(app.client().get(app.url("/api/v1/products")).query(query)).await;
    let page = page.assert_status(200).json();
    let mut skus = Vec::new();
    for item in page["items"].as_array().unwrap() {
        let card = app.get(&format!("/api/v1/products/{}", item["id"].as_str().unwrap())).await.json();
        skus.push(card["offers"][0]["sku"].as_str().unwrap().to_owned());
    }
    skus
}

async fn found(app: &TestApp, words: &str) -> Vec<String> {
    let mut skus = search(app, &[("q", words)]).await;
    skus.sort();
    skus
}

#[tokio::test]
async fn a_word_is_found_in_the_name_the_model_the_category_and_the_parameters() {
    let app = with_goods().await;
    for (words, expected) in [
        ("iphone", &["A", "B"][..]),
        ("смартфонов", &["A", "B", "C"]),
        ("galaxy s24", &["C"]),
        ("apple/iphone/xr", &["B"]),
        ("клавиатуры", &["D", "E"]),
        ("мышь m185", &["D"]),
        ("золотистый", &["A"]),
        ("золотистая", &["A"]),
        ("iphone красного", &["B"]),
        ("черный", &["C"]),
        ("елка", &["F"]),
        ("ЁЛКИ", &["F"]),
        ("iphone и 512gb", &["A"]),
    ] {
        assert_eq!(found(&app, words).await, expected, "{words}");
    }
    app.finish().await;
}

#[tokio::test]
async fn slips_of_the_pen_are_forgiven() {
    let app = with_goods().await;
    for (words, expected) in [
        ("iphnoe", &["A", "B"][..]),
        ("ipone", &["A", "B"]),
        ("ajfon", &[]),
        ("samsnug", &["C"]),
        ("золотситый", &["A"]),
        ("смартфн iphnoe xr", &["B"]),
        ("iphnoe 512gb", &["A"]),
        ("лоджитек", &[]),
        ("logiteck", &["D"]),
        ("клавеатура", &["D", "E"]),
    ] {
        assert_eq!(found(&app, words).await, expected, "{words}");
    }
    assert_eq!(found(&app, "бетономешалка").await, [] as [&str; 0]);
    app.finish().await;
}

#[tokio::test]
async fn the_wrong_keyboard_layout_is_understood() {
    let app = with_goods().await;
    for (words, expected) in [
        ("шзрщту", &["A", "B"][..]),
        ("ЫФЬЫГТП", &["C"]),
        ("vsim", &["D", "E"]),
        ("vsim m185", &["D"]),
        ("`krf", &["F"]),
        ("rkfdbfnehf", &["D", "E"]),
        ("шзртщу", &["A", "B"]),
        ("pjkjnbcnsq", &["A"]),
    ] {
        assert_eq!(found(&app, words).await, expected, "{words}");
    }
    app.finish().await;
}

#[tokio::test]
async fn synonyms_are_found_both_ways() {
    let app = with_goods().await;
    for (words, expected) in [
        ("айфон", &["A", "B"][..]),
        ("Айфон красный", &["B"]),
        ("самсунг", &["C"]),
        ("мобильник", &["A", "B", "C"]),
        ("клава", &["D", "E"]),
        ("логитех", &["D"]),
    ] {
        assert_eq!(found(&app, words).await, expected, "{words}");
    }
    let supplier = app.supplier("По-русски").create().await;
    let list = "shop: x\ncategories: [{id: 1, name: Телефоны}]\ngoods:\n  - {id: R, category: 1, name: Айфон 15, price: 1, quantity: 1}\n";
    app.import(&supplier, "price.yaml", list).await;
    assert_eq!(found(&app, "iphone").await, ["A", "B", "R"]);
    app.finish().await;
}

#[tokio::test]
async fn what_is_narrowed_down_to_nothing_is_not_guessed_at() {
    let app = with_goods().await;
    assert_eq!(search(&app, &[("q", "iphone"), ("price_max", "100")]).await, [] as [&str; 0]);
    assert_eq!(search(&app, &[("q", "iphnoe"), ("price_max", "100")]).await, [] as [&str; 0]);
    assert_eq!(search(&app, &[("q", "iphnoe"), ("price_max", "70000")]).await, ["B"]);
    assert_eq!(search(&app, &[("q", "iphnoe"), ("sort", "price")]).await, ["B", "A"]);
    assert_eq!(search(&app, &[("q", "шзрщту"), ("sort", "-price")]).await, ["A", "B"]);
    app.finish().await;
}

#[tokio::test]
async fn a_name_counts_more_than_a_parameter() {
    let app = TestApp::start().await;
    let list = "
shop: x
categories: [{id: 1, name: Разное}]
goods:
  - {id: A, category: 1, name: Подставка, price: 1, quantity: 1, parameters: {'Подходит': чайник}}
  - {id: B, category: 1, name: Чайник, price: 1, quantity: 1}
  - {id: C, category: 1, model: чайник, name: Прибор, price: 1, quantity: 1}
";
    app.supplier("x").with_price_list(list).create().await;
    assert_eq!(search(&app, &[("q", "чайник")]).await, ["B", "C", "A"]);
    app.finish().await;
}

#[tokio::test]
async fn the_pages_of_a_misspelled_search_visit_each_once() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(include_str!("../data/elektron.yaml")).create().await;
    let names = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for (words, sort) in
        [("cмартфнo", "name"), ("смартфн", "relevance"), ("cvfhnajy", "price"), ("смартфн", "-price")]
    {
        let all =
            app.get(&format!("/api/v1/products?limit=100&q={words}&sort={sort}")).await.assert_status(200);
        let all = names(&all.json());
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/products?limit=3&q={words}&sort={sort}&cursor={cursor}");
            let page = app.get(&path).await.assert_status(200).json();
            listed.extend(names(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(listed, all, "{words} {sort}");
        assert!(words.starts_with('c') || all.len() >= 8, "{words}: {all:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn relevance_ends_after_a_thousand() {
    let app = TestApp::start().await;
    let mut list = String::from("id,category,name,price,quantity\n");
    for number in 0..1_100 {
        list.push_str(&format!("{number},Кабели,Кабель {number},100,5\n"));
    }
    let supplier = app.supplier("Кабельщик").create().await;
    app.import(&supplier, "price.csv", list).await;
    let (mut pages, mut cursor) = (0, String::new());
    loop {
        let page = app.get(&format!("/api/v1/products?q=кабель&limit=100&cursor={cursor}")).await;
        pages += page.assert_status(200).json()["items"]
            .as_array()
            .map(|items| {
                assert_eq!(items.len(), 100);
                1
            })
            .unwrap();
        match app.get(&format!("/api/v1/products?q=кабель&limit=100&cursor={cursor}")).await.json()["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(pages, 10);
    app.finish().await;
}

#[tokio::test]
async fn no_search_is_an_error() {
    let app = with_goods().await;
    for words in [
        "'",
        "''",
        "\"",
        "a & b | !",
        "!",
        "&",
        "|",
        "<->",
        "iphone:*",
        "'iphone':A",
        "(",
        ")",
        "%",
        "_",
        "\\",
        "\\'",
        "[",
        "`",
        "~",
        "{}",
        "$1",
        "{1}",
        "и",
        "и в на",
        "the",
        "🦀",
        "e\u{301}",
        "%%%%",
        "iphone\u{a0}xr",
        "a".repeat(200).as_str(),
        "ж ".repeat(100).trim(),
        "'; drop table products; --",
    ] {
        let request =
            app.client().get(app.url("/api/v1/products")).query(&[("q", words), ("facets", "true")]);
        Answer::to(request).await.assert_status(200);
    }
    for (words, code) in [
        ("a\u{1f}b", "control_characters"),
        ("a\nb", "control_characters"),
        ("a\u{200b}b", "control_characters"),
    ] {
        let request = app.client().get(app.url("/api/v1/products")).query(&[("q", words)]);
        Answer::to(request).await.assert_status(422).invalid(&[("q", code)]);
    }
    app.finish().await;
}
