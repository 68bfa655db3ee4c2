//! Price lists on their way into the catalogue.

use serde_json::{Value, json};

use crate::support::{Person, TestApp, price_list};

const IMPORTS: &str = "/api/v1/supplier/imports";

const ELEKTRON: &str = include_str!("../data/elektron.yaml");

/// Asserts the status of an import and its counts: inserted, updated, unchanged, withdrawn, failed.
#[track_caller]
fn assert_counts(import: &Value, status: &str, counts: [u32; 5]) {
    let [inserted, updated, unchanged, withdrawn, failed] = counts;
    let expected = json!({
        "inserted": inserted, "updated": updated, "unchanged": unchanged, "withdrawn": withdrawn, "failed": failed,
    });
    assert_eq!((&import["status"], &import["counts"]), (&json!(status), &expected), "{import}");
}

async fn rows(supplier: &Person, import: &Value, query: &str) -> Vec<Value> {
    let path = format!("{IMPORTS}/{}/rows?limit=100&{query}", import["id"].as_str().unwrap());
    let page = supplier.get(&path).await.assert_status(200).json();
    page["items"].as_array().unwrap().clone()
}

/// The import that an uploaded file became.
async fn received(supplier: &Person, location: &str) -> Value {
    supplier.get(location).await.assert_status(200).json()
}

async fn price_of(app: &TestApp, sku: &str) -> i64 {
    let statement = "select price_minor from offers where sku = $1 and withdrawn_at is null";
    sqlx::query_scalar(statement).bind(sku).fetch_one(app.pool()).await.unwrap()
}

async fn is_withdrawn(app: &TestApp, sku: &str) -> bool {
    let statement = "select withdrawn_at is not null from offers where sku = $1";
    sqlx::query_scalar(statement).bind(sku).fetch_one(app.pool()).await.unwrap()
}

#[tokio::test]
async fn a_list_is_inserted_whole_and_changes_nothing_the_second_time() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let first = app.import(&supplier, "elektron.yaml", ELEKTRON).await;
    assert_counts(&first, "completed", [45, 0, 0, 0, 0]);
    assert_eq!((&first["source"], &first["shop"]), (&json!("elektron.yaml"), &json!("Электрон-Опт")));
    let bytes = ELEKTRON.len();
    let progress = json!({ "rows_read": 45, "rows_total": 45, "bytes_read": bytes, "bytes_total": bytes });
    assert_eq!(first["progress"], progress);
    assert_eq!((&first["mode"], &first["dry_run"]), (&json!("replace"), &json!(false)));
    let at = |name: &str| first[name].as_str().expect("a time").to_owned();
    assert!(at("created_at") <= at("started_at") && at("started_at") <= at("finished_at"));
    assert_eq!(rows(&supplier, &first, "status=inserted").await.len(), 45);

    let again = app.import(&supplier, "elektron.yaml", ELEKTRON).await;
    assert_counts(&again, "completed", [0, 0, 45, 0, 0]);
    assert_eq!(
        rows(&supplier, &again, "").await,
        [] as [Value; 0],
        "rows that changed nothing are only counted"
    );
    let listed = supplier.get(IMPORTS).await.assert_status(200).json();
    assert_eq!(listed["items"], json!([again, first]), "the newest first");
    app.finish().await;
}

#[tokio::test]
async fn changed_prices_and_stock_are_applied_and_reported() {
    let app = TestApp::start().await;
    let goods = [("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20.5", 5), ("C", "Телефон В", "7", 1)];
    let supplier = app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let goods = [("A", "Телефон А", "90", 10), ("B", "Телефон Б", "20.50", 6), ("C", "Телефон В", "7", 1)];
    let import = app.import(&supplier, "price.yaml", price_list(&goods)).await;
    assert_counts(&import, "completed", [0, 2, 1, 0, 0]);
    let changed = rows(&supplier, &import, "status=updated").await;
    assert_eq!(
        (&changed[0]["sku"], &changed[0]["changes"]),
        (&json!("A"), &json!({ "price": ["100.00", "90.00"] }))
    );
    assert_eq!((&changed[1]["sku"], &changed[1]["changes"]), (&json!("B"), &json!({ "quantity": [5, 6] })));
    assert_eq!((&changed[1]["row"], changed.len()), (&json!(2), 2));
    assert_eq!((price_of(&app, "A").await, app.stock("B").await), (9_000, (6, 0)));
    app.finish().await;
}

#[tokio::test]
async fn an_offer_that_is_renamed_moves_to_the_product_of_its_new_name() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон старый", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let offer = app.offer("A").await;
    let import = app.import(&supplier, "price.yaml", price_list(&[("A", "Телефон новый", "100", 10)])).await;
    assert_counts(&import, "completed", [0, 1, 0, 0, 0]);
    let changed = rows(&supplier, &import, "").await;
    assert_eq!(changed[0]["changes"], json!({ "product": ["Телефон старый", "Телефон новый"] }));
    assert_eq!(app.offer("A").await, offer, "it is the same offer");
    let products = app.get("/api/v1/products").await.json();
    assert_eq!(
        (products["items"].as_array().unwrap().len(), &products["items"][0]["name"]),
        (1, &json!("Телефон новый"))
    );
    app.finish().await;
}

#[tokio::test]
async fn replacing_withdraws_what_is_missing_and_adding_keeps_it() {
    let app = TestApp::start().await;
    let goods = [("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)];
    let supplier = app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    supplier.may_withdraw_all().await;
    let import =
        app.import_as(&supplier, "upsert", "price.yaml", price_list(&[("C", "Телефон В", "7", 1)])).await;
    assert_counts(&import, "completed", [1, 0, 0, 0, 0]);
    assert_eq!(import["mode"], "upsert");
    let import = app.import(&supplier, "price.yaml", price_list(&goods[..1])).await;
    assert_counts(&import, "completed", [0, 0, 1, 2, 0]);
    let gone = rows(&supplier, &import, "status=withdrawn").await;
    assert_eq!((&gone[0]["sku"], &gone[1]["sku"], &gone[0]["row"]), (&json!("B"), &json!("C"), &Value::Null));
    let import = app.import(&supplier, "price.yaml", price_list(&goods)).await;
    assert_counts(&import, "completed", [0, 1, 1, 0, 0]);
    assert_eq!(rows(&supplier, &import, "").await[0]["changes"], json!({ "withdrawn": [true, false] }));
    app.finish().await;
}

#[tokio::test]
async fn a_list_touches_nothing_of_another_supplier() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 10)])).create().await;
    let other = app.supplier("Канцлер").create().await;
    let import = app.import(&other, "price.yaml", price_list(&[("B", "Телефон", "90", 3)])).await;
    assert_counts(&import, "completed", [1, 0, 0, 0, 0]);
    assert!(!is_withdrawn(&app, "A").await);
    let path = format!("{IMPORTS}/{}", import["id"].as_str().unwrap());
    let stranger = app.supplier("Третий").create().await;
    stranger.get(&path).await.assert_status(404).problem("not_found");
    stranger.get(&format!("{path}/rows")).await.assert_status(404).problem("not_found");
    assert_eq!(stranger.get(IMPORTS).await.json()["items"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn a_failed_row_keeps_its_offer_and_never_counts_as_missing() {
    let app = TestApp::start().await;
    let goods = [("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5), ("C", "Телефон В", "7", 1)];
    let supplier = app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let broken = [("A", "Телефон А", "дорого", 10), ("B", "Телефон Б", "25", 5)];
    let import = app.import(&supplier, "price.yaml", price_list(&broken)).await;
    assert_counts(&import, "completed_with_errors", [0, 1, 0, 1, 1]);
    assert_eq!((price_of(&app, "A").await, price_of(&app, "B").await), (10_000, 2_500));
    assert!(!is_withdrawn(&app, "A").await && is_withdrawn(&app, "C").await);
    let failed = &rows(&supplier, &import, "status=failed").await[0];
    assert_eq!((&failed["sku"], &failed["row"], &failed["line"]), (&json!("A"), &json!(1), &json!(4)));
    assert_eq!(
        (&failed["errors"][0]["field"], &failed["errors"][0]["code"]),
        (&json!("price"), &json!("not_a_number"))
    );
    let detail = &failed["errors"][0]["detail"];
    assert_eq!(detail, "найдено «дорого», ожидается число, например 1234 или 1234.50");
    let letters = app.mailbox(supplier.email()).await;
    let letter = letters.last().text.as_deref().unwrap();
    assert!(letter.contains("price: найдено «дорого», ожидается число"), "{letter}");

    supplier.patch("/api/v1/me", json!({ "locale": "en" })).await.assert_status(200);
    let failed = &rows(&supplier, &import, "status=failed").await[0];
    assert_eq!(failed["errors"][0]["detail"], "found «дорого», expected a number such as 1234 or 1234.50");
    app.finish().await;
}

#[tokio::test]
async fn a_row_whose_sku_cannot_be_read_suspends_all_withdrawals() {
    let app = TestApp::start().await;
    let goods = [("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)];
    let supplier = app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let import = app.import(&supplier, "price.yaml", price_list(&[("", "Телефон Б", "21", 5)])).await;
    assert_counts(&import, "completed_with_errors", [0, 0, 0, 0, 1]);
    assert!(!is_withdrawn(&app, "A").await && !is_withdrawn(&app, "B").await);
    app.finish().await;
}

#[tokio::test]
async fn a_sku_that_is_there_twice_fails_in_all_its_rows() {
    let app = TestApp::start().await;
    let goods = [("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)];
    let supplier = app.supplier("Электрон").with_price_list(price_list(&goods)).create().await;
    let twice = [
        ("A", "Телефон А", "1", 1),
        ("B", "Телефон Б", "21", 5),
        ("A", "Телефон А", "2", 2),
        ("A", "Телефон А", "нет", 2),
    ];
    let import = app.import(&supplier, "price.yaml", price_list(&twice)).await;
    assert_counts(&import, "completed_with_errors", [0, 1, 0, 0, 3]);
    let failed = rows(&supplier, &import, "status=failed").await;
    let named: Vec<_> = failed.iter().map(|row| (&row["row"], &row["errors"][0]["code"])).collect();
    assert_eq!(
        named,
        [
            (&json!(1), &json!("repeated")),
            (&json!(3), &json!("repeated")),
            (&json!(4), &json!("not_a_number"))
        ]
    );
    assert_eq!(price_of(&app, "A").await, 10_000);
    app.finish().await;
}

#[tokio::test]
async fn a_list_full_of_mistakes_is_reported_row_by_row() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Ошибкин").create().await;
    let import = app.import(&supplier, "broken.csv", include_str!("../data/broken.csv")).await;
    assert_counts(&import, "completed_with_errors", [1, 0, 0, 0, 15]);
    let failed = rows(&supplier, &import, "status=failed").await;
    let codes: Vec<_> = failed.iter().map(|row| row["errors"][0]["code"].as_str().unwrap()).collect();
    for code in ["not_a_number", "negative", "required", "fractional", "cell_count", "ambiguous", "repeated"]
    {
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
    assert_eq!(failed.iter().find(|row| row["row"] == 13).unwrap()["errors"].as_array().unwrap().len(), 3);
    let letter = app.mailbox(supplier.email()).await.assert_one("с ошибками").text.clone().unwrap();
    assert!(letter.contains("дорого") && letter.contains("broken.csv"), "{letter}");
    app.finish().await;
}

#[tokio::test]
async fn the_pages_of_a_report_visit_each_row_once() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let import = app.import(&supplier, "elektron.yaml", ELEKTRON).await;
    let path = format!("{IMPORTS}/{}/rows", import["id"].as_str().unwrap());
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = supplier.get(&format!("{path}?limit=10&cursor={cursor}")).await.assert_status(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| row["row"].as_i64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, (1..=45).collect::<Vec<_>>());
    supplier
        .get(&format!("{path}?status=lost"))
        .await
        .assert_status(422)
        .invalid(&[("status", "unknown_word")]);
    app.finish().await;
}

const AS_YAML: &str = r#"
goods:
  - {id: "007", category: 1, model: m/1, name: "Телефон «А»; чёрный", description: "Первая строка", price: 1999.50, price_rrc: 2500, quantity: 14, parameters: {"Цвет": чёрный, "Диагональ": 6.50}}
  - {id: "08", category: 1, name: Ёлка, price: 10, quantity: 0}
categories: [{id: 1, name: Товары}]
"#;

const AS_CSV: &str = "id;category;model;name;description;price;price_rrc;quantity;Цвет;param:Диагональ\n\
    007;Товары;m/1;\"Телефон «А»; чёрный\";Первая строка;1999,50;2500;14;чёрный;6.50\n\
    08;Товары;;Ёлка;;10;;0;;\n";

#[tokio::test]
async fn yaml_and_csv_carry_the_same_goods_to_the_same_catalogue() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    assert_counts(&app.import(&supplier, "price.yaml", AS_YAML).await, "completed", [2, 0, 0, 0, 0]);
    assert_counts(&app.import(&supplier, "price.csv", AS_CSV).await, "completed", [0, 0, 2, 0, 0]);
    assert_counts(&app.import(&supplier, "PRICE.YML", AS_YAML).await, "completed", [0, 0, 2, 0, 0]);
    app.offer("007").await;
    app.finish().await;
}

#[tokio::test]
async fn a_csv_may_be_in_windows_1251_and_parted_by_commas_or_tabs() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    app.import(&supplier, "price.csv", AS_CSV).await;
    let cp1251: Vec<u8> = AS_CSV
        .chars()
        .map(|c| match c {
            'А'..='я' => u8::try_from(u32::from(c) - 0x410 + 0xc0).unwrap(),
            'Ё' => 0xa8,
            'ё' => 0xb8,
            '«' => 0xab,
            '»' => 0xbb,
            c => u8::try_from(c).unwrap(),
        })
        .collect();
    assert_counts(&app.import(&supplier, "cp1251.csv", cp1251).await, "completed", [0, 0, 2, 0, 0]);
    let tabs = AS_CSV.replace("»; ", "»\u{1}").replace(';', "\t").replace('\u{1}', "; ");
    assert_counts(&app.import(&supplier, "tabs.csv", tabs).await, "completed", [0, 0, 2, 0, 0]);
    let bom = format!("\u{feff}{AS_CSV}").replace('\n', "\r\n");
    assert_counts(&app.import(&supplier, "bom.csv", bom).await, "completed", [0, 0, 2, 0, 0]);
    app.finish().await;
}

#[tokio::test]
async fn unknown_fields_are_ignored_counted_and_named() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let list = "currency: RUB\ncategories: [{id: 1, name: Товары, parent: 7}]\ngoods:\n\
        \x20 - {id: 1, category: 1, name: А, price: 1, quantity: 1, weight: 20}\n\
        \x20 - {id: 2, category: 1, name: Б, price: 1, quantity: 1, weight: 10, barcode: 46}\n";
    let import = app.import(&supplier, "price.yaml", list).await;
    assert_counts(&import, "completed", [2, 0, 0, 0, 0]);
    let expected =
        json!({ "currency": 1, "categories[].parent": 1, "goods[].weight": 2, "goods[].barcode": 1 });
    assert_eq!(import["ignored_fields"], expected);
    app.finish().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_read_changes_nothing_and_its_supplier_is_told_why() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    for (file, bytes, code) in [
        ("empty.yaml", &b""[..], "empty"),
        ("empty.csv", b"", "empty"),
        ("broken.yaml", b"goods:\n  - {id: 1, name: [}\n", "syntax"),
        ("other.yaml", b"shop: Nothing\n", "goods_missing"),
        ("scalar.yaml", b"goods: many\n", "wrong_shape"),
        ("zip.csv", b"PK\x03\x04\x14\0\0\0", "damaged"),
        ("cut.csv.gz", b"\x1f\x8b\x08\0\0\0", "damaged"),
        ("old.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not_text"),
        ("page.yaml", b"<html></html>", "wrong_shape"),
        ("headless.csv", b"a;b;c\n1;2;3\n", "missing_columns"),
    ] {
        let import = app.import(&supplier, file, bytes).await;
        assert_counts(&import, "failed", [0, 0, 0, 0, 0]);
        assert_eq!(import["error"]["code"], code, "{file}: {import}");
        assert!(import["error"]["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        assert!(import["finished_at"].is_string());
    }
    assert!(!is_withdrawn(&app, "A").await);
    assert_eq!(app.mailbox(supplier.email()).await.about("Прайс-лист не загружен").len(), 10);
    app.finish().await;
}

#[tokio::test]
async fn a_list_without_goods_is_a_slip_and_withdraws_nothing() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let import = app.import(&supplier, "price.yaml", price_list(&[])).await;
    assert_counts(&import, "failed", [0, 0, 0, 0, 0]);
    assert_eq!(import["error"]["code"], "no_goods");
    assert!(!is_withdrawn(&app, "A").await);
    app.finish().await;
}

#[tokio::test]
async fn a_list_that_breaks_off_half_way_applies_none_of_it() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let broken = format!("{}  - {{id: B, name: [}}\n", price_list(&[("A", "Телефон", "1", 1)]));
    let import = app.import(&supplier, "price.yaml", broken).await;
    assert_eq!((&import["status"], &import["error"]["code"]), (&json!("failed"), &json!("syntax")));
    assert_eq!(import["error"]["line"], 5);
    assert_eq!((price_of(&app, "A").await, app.stock("A").await), (10_000, (10, 0)));
    app.finish().await;
}

#[tokio::test]
async fn lists_that_wait_are_applied_each_in_its_turn() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    app.stop_worker().await;
    let mut locations = Vec::new();
    for (mode, price) in [("replace", "1"), ("upsert", "2"), ("replace", "3"), ("replace", "4")] {
        let path = format!("{IMPORTS}?mode={mode}");
        let list = price_list(&[("A", "Телефон", price, 10)]);
        let answer = supplier.upload(&path, "price.yaml", list).await.assert_status(202);
        assert_eq!(answer.json()["status"], "received");
        locations.push(answer.header("location").unwrap().to_owned());
    }
    app.start_worker().await;
    app.drain_jobs().await;
    for location in &locations {
        assert_eq!(received(&supplier, location).await["status"], "completed");
    }
    assert_eq!(price_of(&app, "A").await, 400, "the last one counts");
    app.finish().await;
}

#[tokio::test]
async fn lists_of_one_supplier_follow_one_another() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    for n in 1..=6 {
        let list = price_list(&[("A", "Телефон", &n.to_string(), 10)]);
        let path = format!("{IMPORTS}?mode=upsert");
        supplier.upload(&path, "price.yaml", list).await.assert_status(202);
    }
    app.drain_jobs().await;
    assert_eq!(price_of(&app, "A").await, 600);
    let listed = supplier.get(IMPORTS).await.json();
    for import in listed["items"].as_array().unwrap() {
        assert_eq!(import["status"], "completed");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_supplier_is_mailed_what_became_of_its_list() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let import = app.import(&supplier, "elektron.yaml", ELEKTRON).await;
    let mailbox = app.mailbox(supplier.email()).await;
    let message = mailbox.assert_one("Прайс-лист загружен: Электрон");
    let text = message.text.as_deref().unwrap();
    for part in ["elektron.yaml", "45", import["id"].as_str().unwrap()] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_list_may_set_the_stock_below_what_is_reserved() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let buyer = app.buyer().with_basket([("A", 8)]).create().await;
    buyer.order().await.assert_status(201);
    app.import(&supplier, "price.yaml", price_list(&[("A", "Телефон", "100", 5)])).await;
    assert_eq!(app.stock("A").await, (5, 8));
    let page = app.get("/api/v1/products").await.json();
    assert_eq!(page["items"][0]["available"], 0, "never less than nothing");
    let problem = buyer.put_into_basket(&app.offer("A").await, 1).await.assert_status(409);
    assert_eq!(problem.problem("not_enough_stock")["available"], 0);
    app.finish().await;
}

#[tokio::test]
async fn the_first_description_of_a_product_stays() {
    let app = TestApp::start().await;
    let described = |description: &str| {
        format!(
            "categories: [{{id: 1, name: Товары}}]\ngoods:\n  - {{id: 1, category: 1, name: Чайник, price: 1, \
             quantity: 1{description}}}\n"
        )
    };
    let first = app.supplier("Первый").with_price_list(described("")).create().await;
    app.supplier("Второй").with_price_list(described(", description: Хороший")).create().await;
    app.import(&first, "price.yaml", described(", description: Плохой")).await;
    let page = app.get("/api/v1/products").await.json();
    assert_eq!(page["items"][0]["description"], "Хороший");
    assert_eq!(page["items"][0]["offers_count"], 2);
    app.finish().await;
}

#[tokio::test]
async fn hostile_texts_come_through_as_they_are() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let name = r#"a\b	c' "; drop table offers; -- \N {{7}} <b>"#;
    let list = format!(
        "id,category,name,price,quantity\n=1+1,\"c\\.\",\"{}\",1,1\n\\N,c,\\.,1,1\n",
        name.replace('"', "\"\"")
    );
    let import = app.import(&supplier, "price.csv", list).await;
    assert_counts(&import, "completed", [2, 0, 0, 0, 0]);
    let skus: Vec<String> =
        sqlx::query_scalar("select sku from offers order by sku").fetch_all(app.pool()).await.unwrap();
    assert_eq!(skus, ["=1+1", "\\N"]);
    let page = app.get("/api/v1/products?limit=100").await.json();
    let names: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert!(
        names.contains(&"\\.") && names.iter().any(|name| name.contains(r#"drop table offers; -- \N"#)),
        "{names:?}"
    );
    app.finish().await;
}

/// PostgreSQL does so by itself between two lists; a plan for an empty stage takes minutes for a large one.
#[tokio::test]
async fn a_list_is_merged_by_its_size_though_the_stage_was_analyzed_empty() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    app.import(&supplier, "elektron.yaml", ELEKTRON).await;
    sqlx::query("analyze price_import_stage").execute(app.pool()).await.unwrap();
    let known = async || {
        let rows = "select reltuples::bigint from pg_class where relname = 'price_import_stage'";
        sqlx::query_scalar::<_, i64>(rows).fetch_one(app.pool()).await.unwrap()
    };
    assert_eq!(known().await, 0);
    // Other bytes: the same would not be read again.
    let again = app.import(&supplier, "elektron.yaml", format!("{ELEKTRON}# again\n")).await;
    assert_counts(&again, "completed", [0, 0, 45, 0, 0]);
    assert_eq!(known().await, 45);
    app.finish().await;
}

#[tokio::test]
async fn a_list_of_several_pieces_and_batches_comes_through_whole() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let description = "Ж".repeat(200);
    let row = |n: u32, price: u32| format!("{n};Товары;Товар {n};{description};{price};{n}\n");
    let list = |price: u32| {
        let rows: String = (1..=4_500).map(|n| row(n, if n == 4_321 { price } else { 7 })).collect();
        format!("id;category;name;description;price;quantity\n{rows}")
    };
    assert!(list(7).len() > 1 << 20, "more than one piece");
    assert_counts(&app.import(&supplier, "price.csv", list(7)).await, "completed", [4_500, 0, 0, 0, 0]);
    let import = app.import(&supplier, "price.csv", list(8)).await;
    assert_counts(&import, "completed", [0, 1, 4_499, 0, 0]);
    assert_eq!(rows(&supplier, &import, "").await[0]["line"], 4_322);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suppliers_who_bring_the_same_new_goods_at_once_share_the_products() {
    let app = TestApp::start().await;
    let names = ["Первый", "Второй", "Третий", "Четвёртый"];
    let suppliers = futures_util::future::join_all(names.map(|name| app.supplier(name).create())).await;
    let uploads = suppliers.iter().map(|supplier| supplier.upload(IMPORTS, "price.yaml", ELEKTRON));
    for answer in futures_util::future::join_all(uploads).await {
        answer.assert_status(202);
    }
    app.drain_jobs().await;
    for supplier in &suppliers {
        let listed = supplier.get(IMPORTS).await.json();
        assert_counts(&listed["items"][0], "completed", [45, 0, 0, 0, 0]);
    }
    let page = app.get("/api/v1/products?limit=100").await.json();
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 45);
    assert!(items.iter().all(|item| item["offers_count"] == 4));
    app.finish().await;
}
