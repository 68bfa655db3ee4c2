//! What else an offer says: VAT, unit, and in which quantities it is ordered; from the list to the order.

use serde_json::{Value, json};

use crate::support::{Person, TestApp, address};

const LIST: &str = "id;category;name;price;quantity;gtin;vat;unit;min_quantity;multiple\n\
    A;Бумага;Бумага А4;300;1000;04601234567893;22%;упак;10;5\n\
    B;Бумага;Скрепки;20;100;;без НДС;;;\n\
    C;Бумага;Степлер;500;5;;;;;\n";

const IMPORTS: &str = "/api/v1/supplier/imports";

async fn supplier(app: &TestApp) -> Person {
    let supplier = app.supplier("Канцлер").create().await;
    app.import(&supplier, "price.csv", LIST).await;
    supplier
}

/// The list, with another line for A.
fn with_a(line: &str) -> String {
    LIST.replace("A;Бумага;Бумага А4;300;1000;04601234567893;22%;упак;10;5", line)
}

async fn line_of(buyer: &Person, sku: &str) -> Value {
    let basket = buyer.get("/api/v1/basket").await.assert_status(200).json();
    let lines = basket["lines"].as_array().unwrap();
    lines.iter().find(|line| line["sku"] == sku).cloned().unwrap()
}

async fn rows(supplier: &Person, import: &Value, status: &str) -> Value {
    let path = format!("{IMPORTS}/{}/rows?status={status}", import["id"].as_str().unwrap());
    supplier.get(&path).await.assert_status(200).json()["items"].clone()
}

#[tokio::test]
async fn a_card_shows_the_terms_of_each_offer() {
    let app = TestApp::start().await;
    supplier(&app).await;
    let listed = app.get("/api/v1/products?sort=name").await.json();
    let terms = async |n: usize| {
        let path = format!("/api/v1/products/{}", listed["items"][n]["id"].as_str().unwrap());
        let card = app.get(&path).await.assert_status(200).json();
        let offer = &card["offers"][0];
        json!([
            card["gtin"],
            offer["gtin"],
            offer["vat_rate"],
            offer["unit"],
            offer["min_quantity"],
            offer["multiple"]
        ])
    };
    assert_eq!(terms(0).await, json!(["4601234567893", "4601234567893", "22", "упак", 10, 5]));
    assert_eq!(terms(1).await, json!([null, null, "none", null, 1, 1]));
    assert_eq!(terms(2).await, json!([null, null, null, null, 1, 1]));
    app.finish().await;
}

#[tokio::test]
async fn the_basket_takes_whole_packs_from_the_least_on() {
    let app = TestApp::start().await;
    supplier(&app).await;
    let buyer = app.buyer().with_basket([("A", 15)]).create().await;
    let a = app.offer("A").await;
    for (quantity, code) in [(5, "below_minimum"), (7, "below_minimum"), (12, "not_a_multiple")] {
        let problem = buyer.put_into_basket(&a, quantity).await.assert_status(409).problem(code);
        assert_eq!((&problem["min_quantity"], &problem["multiple"]), (&json!(10), &json!(5)), "{quantity}");
    }
    buyer.put_into_basket(&a, 1_005).await.assert_status(409).problem("not_enough_stock");
    let line = line_of(&buyer, "A").await;
    assert_eq!(
        (&line["quantity"], &line["min_quantity"], &line["multiple"]),
        (&json!(15), &json!(10), &json!(5))
    );
    assert_eq!(
        (&line["vat_rate"], &line["unit"], &line["problem"]),
        (&json!("22"), &json!("упак"), &Value::Null)
    );

    let lines = json!({ "lines": [
        { "offer_id": a, "quantity": 12 },
        { "offer_id": app.offer("B").await, "quantity": 1 },
        { "offer_id": app.offer("C").await, "quantity": 1 },
    ] });
    let filled = buyer.post("/api/v1/basket/lines", lines).await.assert_status(200).json();
    let expected = json!([{
        "index": 0, "code": "not_a_multiple", "detail": "5 pieces are ordered, or several times as many",
    }]);
    assert_eq!((&filled["rejected"], filled["lines"].as_array().unwrap().len()), (&expected, 3));
    let few = json!({ "lines": [{ "offer_id": a, "quantity": 5 }] });
    let filled = buyer.post("/api/v1/basket/lines", few).await.assert_status(200).json();
    assert_eq!(filled["rejected"][0]["code"], "below_minimum");
    // Two lines for one offer are one demand.
    let halves = json!({ "lines": [{ "offer_id": a, "quantity": 4 }, { "offer_id": a, "quantity": 6 }] });
    let filled = buyer.post("/api/v1/basket/lines", halves).await.assert_status(200).json();
    assert_eq!((&filled["rejected"], &line_of(&buyer, "A").await["quantity"]), (&json!([]), &json!(10)));
    app.finish().await;
}

#[tokio::test]
async fn terms_that_have_changed_since_stop_the_order_and_nothing_is_ordered() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let buyer = app.buyer().with_basket([("A", 15), ("C", 1)]).create().await;
    for (line, code) in [
        ("A;Бумага;Бумага А4;300;1000;04601234567893;22;упак;10;10", "not_a_multiple"),
        ("A;Бумага;Бумага А4;300;1000;04601234567893;22;упак;20;10", "below_minimum"),
        // A changed price is no reason to ask for the new total: it would not do.
        ("A;Бумага;Бумага А4;310;1000;04601234567893;22;упак;20;", "below_minimum"),
    ] {
        app.import(&supplier, "price.csv", with_a(line)).await;
        let basket = buyer.get("/api/v1/basket").await.json();
        assert_eq!(basket["lines"][0]["problem"], code, "{line}");
        let body = json!({
            "address": address(), "payment_method": "invoice", "expected_total": basket["total"],
        });
        let problem = buyer.post("/api/v1/orders", body).await.assert_status(409).problem(code);
        let concerned = problem["lines"].as_array().unwrap();
        assert_eq!((concerned.len(), &concerned[0]["sku"]), (1, &json!("A")), "{problem}");
        assert_eq!(problem["basket"], basket, "the basket as it is now");
        assert_eq!(app.stock("A").await, (1_000, 0));
        assert_eq!(buyer.get("/api/v1/orders").await.json()["items"], json!([]));
    }
    buyer.put_into_basket(&app.offer("A").await, 20).await.assert_status(200);
    buyer.order().await.assert_status(201);
    assert_eq!(app.stock("A").await, (1_000, 20));
    app.finish().await;
}

#[tokio::test]
async fn an_order_keeps_the_vat_rate_and_the_unit_as_they_were() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let buyer = app.buyer().with_basket([("A", 15), ("B", 1), ("C", 1)]).create().await;
    let order = buyer.order().await.assert_status(201);
    let changed = with_a("A;Бумага;Бумага А4;300;1000;;10;шт;;");
    app.import(&supplier, "price.csv", changed).await;
    let expected = json!([["A", "22", "упак"], ["B", "none", null], ["C", null, null]]);
    let lines = |part: &Value| {
        let lines = part["lines"].as_array().unwrap().iter();
        lines.map(|line| json!([line["sku"], line["vat_rate"], line["unit"]])).collect::<Value>()
    };
    let shown = buyer.get(order.header("location").unwrap()).await.assert_status(200).json();
    assert_eq!(lines(&shown["parts"][0]), expected);
    let theirs = supplier.get("/api/v1/supplier/orders").await.assert_status(200).json();
    assert_eq!(lines(&theirs["items"][0]), expected);

    for (email, subject) in [(buyer.email(), "Заказ"), (supplier.email(), "заказ")] {
        let mailbox = app.mailbox(email).await;
        let letter = mailbox.assert_one(subject);
        for text in [letter.text.as_deref().unwrap(), letter.html.as_deref().unwrap()] {
            for said in ["× 15 упак", "НДС 22 %", "без НДС"] {
                assert!(text.contains(said), "{said}: {text}");
            }
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn an_order_that_is_repeated_must_fit_the_terms_of_now() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let buyer = app.buyer().with_basket([("A", 15), ("C", 1)]).create().await;
    let order = buyer.order().await.assert_status(201);
    app.import(&supplier, "price.csv", with_a("A;Бумага;Бумага А4;300;1000;;22;упак;10;10")).await;
    let repeat = format!("{}/repeat", order.header("location").unwrap());
    let filled = buyer.post(&repeat, json!({})).await.assert_status(200).json();
    assert_eq!(filled["rejected"][0]["code"], "not_a_multiple");
    assert_eq!(filled["lines"][0]["sku"], "C");
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_them_is_said_by_field_in_the_readers_language() {
    let app = TestApp::start().await;
    let list = "id;category;name;price;quantity;gtin;vat;unit;min_quantity;multiple\n\
        A;Бумага;Бумага А4;300;1000;4601234567890;20;упаковка по пятьсот листов;10;6\n\
        B;Бумага;Скрепки;20;100;2000000000015;;;0;1,5\n";
    let codes = json!([
        [
            ["gtin", "not_a_gtin"],
            ["vat", "unknown_vat_rate"],
            ["unit", "too_long"],
            ["min_quantity", "not_a_multiple"]
        ],
        [["gtin", "not_a_gtin"], ["min_quantity", "not_positive"], ["multiple", "fractional"]],
    ]);
    for (locale, detail) in [
        ("ru", "найдено «20», ожидается одна из ставок none, 0, 5, 7, 10, 22"),
        ("en", "found «20», expected one of the rates none, 0, 5, 7, 10, 22"),
    ] {
        let supplier = app.supplier("Канцлер").locale(locale).create().await;
        let import = app.import(&supplier, "price.csv", list).await;
        let failed = rows(&supplier, &import, "failed").await;
        let found: Value = (failed.as_array().unwrap().iter())
            .map(|row| {
                let errors = row["errors"].as_array().unwrap().iter();
                errors.map(|error| json!([error["field"], error["code"]])).collect::<Value>()
            })
            .collect();
        assert_eq!(found, codes);
        assert_eq!(failed[0]["errors"][1]["detail"], detail);
        // The report has what stood there, in the columns of a list.
        let report = format!("{IMPORTS}/{}/rows?format=csv", import["id"].as_str().unwrap());
        let report = supplier.get(&report).await.assert_status(200);
        assert!(
            report.text().contains(";4601234567890;20;упаковка по пятьсот листов;10;6;"),
            "{}",
            report.text()
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn an_export_in_any_form_imported_again_changes_nothing() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    for (format, said) in [
        (
            "yaml",
            "    gtin: \"4601234567893\"\n    vat: 22\n    unit: \"упак\"\n    min_quantity: 10\n    multiple: 5\n",
        ),
        ("csv", ";1000;4601234567893;22;упак;10;5\n"),
        (
            "yml",
            "<barcode>4601234567893</barcode>\n<vat>VAT_22</vat>\n<unit>упак</unit>\n\
             <min-quantity>10</min-quantity>\n<step-quantity>5</step-quantity>\n",
        ),
        ("xlsx", ""),
    ] {
        let list = supplier.get(&format!("/api/v1/supplier/price-list?format={format}")).await;
        assert!(list.text().contains(said), "{}", list.text());
        let import = app.import(&supplier, "price-list", list.bytes()).await;
        assert_eq!(
            (&import["status"], &import["counts"]["unchanged"]),
            (&json!("completed"), &json!(3)),
            "{import}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn their_changes_are_shown_before_and_after_kept_and_taken_back() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let second = with_a("A;Бумага;Бумага А4;300;1000;036000291452;none;шт;12;6");
    let changes = json!({
        "gtin": ["4601234567893", "036000291452"], "vat": ["22", "none"], "unit": ["упак", "шт"],
        "min_quantity": [10, 12], "multiple": [5, 6],
    });
    let preview = app.import_as(&supplier, "replace&dry_run=true", "second.csv", second.clone()).await;
    assert_eq!((&preview["counts"]["updated"], &preview["counts"]["unchanged"]), (&json!(1), &json!(2)));
    assert_eq!(rows(&supplier, &preview, "updated").await[0]["changes"], changes);
    let import = app.import(&supplier, "second.csv", second).await;
    assert_eq!(rows(&supplier, &import, "updated").await[0]["changes"], changes);

    let revert = format!("{IMPORTS}/{}/revert", import["id"].as_str().unwrap());
    supplier.post(&revert, json!({})).await.assert_status(202);
    app.drain_jobs().await;
    let history = format!("/api/v1/supplier/offers/{}/history", app.offer("A").await);
    let history = supplier.get(&history).await.assert_status(200).json();
    let kept: Value = (history["items"].as_array().unwrap().iter())
        .map(|it| json!([it["gtin"], it["vat_rate"], it["unit"], it["min_quantity"], it["multiple"]]))
        .collect();
    let (first, second) =
        (json!(["4601234567893", "22", "упак", 10, 5]), json!(["036000291452", "none", "шт", 12, 6]));
    assert_eq!(kept, json!([first, second, first]));
    let found = app.get("/api/v1/products?q=4601234567893").await.json();
    assert_eq!(found["items"][0]["name"], "Бумага А4", "the product has its first GTIN again");
    let import = app.import(&supplier, "price.csv", LIST).await;
    assert_eq!(import["counts"]["unchanged"], 3);
    app.finish().await;
}

#[tokio::test]
async fn yandex_markets_words_for_them_are_understood() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Канцлер").create().await;
    let offer = |id: &str, more: &str| {
        format!(
            "<offer id=\"{id}\"><name>Товар {id}</name><price>5</price><categoryId>1</categoryId><count>9</count>{more}</offer>"
        )
    };
    let offers = [
        offer(
            "A",
            "<barcode>OZN123</barcode><barcode>4601234567893</barcode><barcode>036000291452</barcode><vat>6</vat>",
        ),
        offer("B", "<vat>VAT_10</vat><min-quantity>4</min-quantity><step-quantity>2</step-quantity>"),
        offer(
            "C",
            "<barcode>OZN123</barcode><vat>10</vat><min-quantity>5</min-quantity><step-quantity>2</step-quantity>",
        ),
    ];
    let list = format!(
        "<yml_catalog><shop><categories><category id=\"1\">Товары</category></categories><offers>{}</offers></shop></yml_catalog>",
        offers.concat()
    );
    let import = app.import(&supplier, "market.xml", list).await;
    let failed = rows(&supplier, &import, "failed").await;
    let found: Value = (failed[0]["errors"].as_array().unwrap().iter())
        .map(|error| json!([error["field"], error["code"]]))
        .collect();
    let expected =
        json!([["vat", "ambiguous"], ["barcode", "not_a_gtin"], ["min-quantity", "not_a_multiple"]]);
    assert_eq!((failed.as_array().unwrap().len(), &found), (1, &expected));
    type Said = (String, Option<String>, Option<String>, i32, i32);
    let offers: Vec<Said> =
        sqlx::query_as("select sku, gtin, vat_rate, min_quantity, multiple from offers order by sku")
            .fetch_all(app.pool())
            .await
            .unwrap();
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(
        offers,
        [
            ("A".to_owned(), said("4601234567893"), said("none"), 1, 1),
            ("B".to_owned(), None, said("10"), 4, 2)
        ]
    );
    app.finish().await;
}
