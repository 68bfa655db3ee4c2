//! Price lists that look like a slip wait for somebody.

use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, price_list};

type Goods<'a> = &'a [(&'a str, &'a str, &'a str, u32)];

/// What looks like a slip: its code, how many offers are concerned, and of how many.
type Suspicions<'a> = &'a [(&'a str, i64, i64)];

const B: (&str, &str, &str, u32) = ("B", "Телефон Б", "20", 5);
const C: (&str, &str, &str, u32) = ("C", "Телефон В", "7", 1);
const GOODS: Goods<'static> = &[a("100"), B, C];

const fn a(price: &str) -> (&str, &str, &str, u32) {
    ("A", "Телефон А", price, 10)
}

async fn supplier(app: &TestApp) -> Person {
    app.supplier("Электрон").with_price_list(price_list(GOODS)).create().await
}

async fn import(app: &TestApp, supplier: &Person, goods: Goods<'_>) -> Value {
    app.import(supplier, "price.yaml", price_list(goods)).await
}

async fn decide(supplier: &Person, import: &Value, decision: &str) -> Answer {
    let path = format!("/api/v1/supplier/imports/{}/{decision}", import["id"].as_str().unwrap());
    supplier.post(&path, json!({})).await
}

async fn rows(supplier: &Person, import: &Value) -> Vec<Value> {
    let path = format!("/api/v1/supplier/imports/{}/rows", import["id"].as_str().unwrap());
    supplier.get(&path).await.assert_status(200).json()["items"].as_array().unwrap().clone()
}

/// Sku, price in minor units, pieces and whether it can be seen, of every offer.
async fn offers(app: &TestApp) -> Vec<(String, i64, i32, bool)> {
    let statement = "select o.sku, o.price_minor, t.stock, o.withdrawn_at is null \
                     from offers o join offer_stock t on t.offer_id = o.id order by o.sku";
    sqlx::query_as(statement).fetch_all(app.pool()).await.unwrap()
}

#[tokio::test]
async fn what_looks_like_a_slip_is_held_and_named() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let before = offers(&app).await;
    let sold_out = [("A", "Телефон А", "100", 0), ("B", "Телефон Б", "20", 0), ("C", "Телефон В", "7", 0)];
    let cases: [(Goods<'_>, Suspicions<'_>); 8] = [
        (&[a("1000"), B, C], &[("price_times_10", 1, 3)]),
        (&[a("10.50"), B, C], &[("price_times_10", 1, 3)]),
        (&[a("10000"), B, C], &[("price_times_100", 1, 3)]),
        (&[a("1"), B, C], &[("price_times_100", 1, 3)]),
        (&[a("300.01"), B, C], &[("price_moved", 1, 3)]),
        (&[a("33.33"), B, C], &[("price_moved", 1, 3)]),
        (&[a("100"), a("100"), B], &[("many_withdrawn", 1, 3)]),
        (&sold_out, &[("no_stock", 3, 3)]),
    ];
    for (goods, expected) in cases {
        // One of three missing is not many, unless a supplier says so.
        let percent = if expected[0].0 == "many_withdrawn" { 30 } else { 50 };
        let settings = json!({ "guard_withdrawn_percent": percent });
        supplier.patch("/api/v1/supplier", settings).await.assert_status(200);
        let held = import(&app, &supplier, goods).await;
        assert_eq!(
            (&held["status"], &held["finished_at"]),
            (&json!("held_for_review"), &Value::Null),
            "{held}"
        );
        let named = held["suspicions"].as_array().unwrap().iter();
        let named: Vec<_> = named
            .map(|suspicion| {
                let number = |name: &str| suspicion[name].as_i64().unwrap();
                (suspicion["code"].as_str().unwrap(), number("offers"), number("of"))
            })
            .collect();
        assert_eq!(named, expected, "{goods:?}");
        assert_eq!(offers(&app).await, before, "nothing has changed");
        decide(&supplier, &held, "discard").await.assert_status(200);
    }
    let letters = app.mailbox(supplier.email()).await;
    let letters = letters.about("ждёт проверки");
    assert_eq!(letters.len(), cases.len());
    let text = letters[0].text.clone().unwrap();
    assert!(text.contains("Цена примерно в 10 раз больше или меньше прежней: 1 из 3"), "{text}");
    app.finish().await;
}

#[tokio::test]
async fn what_moves_within_the_limits_is_applied_and_the_limits_are_the_suppliers() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let settings = supplier.get("/api/v1/supplier").await.json();
    assert_eq!(
        (&settings["guard_price_factor"], &settings["guard_withdrawn_percent"]),
        (&json!(3.0), &json!(50))
    );
    for price in ["300", "100.01", "33.34"] {
        assert_eq!(import(&app, &supplier, &[a(price), B, C]).await["status"], "completed", "{price}");
    }
    let settings = json!({ "guard_price_factor": 1000, "guard_withdrawn_percent": 100 });
    let changed = supplier.patch("/api/v1/supplier", settings).await.assert_status(200).json();
    assert_eq!(changed["guard_price_factor"], 1000.0);
    assert_eq!(import(&app, &supplier, &[a("33340")]).await["status"], "completed");
    for (field, value) in [
        ("guard_price_factor", json!(1)),
        ("guard_price_factor", json!(1000.5)),
        ("guard_withdrawn_percent", json!(-1)),
        ("guard_withdrawn_percent", json!(101)),
        ("price_list_every_minutes", json!(i64::MAX)),
    ] {
        let refused = supplier.patch("/api/v1/supplier", json!({ field: value })).await.assert_status(422);
        refused.invalid(&[(&*format!("/{field}"), "out_of_range")]);
    }
    for value in [json!(u64::MAX), json!(1e300), json!(1.5), json!("50")] {
        let wrong = json!({ "guard_withdrawn_percent": value, "price_list_every_minutes": value });
        let refused = supplier.patch("/api/v1/supplier", wrong).await.assert_status(422);
        refused.invalid(&[
            ("/guard_withdrawn_percent", "wrong_type"),
            ("/price_list_every_minutes", "wrong_type"),
        ]);
    }
    let settings = json!({ "guard_withdrawn_percent": 50.0 });
    supplier.patch("/api/v1/supplier", settings).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn what_is_held_is_applied_whole_when_somebody_says_that_it_is_right() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let held = import(&app, &supplier, &[a("1000")]).await;
    let codes: Vec<_> =
        held["suspicions"].as_array().unwrap().iter().map(|found| found["code"].clone()).collect();
    assert_eq!(codes, ["price_times_10", "many_withdrawn"]);
    let shown = rows(&supplier, &held).await;
    assert_eq!(
        (&shown[0]["changes"], &shown[0]["errors"][0]["code"]),
        (&json!({ "price": ["100.00", "1000.00"] }), &json!("price_times_10"),)
    );
    let buyer = app.buyer().with_basket([("B", 2)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    let part = format!("/api/v1/supplier/orders/{}/status", order["parts"][0]["id"].as_str().unwrap());
    for status in ["confirmed", "assembled", "sent"] {
        supplier.post(&part, json!({ "status": status })).await.assert_status(200);
    }
    // Trade goes on while it is held.
    decide(&supplier, &held, "apply").await.assert_status(202);
    app.drain_jobs().await;
    let offer = |sku: &str, price, stock, shown| (sku.to_owned(), price, stock, shown);
    let expected = [offer("A", 100_000, 10, true), offer("B", 2_000, 3, false), offer("C", 700, 1, false)];
    assert_eq!(offers(&app).await, expected);
    app.finish().await;
}

#[tokio::test]
async fn what_is_held_is_applied_without_what_looks_like_a_slip() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let held = import(&app, &supplier, &[a("1000"), ("B", "Телефон Б", "21", 5), C]).await;
    // What was held is judged as it was, whatever the limits are by now.
    supplier.patch("/api/v1/supplier", json!({ "guard_price_factor": 100 })).await.assert_status(200);
    decide(&supplier, &held, "apply?exclude_held=true").await.assert_status(202);
    app.drain_jobs().await;
    let applied = &supplier.get("/api/v1/supplier/imports").await.json()["items"][0];
    let counts = json!({ "inserted": 0, "updated": 1, "unchanged": 1, "withdrawn": 0, "failed": 1 });
    assert_eq!((&applied["status"], &applied["counts"]), (&json!("completed_with_errors"), &counts));
    let reported = rows(&supplier, &held).await;
    assert_eq!(
        (&reported[0]["status"], &reported[0]["errors"][0]["field"]),
        (&json!("failed"), &json!("price"))
    );
    assert_eq!(
        offers(&app).await[..2],
        [("A".to_owned(), 10_000, 10, true), ("B".to_owned(), 2_100, 5, true)]
    );

    supplier.patch("/api/v1/supplier", json!({ "guard_price_factor": 3 })).await.assert_status(200);
    let before = offers(&app).await;
    for goods in
        [&[("B", "Телефон Б", "21", 5)][..], &[("A", "Телефон А", "100", 0), ("B", "Телефон Б", "21", 0)]]
    {
        let held = import(&app, &supplier, goods).await;
        assert_eq!(held["status"], "held_for_review");
        decide(&supplier, &held, "apply?exclude_held=true").await.assert_status(202);
        app.drain_jobs().await;
        if goods.len() == 1 {
            assert_eq!(offers(&app).await, before, "nothing is withdrawn");
        } else {
            assert!(offers(&app).await.iter().all(|(.., stock, _)| *stock > 0), "nothing is sold out");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_newer_list_makes_what_is_held_out_of_date() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let held = import(&app, &supplier, &[a("1000"), B, C]).await;
    assert_eq!(import(&app, &supplier, &[a("101"), B, C]).await["status"], "completed");
    decide(&supplier, &held, "apply").await.assert_status(409).problem("import_outdated");
    decide(&supplier, &held, "apply?exclude_held=maybe").await.assert_status(422);
    decide(&supplier, &held, "discard").await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn a_dry_run_names_what_looks_like_a_slip_and_needs_no_letter() {
    let app = TestApp::start().await;
    let supplier = supplier(&app).await;
    let path = "/api/v1/supplier/imports?dry_run=true";
    let list = price_list(&[a("1000"), B, C]);
    let preview = supplier.upload(path, "price.yaml", list).await.assert_status(202).json();
    app.drain_jobs().await;
    let shown = &supplier.get("/api/v1/supplier/imports").await.json()["items"][0];
    assert_eq!(
        (&shown["status"], &shown["suspicions"][0]["code"]),
        (&json!("validated"), &json!("price_times_10"))
    );
    decide(&supplier, &preview, "apply").await.assert_status(202);
    app.drain_jobs().await;
    assert_eq!(offers(&app).await[0].1, 100_000);
    assert!(app.mailbox(supplier.email()).await.about("ждёт проверки").is_empty());
    app.finish().await;
}

#[tokio::test]
async fn the_first_list_of_a_supplier_is_no_slip_and_new_goods_are_none() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let import = import(&app, &supplier, &[("A", "Телефон А", "100", 0)]).await;
    assert_eq!((&import["status"], &import["suspicions"]), (&json!("completed"), &json!([])));
    app.finish().await;
}
