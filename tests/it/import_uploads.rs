//! Price lists at the door: what is taken, and what is refused.

use futures_util::StreamExt;
use serde_json::json;
use time::Duration;

use crate::support::{Person, TestApp, price_list};

const IMPORTS: &str = "/api/v1/supplier/imports";

#[tokio::test]
async fn what_is_no_price_list_is_refused_at_the_door() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    for (file, content) in
        [("price.xls", "goods: []"), ("price.pdf", "goods: []"), ("price", "что угодно"), ("yaml", "")]
    {
        let refused = supplier.upload(IMPORTS, file, content).await.assert_status(415);
        refused.problem("unsupported_media_type");
    }
    supplier.post(IMPORTS, json!([])).await.assert_status(422).invalid(&[("", "wrong_type")]);
    let form = reqwest::multipart::Form::new().text("other", "x");
    let request = supplier.request(reqwest::Method::POST, IMPORTS).multipart(form);
    crate::support::Answer::to(request)
        .await
        .assert_status(422)
        .invalid(&[("/file", "required"), ("/other", "unknown_field")]);
    let refused = supplier.upload(&format!("{IMPORTS}?mode=merge"), "price.yaml", "goods: []").await;
    refused.assert_status(422).invalid(&[("mode", "unknown_word")]);
    assert_eq!(supplier.get(IMPORTS).await.json()["items"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn what_can_be_refused_without_the_file_is_refused_before_it_has_come() {
    let app = TestApp::start().await;
    let (supplier, staff) = (app.supplier("Электрон").create().await, app.staff().create().await);
    // A part that never ends: whoever reads it to its end, or keeps it, has no answer to give.
    let endless = || {
        let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>("goods: []\n")]);
        let never = futures_util::stream::pending();
        reqwest::multipart::Part::stream(reqwest::Body::wrap_stream(pieces.chain(never)))
    };
    let send = async |person: &Person, path: &str, part| {
        let form = reqwest::multipart::Form::new().part("file", part);
        crate::support::Answer::to(person.request(reqwest::Method::POST, path).multipart(form)).await
    };
    let file = || endless().file_name("price.yaml");
    let answer = send(&supplier, &format!("{IMPORTS}?mode=foo"), file()).await.assert_status(422);
    answer.invalid(&[("mode", "unknown_word")]);
    let nobody = "/api/v1/admin/suppliers/0199a9a0-0000-7000-8000-00000000cafe/imports";
    send(&staff, nobody, file()).await.assert_status(404).problem("not_found");
    send(&supplier, IMPORTS, endless().file_name("price.pdf")).await.assert_status(415);
    let answer = send(&supplier, IMPORTS, endless()).await.assert_status(422);
    answer.invalid(&[("/file", "required")]);
    app.finish().await;
}

#[tokio::test]
async fn a_form_has_one_file() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let part = |name: &str| reqwest::multipart::Part::text("goods: []").file_name(name.to_owned());
    let form = reqwest::multipart::Form::new().part("file", part("a.yaml")).part("file", part("b.yaml"));
    let request = supplier.request(reqwest::Method::POST, IMPORTS).multipart(form);
    crate::support::Answer::to(request).await.assert_status(422).invalid(&[("/file", "repeated")]);
    app.finish().await;
}

#[tokio::test]
async fn an_upload_that_is_repeated_is_one_import() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let list = price_list(&[("A", "Телефон", "100", 10)]);
    let first = supplier.upload_once(IMPORTS, "morning", "price.yaml", &list).await.assert_status(202);
    // Each form has a boundary of its own: the same file is the same request.
    let again = supplier.upload_once(IMPORTS, "morning", "price.yaml", &list).await.assert_status(202);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.json(), again.header("location")), (first.json(), first.header("location")));
    for (path, file, list) in [
        (IMPORTS.to_owned(), "price.yaml", price_list(&[("A", "Телефон", "101", 10)])),
        (IMPORTS.to_owned(), "other.yaml", list.clone()),
        (format!("{IMPORTS}?mode=upsert"), "price.yaml", list.clone()),
    ] {
        let refused = supplier.upload_once(&path, "morning", file, &list).await.assert_status(422);
        refused.problem("idempotency_key_reused");
    }
    app.drain_jobs().await;
    assert_eq!(supplier.get(IMPORTS).await.json()["items"].as_array().unwrap().len(), 1);
    app.clock().advance(Duration::hours(25));
    supplier.sign_in().await;
    let later = supplier.upload_once(IMPORTS, "morning", "price.yaml", &list).await.assert_status(202);
    assert_eq!(later.header("idempotency-replayed"), None);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_sent_many_times_at_once_is_one_import() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let list = price_list(&[("A", "Телефон", "100", 10)]);
    let uploads = (0..10).map(|_| supplier.upload_once(IMPORTS, "morning", "price.yaml", &list));
    for answer in futures_util::future::join_all(uploads).await {
        match answer.status() {
            202 => drop(answer),
            _ => _ = answer.assert_status(409).problem("idempotency_in_flight"),
        }
    }
    assert_eq!(supplier.get(IMPORTS).await.json()["items"].as_array().unwrap().len(), 1);
    app.finish().await;
}
