//! Products by their GTINs, whoever offers them and whatever they call them.

use futures_util::future;
use serde_json::{Value, json};

use crate::support::{Person, TestApp};

const HEADER: &str = "id;category;name;price;quantity;gtin\n";
const TEA: &str = "4601234567893";
const SUGAR: &str = "036000291452";
const SALT: &str = "96385074";

fn list(goods: &[(&str, &str, &str)]) -> String {
    let goods = goods.iter().map(|(sku, name, gtin)| format!("{sku};Бакалея;{name};10;5;{gtin}\n"));
    format!("{HEADER}{}", goods.collect::<String>())
}

/// Every product that has an offer in a list, with its GTIN and the skus of these offers.
async fn products(app: &TestApp) -> Vec<(String, Option<String>, Vec<String>)> {
    sqlx::query_as(
        "select p.name, p.gtin, array_agg(o.sku order by o.sku) from products p \
         join offers o on o.product_id = p.id where o.withdrawn_at is null group by p.id order by p.name",
    )
    .fetch_all(app.pool())
    .await
    .unwrap()
}

/// Asserts which products there are: name, GTIN (or nothing), skus with spaces between.
#[track_caller]
fn assert_are(products: &[(String, Option<String>, Vec<String>)], expected: &[(&str, &str, &str)]) {
    let found: Vec<_> = (products.iter())
        .map(|(name, gtin, skus)| (name.clone(), gtin.clone().unwrap_or_default(), skus.join(" ")))
        .collect();
    let expected: Vec<_> = (expected.iter())
        .map(|(name, gtin, skus)| ((*name).to_owned(), (*gtin).to_owned(), (*skus).to_owned()))
        .collect();
    assert_eq!(found, expected);
}

/// Imports a list, of which nothing may fail; returns its counts.
async fn import(app: &TestApp, supplier: &Person, goods: &[(&str, &str, &str)]) -> Value {
    let import = app.import(supplier, "price.csv", list(goods)).await;
    assert_eq!(import["status"], "completed", "{import}");
    import["counts"].clone()
}

#[tokio::test]
async fn a_gtin_leads_to_its_product_whatever_a_list_calls_the_good() {
    let app = TestApp::start().await;
    let (first, second) = (app.supplier("Первый").create().await, app.supplier("Второй").create().await);
    import(&app, &first, &[("A", "Чай", TEA)]).await;
    let goods = [("B", "Чай чёрный байховый", TEA), ("C", "Чай чёрный байховый", "")];
    import(&app, &second, &goods).await;
    assert_are(&products(&app).await, &[("Чай", TEA, "A B"), ("Чай чёрный байховый", "", "C")]);
    // Once more, and nothing changes; an export has the name that the product has.
    assert_eq!(import(&app, &second, &goods).await["unchanged"], 2);
    let export = second.get("/api/v1/supplier/price-list?format=csv").await.assert_status(200);
    assert!(export.text().contains("B;Бакалея;;Чай;;"), "{}", export.text());
    let again = app.import(&second, "price.csv", export.bytes()).await;
    assert_eq!(again["counts"]["unchanged"], 2, "{again}");
    // When the first one leaves, the good is what its own supplier calls it, and takes the number along.
    first.may_withdraw_all().await;
    import(&app, &first, &[("X", "Соль", "")]).await;
    assert_eq!(import(&app, &second, &goods).await["updated"], 1);
    assert_are(&products(&app).await, &[("Соль", "", "X"), ("Чай чёрный байховый", TEA, "B C")]);
    app.finish().await;
}

#[tokio::test]
async fn goods_of_one_list_with_one_gtin_are_one_product_that_the_first_of_them_names() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Первый").create().await;
    let goods = [("A", "Чай", TEA), ("B", "Чай листовой", TEA), ("C", "Чай листовой", "")];
    import(&app, &supplier, &goods).await;
    assert_are(&products(&app).await, &[("Чай", TEA, "A B"), ("Чай листовой", "", "C")]);
    assert_eq!(import(&app, &supplier, &goods).await["unchanged"], 3);
    app.finish().await;
}

#[tokio::test]
async fn a_product_gets_its_gtin_with_the_first_offer_that_says_one() {
    let app = TestApp::start().await;
    let (first, second) = (app.supplier("Первый").create().await, app.supplier("Второй").create().await);
    import(&app, &first, &[("A", "Чай", ""), ("S", "Сахар", SUGAR)]).await;
    import(&app, &second, &[("B", "Чай", TEA)]).await;
    assert_are(&products(&app).await, &[("Сахар", SUGAR, "S"), ("Чай", TEA, "A B")]);
    // Goods without one go by their name, as before.
    assert_eq!(import(&app, &first, &[("A", "Чай", ""), ("S", "Сахар", SUGAR)]).await["unchanged"], 2);
    // And where nobody says so any more, it is gone.
    import(&app, &second, &[("B", "Чай", "")]).await;
    assert_are(&products(&app).await, &[("Сахар", SUGAR, "S"), ("Чай", "", "A B")]);
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_mends_its_own_gtins_and_those_that_stood_in_the_wrong_rows() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Первый").create().await;
    import(&app, &supplier, &[("A", "Чай", SALT), ("B", "Сахар", ""), ("C", "Соль", "")]).await;
    // A slip of the spreadsheet.
    import(&app, &supplier, &[("A", "Чай", SUGAR), ("B", "Сахар", SALT), ("C", "Соль", TEA)]).await;
    assert_are(&products(&app).await, &[("Сахар", SALT, "B"), ("Соль", TEA, "C"), ("Чай", SUGAR, "A")]);
    let goods = [("A", "Чай", TEA), ("B", "Сахар", SUGAR), ("C", "Соль", SALT)];
    assert_eq!(import(&app, &supplier, &goods).await["updated"], 3);
    assert_are(&products(&app).await, &[("Сахар", SUGAR, "B"), ("Соль", SALT, "C"), ("Чай", TEA, "A")]);
    assert_eq!(import(&app, &supplier, &goods).await["unchanged"], 3);
    // A renamed good takes its number along.
    import(&app, &supplier, &[("A", "Чай чёрный", TEA), goods[1], goods[2]]).await;
    assert_are(
        &products(&app).await,
        &[("Сахар", SUGAR, "B"), ("Соль", SALT, "C"), ("Чай чёрный", TEA, "A")],
    );
    app.finish().await;
}

#[tokio::test]
async fn a_product_keeps_the_gtin_that_an_offer_says_and_nobodys_list_fails_for_that() {
    let app = TestApp::start().await;
    let (first, second) = (app.supplier("Первый").create().await, app.supplier("Второй").create().await);
    import(&app, &first, &[("A", "Чай", TEA)]).await;
    import(&app, &second, &[("B", "Чай", SUGAR), ("C", "Сахар", "")]).await;
    assert_are(&products(&app).await, &[("Сахар", "", "C"), ("Чай", TEA, "A B")]);
    let found = app.get(&format!("/api/v1/products?q={TEA}")).await.json();
    let path = format!("/api/v1/products/{}", found["items"][0]["id"].as_str().unwrap());
    let card = app.get(&path).await.json();
    let gtins: Value = card["offers"].as_array().unwrap().iter().map(|offer| offer["gtin"].clone()).collect();
    assert_eq!((&card["gtin"], gtins), (&json!(TEA), json!([TEA, SUGAR])));
    // The second supplier's next list gives its number, once the first one's stands no more.
    first.may_withdraw_all().await;
    import(&app, &first, &[("X", "Соль", "")]).await;
    import(&app, &second, &[("B", "Чай", SUGAR)]).await;
    assert_are(&products(&app).await, &[("Соль", "", "X"), ("Чай", SUGAR, "B")]);
    app.finish().await;
}

#[tokio::test]
async fn what_waits_for_approval_gives_nobody_elses_product_a_name_or_a_number() {
    let app = TestApp::start_with(|trade| trade.require_approval = true).await;
    let (stranger, supplier) = (app.supplier("Чужой").create().await, app.supplier("Первый").create().await);
    let staff = app.staff().create().await;
    let waiting = staff.get("/api/v1/admin/organizations?approved=false").await.json();
    for organization in waiting["items"].as_array().unwrap() {
        if organization["name"] == "Первый" {
            let path =
                format!("/api/v1/admin/organizations/{}/approve", organization["id"].as_str().unwrap());
            staff.post(&path, json!({})).await.assert_status(200);
        }
    }
    import(&app, &supplier, &[("A", "Соль", "")]).await;
    import(&app, &stranger, &[("X", "Мусор", TEA), ("Y", "Соль", SUGAR)]).await;
    import(&app, &supplier, &[("A", "Соль", ""), ("B", "Чай", TEA)]).await;
    assert_are(&products(&app).await, &[("Мусор", "", "X"), ("Соль", "", "A Y"), ("Чай", TEA, "B")]);
    app.finish().await;
}

#[tokio::test]
async fn a_search_for_a_gtin_finds_its_product_and_nothing_else() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Первый").create().await;
    let goods =
        format!("{HEADER}A;Бакалея;Чай;10;5;{TEA}\nB;Бакалея;Чай {TEA};10;5;\nC;Бакалея;Соль {SALT};7;5;\n");
    app.import(&supplier, "price.csv", goods).await;
    let names = async |query: &str| {
        let found = app.get(&format!("/api/v1/products?{query}")).await.assert_status(200).json();
        found["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect::<Value>()
    };
    for query in [TEA, "04601234567893", " 4601234567893 "] {
        for sort in ["", "&sort=price", "&sort=name"] {
            assert_eq!(names(&format!("q={query}{sort}")).await, json!(["Чай"]), "{query}{sort}");
        }
    }
    assert_eq!(names(&format!("q={TEA}&price_min=11")).await, json!([]), "and the rest of the filter holds");
    // A number that no product has is a word as any.
    assert_eq!(names(&format!("q={SALT}")).await, json!([format!("Соль {SALT}")]));
    let page = app.get(&format!("/api/v1/products?q={TEA}&facets=true")).await.json();
    assert_eq!((&page["facets"]["counted"], &page["next_cursor"]), (&json!(1), &Value::Null));
    app.finish().await;
}

#[tokio::test]
async fn a_preview_leads_goods_as_the_list_then_does_and_gives_no_number() {
    let app = TestApp::start().await;
    let (first, second) = (app.supplier("Первый").create().await, app.supplier("Второй").create().await);
    import(&app, &first, &[("A", "Чай", TEA)]).await;
    import(&app, &second, &[("B", "Чай байховый", ""), ("C", "Сахар", "")]).await;
    let goods = list(&[("B", "Чай байховый", TEA), ("C", "Сахар", SUGAR)]);
    let preview = app.import_as(&second, "replace&dry_run=true", "price.csv", goods).await;
    let id = preview["id"].as_str().unwrap();
    let rows = second.get(&format!("/api/v1/supplier/imports/{id}/rows")).await.json();
    let moved = json!({ "product": ["Чай байховый", "Чай"], "gtin": [null, TEA] });
    assert_eq!(rows["items"][0]["changes"], moved);
    assert_are(&products(&app).await, &[("Сахар", "", "C"), ("Чай", TEA, "A"), ("Чай байховый", "", "B")]);
    second.post(&format!("/api/v1/supplier/imports/{id}/apply"), json!({})).await.assert_status(202);
    app.drain_jobs().await;
    assert_are(&products(&app).await, &[("Сахар", SUGAR, "C"), ("Чай", TEA, "A B")]);
    app.finish().await;
}

/// A GTIN for each number.
fn gtin(n: u32) -> String {
    let digits = format!("460{n:09}");
    let weighed = digits.bytes().zip([1, 3].into_iter().cycle());
    let sum: u32 = weighed.map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[tokio::test(flavor = "multi_thread")]
async fn suppliers_who_bring_the_same_new_gtins_at_once_wait_for_each_other_but_not_in_a_circle() {
    const GOODS: u32 = 3_000;
    let app = TestApp::start().await;
    let suppliers =
        future::join_all(["Первый", "Второй", "Третий"].map(|name| app.supplier(name).create())).await;
    // What one names first another names last; half of the products are there already, without a number.
    let base = (0..GOODS).step_by(2).map(|n| format!("{n};Бакалея;аа {n:05};1;1;\n"));
    app.import(&suppliers[2], "price.csv", format!("{HEADER}{}", base.collect::<String>())).await;
    let names: [fn(u32) -> String; 3] =
        [|n| format!("аа {n:05}"), |n| format!("яя {:05}", GOODS - n), |n| format!("аа {n:05}")];
    let lists = names.map(|name| {
        let goods = (0..GOODS).map(|n| format!("{n};Бакалея;{};1;1;{}\n", name(n), gtin(n)));
        format!("{HEADER}{}", goods.collect::<String>())
    });
    let uploads = suppliers
        .iter()
        .zip(&lists)
        .map(|(supplier, list)| supplier.upload("/api/v1/supplier/imports", "price.csv", list.clone()));
    let mut imports = Vec::new();
    for answer in future::join_all(uploads).await {
        imports.push(answer.assert_status(202).header("location").unwrap().to_owned());
    }
    app.drain_jobs().await;
    for (supplier, location) in suppliers.iter().zip(&imports) {
        let import = supplier.get(location).await.assert_status(200).json();
        assert_eq!(import["status"], "completed", "{import}");
    }
    let tried = "select max(attempts) from jobs where kind = 'import_price_list'";
    assert_eq!(sqlx::query_scalar::<_, Option<i16>>(tried).fetch_one(app.pool()).await.unwrap(), Some(1));
    // Each number is one product's, with the offers of all three.
    let statement = "select count(distinct p.gtin), count(*) from products p join offers o on o.product_id = p.id \
                     where p.gtin = o.gtin and o.withdrawn_at is null";
    let counted: (i64, i64) = sqlx::query_as(statement).fetch_one(app.pool()).await.unwrap();
    assert_eq!(counted, (i64::from(GOODS), i64::from(GOODS * 3)));
    app.finish().await;
}
