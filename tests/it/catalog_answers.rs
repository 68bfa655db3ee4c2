//! How the catalogue answers: ETag, the cache of a second, HEAD.

use reqwest::{Method, header::IF_NONE_MATCH};
use serde_json::json;

use crate::support::{Answer, TestApp, price_list};

const READS: [&str; 4] = ["products", "products?q=телефон", "suppliers", "categories"];

#[tokio::test]
async fn who_has_an_answer_already_is_told_so() {
    let app = TestApp::start().await;
    let supplier =
        app.supplier("Первый").with_price_list(price_list(&[("A", "Телефон", "100", 5)])).create().await;
    let product = app.get("/api/v1/products").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let seller = app.get("/api/v1/suppliers").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let mut paths: Vec<String> = READS.iter().map(|path| format!("/api/v1/{path}")).collect();
    paths.push(format!("/api/v1/products/{product}"));
    paths.push(format!("/api/v1/suppliers/{seller}"));
    for path in &paths {
        let first = app.get(path).await.assert_status(200);
        assert_eq!(first.header("cache-control"), Some("no-cache"), "{path}");
        let etag = first.header("etag").unwrap_or_else(|| panic!("{path} has no ETag")).to_owned();
        for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
            let again = Answer::to(app.client().get(app.url(path)).header(IF_NONE_MATCH, known)).await;
            assert_eq!((again.status(), again.text()), (304, ""), "{path}");
            assert_eq!(again.header("etag"), Some(&*etag), "{path}");
        }
        let other = app.client().get(app.url(path)).header(IF_NONE_MATCH, "\"other\"");
        assert_eq!(Answer::to(other).await.assert_status(200).text(), first.text());
        let signed_in = supplier.get(path).await.assert_status(200);
        assert_eq!(signed_in.text(), first.text(), "{path} is the same for everybody");
    }
    let path = format!("/api/v1/products/{product}");
    let etag = app.get(&path).await.header("etag").unwrap().to_owned();
    app.import(&supplier, "price.yaml", price_list(&[("A", "Телефон", "90", 5)])).await;
    let changed = Answer::to(app.client().get(app.url(&path)).header(IF_NONE_MATCH, etag)).await;
    assert_eq!(changed.assert_status(200).json()["price_from"], "90.00");
    let unknown = app.client().get(app.url("/api/v1/products/0199a9a0-0000-7000-8000-000000000000"));
    Answer::to(unknown.header(IF_NONE_MATCH, "*")).await.assert_status(404).problem("not_found");
    app.finish().await;
}

#[tokio::test]
async fn what_is_kept_is_let_go_within_a_moment() {
    let app = TestApp::start_with_cache().await;
    let supplier =
        app.supplier("Первый").with_price_list(price_list(&[("A", "Телефон", "100", 5)])).create().await;
    let id = app.get("/api/v1/products").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let paths = [
        "/api/v1/products".to_owned(),
        format!("/api/v1/products/{id}"),
        "/api/v1/products?sort=price".to_owned(),
    ];
    for path in &paths {
        app.get(path).await.assert_status(200);
    }
    app.import(&supplier, "price.yaml", price_list(&[("A", "Телефон", "90", 5)])).await;
    for path in &paths {
        app.eventually(|| async { app.get(path).await.text().contains("90.00") }).await;
    }
    let buyer = app.buyer().with_basket([("A", 5)]).create().await;
    buyer.order().await.assert_status(201);
    for path in &paths {
        app.eventually(|| async { app.get(path).await.text().contains("\"available\":0") }).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let app = TestApp::start_with_cache().await;
    let goods = price_list(&[("A", "Телефон", "100", 5)]);
    let supplier = app.supplier("Первый").with_price_list(&*goods).create().await;
    supplier.may_withdraw_all().await;
    let id = app.get("/api/v1/products").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/products/{id}");
    app.import(&supplier, "price.yaml", price_list(&[("B", "Другой", "100", 5)])).await;
    app.get(&path).await.assert_status(404);
    app.import(&supplier, "price.yaml", goods).await;
    app.get(&path).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn head_is_answered_wherever_get_is() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    app.supplier("Первый").with_price_list(price_list(&[("A", "Телефон", "100", 5)])).create().await;
    for path in [
        "/api/v1/products",
        "/api/v1/basket",
        "/api/v1/me",
        "/api/v1/orders",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/confirm-email",
    ] {
        let get = buyer.get(path).await.assert_status(200);
        let head = Answer::to(buyer.request(Method::HEAD, path)).await.assert_status(200);
        assert_eq!(head.text(), "", "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), Some(&*get.text().len().to_string()), "{path}");
        assert_eq!(head.header("etag"), get.header("etag"), "{path}");
    }
    let head = |path: &str| app.client().head(app.url(path));
    Answer::to(head("/api/v1/products?limit=0")).await.assert_status(422);
    Answer::to(head("/api/v1/products/7")).await.assert_status(404);
    Answer::to(head("/api/v1/basket")).await.assert_status(401);
    let wrong = Answer::to(head("/api/v1/auth/login")).await.assert_status(405);
    assert_eq!(wrong.header("allow"), Some("POST"));
    let deleted = Answer::to(app.client().delete(app.url("/api/v1/products"))).await.assert_status(405);
    assert_eq!(deleted.header("allow"), Some("GET, HEAD"));
    let document = serde_json::to_value(api::openapi::document()).unwrap();
    assert_eq!(document["paths"]["/api/v1/products"]["head"], json!(null), "HEAD goes without saying");
    app.finish().await;
}
