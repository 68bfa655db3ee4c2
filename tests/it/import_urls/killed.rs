//! Real workers, killed in the middle of a fetch, and beside a proxy that their environment names.

use std::process::Stdio;

use local_stack::list_server::{Answer, ListServer};
use serde_json::json;
use tokio::process::Child;

use super::{app_and_server, ask, goods, import, server};
use crate::support::{TestApp, program};

async fn start(app: &TestApp, server: &ListServer, proxy: &ListServer) -> Child {
    program("worker")
        .await
        .args(["run", "--queues", "fetches=2,imports=1"])
        .env("DATABASE_URL", app.database_url().await)
        .env("SMTP_URL", format!("smtp://{}", app.catcher().smtp_addr()))
        .env("MAIL_FROM", "Postavka <orders@postavka.test>")
        .env("IMPORT_URL_ALLOW", server.addr().to_string())
        .env("HTTP_PROXY", proxy.url("/"))
        .env("http_proxy", proxy.url("/"))
        .env("ALL_PROXY", proxy.url("/"))
        .env("WORKER_LEASE_SECONDS", "2")
        .env("WORKER_HEARTBEAT_SECONDS", "1")
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .spawn()
        .expect("the worker program starts")
}

#[tokio::test]
async fn a_fetch_whose_worker_is_killed_begins_again_with_another() {
    let (app, server) = app_and_server().await;
    let proxy = self::server().await;
    let supplier = app.supplier("Связной").create().await;
    app.stop_worker().await;
    server.answer("/price.yaml", Answer::hanging_after(5_000, "goods:"));
    let location = ask(&supplier, "", &server.url("/price.yaml")).await;
    let mut worker = start(&app, &server, &proxy).await;
    app.eventually(|| async { import(&supplier, &location).await["fetch"]["bytes_fetched"] == 6 }).await;
    // SIGKILL: nothing is handed back.
    worker.kill().await.unwrap();
    server.answer("/price.yaml", Answer::list(goods()));
    let mut next = start(&app, &server, &proxy).await;
    app.eventually(|| async { import(&supplier, &location).await["status"] == "completed" }).await;
    assert_eq!(import(&supplier, &location).await["fetch"]["attempts"], json!(2));
    assert_eq!((server.connections(), proxy.connections()), (2, 0));
    next.kill().await.unwrap();
    app.finish().await;
}
