//! Price lists by address: fetched from a real server, well and badly, and never from where they must not be.

mod forbidden;
mod killed;
mod servers;

use std::net::SocketAddr;

use common::imports::urls::Allowed;
use local_stack::list_server::{Answer, ListServer};
use serde_json::{Value, json};
use worker::imports::fetching::Fetcher;

use crate::support::{Person, TestApp, price_list};

const IMPORTS: &str = "/api/v1/supplier/imports";

/// A server of a supplier's, at an address of its own.
async fn server() -> ListServer {
    ListServer::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

/// Whoever fetches from this server, and from no other that is not public.
fn fetcher(server: &ListServer) -> Fetcher {
    let allowed: Allowed = server.addr().to_string().parse().unwrap();
    Fetcher::new(allowed)
}

/// An application that fetches from a server.
async fn app_and_server() -> (TestApp, ListServer) {
    let server = server().await;
    (TestApp::start_fetching(fetcher(&server)).await, server)
}

fn goods() -> String {
    price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)])
}

/// Asks for the list at an address, without waiting for it; returns where the import stands.
async fn ask(supplier: &Person, query: &str, url: &str) -> String {
    let answer = supplier.post(&format!("{IMPORTS}{query}"), json!({ "url": url })).await.assert_status(202);
    answer.header("location").unwrap().to_owned()
}

async fn import(supplier: &Person, location: &str) -> Value {
    supplier.get(location).await.assert_status(200).json()
}

/// Has the list at an address imported, and returns the import.
async fn import_from(app: &TestApp, supplier: &Person, url: &str) -> Value {
    let location = ask(supplier, "", url).await;
    app.drain_jobs().await;
    import(supplier, &location).await
}

#[tokio::test]
async fn a_list_by_its_address_is_imported_like_an_upload() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").create().await;
    server.answer("/export", Answer::list(goods()));
    let url = server.url("/export?token=s3cret#top");
    let answer = supplier.post(IMPORTS, json!({ "url": url })).await.assert_status(202);
    let received = answer.json();
    assert_eq!(
        (&received["status"], &received["source"]),
        (&json!("received"), &json!(server.url("/export") + "…"))
    );
    assert_eq!(
        received["fetch"],
        json!({ "attempts": 0, "bytes_fetched": 0, "bytes_total": null, "error": null })
    );
    app.drain_jobs().await;
    let imported = import(&supplier, answer.header("location").unwrap()).await;
    assert_eq!(imported["status"], "completed", "{imported}");
    let bytes = goods().len();
    assert_eq!(
        imported["fetch"],
        json!({ "attempts": 1, "bytes_fetched": bytes, "bytes_total": bytes, "error": null })
    );
    assert_eq!(
        (&imported["counts"]["inserted"], &imported["progress"]["bytes_total"]),
        (&json!(2), &json!(bytes))
    );
    let asked = server.asked();
    assert_eq!((asked.len(), &*asked[0].target), (1, "/export?token=s3cret"));
    assert_eq!(asked[0].headers["accept-encoding"], "identity");
    for none in ["cookie", "authorization", "referer", "if-none-match"] {
        assert!(!asked[0].headers.contains_key(none), "{none}");
    }
    let mailbox = app.mailbox(supplier.email()).await;
    assert!(mailbox.last().text.as_deref().unwrap().contains("/export"));
    assert!(!mailbox.last().text.as_deref().unwrap().contains("s3cret"));
    app.finish().await;
}

#[tokio::test]
async fn the_mode_and_a_dry_run_are_those_of_uploads_and_what_is_the_same_is_not_read() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").with_price_list(goods()).create().await;
    server.answer("/price.yaml", Answer::list(price_list(&[("C", "Телефон В", "30", 1)])));
    let location = ask(&supplier, "?mode=upsert&dry_run=true", &server.url("/price.yaml")).await;
    app.drain_jobs().await;
    let dry = import(&supplier, &location).await;
    assert_eq!(
        (&dry["status"], &dry["mode"], &dry["counts"]["withdrawn"]),
        (&json!("validated"), &json!("upsert"), &json!(0))
    );
    supplier.post(&format!("{location}/apply"), json!({})).await.assert_status(202);
    app.drain_jobs().await;
    assert_eq!(import(&supplier, &location).await["status"], "completed");

    server.answer("/price.yaml", Answer::list(goods()));
    supplier.may_withdraw_all().await;
    for counts in [
        json!({ "inserted": 0, "updated": 0, "unchanged": 2, "withdrawn": 1, "failed": 0 }),
        json!({ "inserted": 0, "updated": 0, "unchanged": 2, "withdrawn": 0, "failed": 0 }),
    ] {
        let imported = import_from(&app, &supplier, &server.url("/price.yaml")).await;
        assert_eq!((&imported["status"], &imported["counts"]), (&json!("completed"), &counts));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_list_that_is_being_fetched_holds_up_no_other() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").create().await;
    let slow = price_list(&[("A", "Телефон А", "90", 10), ("B", "Телефон Б", "20", 5)]);
    server.answer("/slow.yaml", Answer::hanging_after(slow.len() as u64, &slow[..20]));
    let location = ask(&supplier, "", &server.url("/slow.yaml")).await;
    app.eventually(|| async { import(&supplier, &location).await["fetch"]["bytes_fetched"] == 20 }).await;
    let fetching = import(&supplier, &location).await;
    assert_eq!(
        (&fetching["status"], &fetching["fetch"]["bytes_total"]),
        (&json!("received"), &json!(slow.len()))
    );

    let upload = supplier.upload(IMPORTS, "price.yaml", goods()).await.assert_status(202);
    let uploaded = upload.header("location").unwrap().to_owned();
    app.eventually(|| async { import(&supplier, &uploaded).await["status"] == "completed" }).await;
    // Nor does anybody wait for it who decides.
    let dry = supplier
        .upload(&format!("{IMPORTS}?dry_run=true"), "price.yaml", slow.clone())
        .await
        .assert_status(202);
    let dry = dry.header("location").unwrap().to_owned();
    app.eventually(|| async { import(&supplier, &dry).await["status"] == "validated" }).await;
    supplier.post(&format!("{dry}/apply"), json!({})).await.assert_status(202);
    app.eventually(|| async { import(&supplier, &dry).await["status"] == "completed" }).await;
    assert_eq!(import(&supplier, &location).await["status"], "received");

    // The worker stops in the middle, and another begins again.
    server.answer("/slow.yaml", Answer::list(&slow));
    app.stop_worker().await;
    app.start_worker().await;
    app.drain_jobs().await;
    let fetched = import(&supplier, &location).await;
    assert_eq!((&fetched["status"], &fetched["fetch"]["attempts"]), (&json!("completed"), &json!(2)));
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_has_one_list_fetched_at_a_time() {
    let (app, server) = app_and_server().await;
    let (supplier, other) =
        (app.supplier("Связной").create().await, app.supplier("Эльдорадо").create().await);
    server.answer("/slow.yaml", Answer::silence());
    server.answer("/price.yaml", Answer::list(goods()));
    let slow = ask(&supplier, "", &server.url("/slow.yaml")).await;
    app.eventually(|| async { server.connections() == 1 }).await;
    let second = ask(&supplier, "", &server.url("/price.yaml")).await;
    let third = ask(&other, "", &server.url("/price.yaml")).await;
    app.eventually(|| async { import(&other, &third).await["status"] == "completed" }).await;
    let waits = import(&supplier, &second).await;
    assert_eq!((&waits["status"], &waits["fetch"]["attempts"]), (&json!("received"), &json!(0)));
    server.answer("/slow.yaml", Answer::list(goods()));
    app.stop_worker().await;
    app.start_worker().await;
    app.drain_jobs().await;
    for location in [slow, second] {
        assert_eq!(import(&supplier, &location).await["status"], "completed");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_list_is_discarded_while_it_is_fetched_and_the_next_one_is_fetched_at_once() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").create().await;
    server.answer("/slow.yaml", Answer::silence());
    server.answer("/price.yaml", Answer::list(goods()));
    let slow = ask(&supplier, "", &server.url("/slow.yaml")).await;
    app.eventually(|| async { server.connections() == 1 }).await;
    let next = ask(&supplier, "", &server.url("/price.yaml")).await;
    supplier.post(&format!("{slow}/apply"), json!({})).await.assert_status(409).problem("import_not_waiting");
    let discarded = supplier.post(&format!("{slow}/discard"), json!({})).await.assert_status(200).json();
    assert_eq!(discarded["status"], "discarded");
    app.drain_jobs().await;
    assert_eq!(import(&supplier, &slow).await["status"], "discarded");
    assert_eq!(import(&supplier, &next).await["status"], "completed");
    supplier
        .post(&format!("{next}/discard"), json!({}))
        .await
        .assert_status(409)
        .problem("import_not_waiting");
    app.finish().await;
}

#[tokio::test]
async fn a_list_that_staff_discards_between_two_attempts_is_not_asked_for_again() {
    let (app, server) = app_and_server().await;
    let (supplier, staff) = (app.supplier("Связной").create().await, app.staff().create().await);
    server.answer("/price.yaml", Answer::status(503));
    let location = ask(&supplier, "", &server.url("/price.yaml")).await;
    app.eventually(|| async { import(&supplier, &location).await["fetch"]["error"].is_object() }).await;
    let id = supplier.get("/api/v1/supplier").await.json()["id"].as_str().unwrap().to_owned();
    let import_id = location.rsplit('/').next().unwrap();
    let path = format!("/api/v1/admin/suppliers/{id}/imports/{import_id}/discard");
    staff.post(&path, json!({})).await.assert_status(200);
    let asked = server.connections();
    app.drain_jobs().await;
    assert_eq!(
        (&import(&supplier, &location).await["status"], server.connections()),
        (&json!("discarded"), asked)
    );
    app.finish().await;
}

#[tokio::test]
async fn a_key_stands_for_one_import_and_ten_may_wait() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").create().await;
    server.answer("/price.yaml", Answer::list(goods()));
    let body = json!({ "url": server.url("/price.yaml") });
    app.stop_worker().await;
    let first = supplier.post_once(IMPORTS, "once", body.clone()).await.assert_status(202);
    let again = supplier.post_once(IMPORTS, "once", body.clone()).await.assert_status(202);
    assert_eq!((again.header("idempotency-replayed"), again.json()), (Some("true"), first.json()));
    let other = json!({ "url": server.url("/other.yaml") });
    supplier.post_once(IMPORTS, "once", other).await.assert_status(422).problem("idempotency_key_reused");
    for _ in 1..10 {
        supplier.post(IMPORTS, body.clone()).await.assert_status(202);
    }
    supplier.post(IMPORTS, body).await.assert_status(409).problem("too_many_imports");
    supplier.upload(IMPORTS, "price.yaml", goods()).await.assert_status(409).problem("too_many_imports");
    app.start_worker().await;
    app.drain_jobs().await;
    assert_eq!(server.connections(), 10);
    app.finish().await;
}

#[tokio::test]
async fn staff_has_a_list_fetched_for_a_supplier_and_nobody_else_sees_it() {
    let (app, server) = app_and_server().await;
    let (supplier, stranger) = (app.supplier("Связной").create().await, app.supplier("Чужой").create().await);
    let staff = app.staff().create().await;
    server.answer("/price.yaml", Answer::list(goods()));
    let id = supplier.get("/api/v1/supplier").await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/admin/suppliers/{id}/imports");
    let answer = staff.post(&path, json!({ "url": server.url("/price.yaml") })).await.assert_status(202);
    staff.post(&path, json!({ "url": "http://10.0.0.1/" })).await.invalid(&[("/url", "url_not_allowed")]);
    app.drain_jobs().await;
    let seen = staff.get(answer.header("location").unwrap()).await.assert_status(200).json();
    assert_eq!((&seen["status"], &seen["fetch"]["attempts"]), (&json!("completed"), &json!(1)));
    let import_id = seen["id"].as_str().unwrap();
    stranger.get(&format!("{IMPORTS}/{import_id}")).await.assert_status(404);
    assert_eq!(supplier.get(&format!("{IMPORTS}/{import_id}")).await.json()["status"], "completed");
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_is_neither_a_form_nor_an_address_is_refused() {
    let (app, _server) = app_and_server().await;
    let supplier = app.supplier("Связной").create().await;
    for (body, errors) in [
        (json!({}), [("/url", "required")]),
        (json!({ "url": 7 }), [("/url", "wrong_type")]),
        (json!({ "url": "price.yaml" }), [("/url", "invalid_url")]),
        (json!({ "url": "ftp://shop.example.com/price.yaml" }), [("/url", "invalid_url")]),
        (json!({ "url": "https://a:b@shop.example.com/price.yaml" }), [("/url", "url_with_credentials")]),
        (json!({ "url": format!("https://shop.example.com/{}", "x".repeat(2_000)) }), [("/url", "too_long")]),
        (json!({ "url": "https://shop.example.com/", "mode": "upsert" }), [("/mode", "unknown_field")]),
    ] {
        supplier.post(IMPORTS, body).await.invalid(&errors);
    }
    let text =
        supplier.request(reqwest::Method::POST, IMPORTS).header("content-type", "text/plain").body("x");
    crate::support::Answer::to(text).await.assert_status(415).problem("unsupported_media_type");
    app.finish().await;
}
