//! Servers that are away, slow, endless, untrue or ill-meant.

use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};
use local_stack::list_server::{Answer, ListServer};
use serde_json::{Value, json};
use worker::imports::fetching::{FetchLimits, Fetcher};

use super::{app_and_server, ask, fetcher, goods, import, import_from, server};
use crate::support::TestApp;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Asserts how a fetch failed for good, and how often it was tried.
#[track_caller]
fn assert_failed(import: &Value, code: &str, attempts: i32) {
    assert_eq!((&import["status"], &import["error"]["code"]), (&json!("failed"), &json!(code)), "{import}");
    assert_eq!(
        (&import["fetch"]["attempts"], &import["fetch"]["error"]["code"]),
        (&json!(attempts), &json!(code))
    );
    assert_eq!(import["counts"]["inserted"], 0);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_seen_meanwhile() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").create().await;
    server.answer_in_turn(
        "/price.yaml",
        [Answer::status(503), Answer::promising(5_000, "goods:"), Answer::list(goods())],
    );
    let location = ask(&supplier, "", &server.url("/price.yaml")).await;
    app.eventually(|| async {
        import(&supplier, &location).await["fetch"]["error"]["code"] == "url_answered"
    })
    .await;
    let waiting = import(&supplier, &location).await;
    assert_eq!((&waiting["status"], &waiting["error"]), (&json!("received"), &Value::Null));
    let detail = waiting["fetch"]["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("сервер ответил 503"), "{detail}");
    app.drain_jobs().await;
    let imported = import(&supplier, &location).await;
    assert_eq!(
        (&imported["status"], &imported["fetch"]["attempts"]),
        (&json!("completed"), &json!(3)),
        "{imported}"
    );
    assert_eq!(imported["fetch"]["error"], Value::Null);
    assert_eq!(server.connections(), 3);
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_pass_ends_the_import_and_its_supplier_is_told() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").locale("en").create().await;
    for (path, answer, code) in [
        ("/missing", Answer::status(404), "url_answered"),
        ("/secret", Answer::status(401), "url_answered"),
        ("/nothing", Answer::status(204), "url_answered"),
        ("/unchanged", Answer::status(304), "url_answered"),
        ("/moved", Answer::status(301), "url_answered"),
        ("/huge", Answer::promising(600 << 20, "goods:"), "url_too_large"),
        ("/page.yaml", Answer::list("<!DOCTYPE html><title>Sign in</title>"), "url_no_price_list"),
        ("/empty", Answer::new(200, &[], ""), "url_no_price_list"),
        ("/brotli", Answer::new(200, &[("content-encoding", "br")], "x"), "url_wrong_encoding"),
        ("/broken", Answer::new(200, &[("content-encoding", "gzip")], "x"), "url_wrong_encoding"),
    ] {
        server.answer(path, answer);
        let before = server.connections();
        let failed = import_from(&app, &supplier, &server.url(path)).await;
        assert_failed(&failed, code, 1);
        assert_eq!(server.connections(), before + 1, "{path}");
    }
    let mailbox = app.mailbox(supplier.email()).await;
    assert!(mailbox.last().text.as_deref().unwrap().contains("packed in a way"), "{:?}", mailbox.last().text);
    app.finish().await;
}

#[tokio::test]
async fn nobody_who_is_there_and_a_connection_that_breaks_are_tried_to_the_end() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").create().await;
    // It promises more than it has.
    server.answer("/half.yaml", Answer::promising(5_000, goods()));
    let failed = import_from(&app, &supplier, &server.url("/half.yaml")).await;
    assert_failed(&failed, "url_unreachable", 8);
    assert_eq!(server.connections(), 8);
    let closed = server.url("/price.yaml");
    drop(server);
    app.eventually(|| async { tokio::net::TcpListener::bind(&closed[7..closed.len() - 11]).await.is_ok() })
        .await;
    let failed = import_from(&app, &supplier, &closed).await;
    assert_failed(&failed, "url_unreachable", 8);
    let detail = failed["error"]["detail"].as_str().unwrap();
    assert_eq!(detail, "сервер недоступен: он не принимает соединений на этом порту");
    let failed = import_from(&app, &supplier, "http://no-such-name.invalid/price.yaml").await;
    assert_failed(&failed, "url_unreachable", 8);
    app.finish().await;
}

#[tokio::test]
async fn a_server_leads_on_three_times_at_most() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").create().await;
    server.answer("/0", Answer::redirect(301, "/1"));
    server.answer("/1", Answer::redirect(302, &server.url("/2")));
    server.answer("/2", Answer::redirect(308, "/price.yaml"));
    server.answer("/price.yaml", Answer::list(goods()));
    let imported = import_from(&app, &supplier, &server.url("/0")).await;
    assert_eq!((&imported["status"], &imported["source"]), (&json!("completed"), &json!(server.url("/0"))));
    assert_eq!(server.connections(), 4);
    server.answer("/round", Answer::redirect(307, "/round"));
    assert_failed(&import_from(&app, &supplier, &server.url("/round")).await, "too_many_redirects", 1);
    assert_eq!(server.connections(), 8);
    app.finish().await;
}

/// An application with other limits.
async fn app_with(limits: FetchLimits) -> (TestApp, ListServer) {
    let server = server().await;
    let mut fetcher: Fetcher = fetcher(&server);
    fetcher.limits = limits;
    (TestApp::start_fetching(fetcher).await, server)
}

#[tokio::test]
async fn a_list_that_never_ends_is_given_up_by_its_time_or_by_its_size() {
    let limits = FetchLimits { whole: Duration::from_secs(2), bytes: 8 << 20, ..FetchLimits::default() };
    let (app, server) = app_with(limits).await;
    let supplier = app.supplier("Связной").create().await;
    server.answer("/drops", Answer::endless("id;name\n", Duration::from_millis(50)));
    assert_failed(&import_from(&app, &supplier, &server.url("/drops")).await, "url_too_slow", 1);
    server.answer("/flood", Answer::endless(vec![b'x'; 1 << 20], Duration::ZERO));
    assert_failed(&import_from(&app, &supplier, &server.url("/flood")).await, "url_too_large", 1);
    // A bomb unpacks to more.
    let bomb = gzip(&vec![b'x'; 9 << 20]);
    assert!(bomb.len() < 1 << 20);
    server.answer("/bomb", Answer::new(200, &[("content-encoding", "gzip")], bomb));
    assert_failed(&import_from(&app, &supplier, &server.url("/bomb")).await, "url_too_large", 1);
    // Each redirect on its own is quick, but all of them are one fetch.
    server.answer("/slowly", Answer::in_pieces("goods:\n".repeat(100), 7, Duration::from_millis(50)));
    server.answer("/on", Answer::redirect(302, "/slowly"));
    assert_failed(&import_from(&app, &supplier, &server.url("/on")).await, "url_too_slow", 1);
    app.finish().await;
}

#[tokio::test]
async fn a_server_that_is_silent_is_tried_again() {
    let limits = FetchLimits { silence: Duration::from_millis(300), ..FetchLimits::default() };
    let (app, server) = app_with(limits).await;
    let supplier = app.supplier("Связной").create().await;
    server.answer_in_turn(
        "/price.yaml",
        [
            Answer::silence(),
            Answer::hanging_after(5_000, "goods:"),
            Answer::in_pieces(goods(), 100, Duration::from_millis(20)),
        ],
    );
    let location = ask(&supplier, "", &server.url("/price.yaml")).await;
    app.eventually(|| async {
        import(&supplier, &location).await["fetch"]["error"]["code"] == "url_too_slow"
    })
    .await;
    app.drain_jobs().await;
    let imported = import(&supplier, &location).await;
    assert_eq!(
        (&imported["status"], &imported["fetch"]["attempts"]),
        (&json!("completed"), &json!(3)),
        "{imported}"
    );
    server.answer("/mute", Answer::silence());
    assert_failed(&import_from(&app, &supplier, &server.url("/mute")).await, "url_too_slow", 8);
    app.finish().await;
}

/// A list of nothing but empty lines, far too many.
fn bomb() -> Vec<u8> {
    let mut bomb = b"id;category;name;price;quantity\n".to_vec();
    bomb.resize(64 << 20, b'\n');
    bomb
}

#[tokio::test]
async fn a_list_may_come_packed_and_says_by_its_content_what_it_is() {
    let (app, server) = app_and_server().await;
    let supplier = app.supplier("Связной").create().await;
    let packed = gzip(goods().as_bytes());
    let by_transfer = [("content-encoding", "gzip"), ("content-type", "application/octet-stream")];
    for (path, answer) in [
        ("/export.php", Answer::new(200, &by_transfer, &packed)),
        ("/price.yaml.gz", Answer::new(200, &[], &packed)),
        ("/price.pdf", Answer::new(200, &[], goods())),
    ] {
        server.answer(path, answer);
        let imported = import_from(&app, &supplier, &server.url(path)).await;
        assert_eq!(imported["status"], "completed", "{path}: {imported}");
    }
    // A bomb in a file is one for whoever reads it.
    server.answer("/bomb.csv.gz", Answer::new(200, &[], gzip(&bomb())));
    let failed = import_from(&app, &supplier, &server.url("/bomb.csv.gz")).await;
    assert_eq!(
        (&failed["status"], &failed["error"]["code"]),
        (&json!("failed"), &json!("decompression_bomb"))
    );
    // What is more than was promised is not read.
    server.answer("/price.yaml", Answer::promising(goods().len() as u64, goods() + "rubbish"));
    assert_eq!(import_from(&app, &supplier, &server.url("/price.yaml")).await["status"], "completed");
    app.finish().await;
}
