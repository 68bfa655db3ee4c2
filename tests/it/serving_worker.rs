//! What operators' programs ask a worker, and what shows of its queues.

use std::time::Duration;

use common::queue::{self, QueueName};
use tokio::{net::TcpListener, task::JoinHandle};
use worker::operations::Operations;

use crate::support::{Answer, TestApp, figures, registration};

/// A worker's listener, over the database of a test.
async fn listen(app: &TestApp) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let operations = Operations { db: app.worker_db().clone(), figures: figures() };
    (url, tokio::spawn(async move { match operations.serve(listener).await {} }))
}

#[tokio::test]
async fn a_worker_says_whether_it_lives_and_can_work() {
    let app = TestApp::start().await;
    let (url, answering) = listen(&app).await;
    let ask = async |path: &str| Answer::to(app.client().get(format!("{url}{path}"))).await;
    assert_eq!(ask("/healthz").await.assert_status(200).text(), "ok\n");
    assert_eq!(ask("/readyz").await.assert_status(200).text(), "ready\n");
    ask("/elsewhere").await.assert_status(404);
    let refused = Answer::to(app.client().post(format!("{url}/metrics"))).await.assert_status(405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD"));

    app.worker_has_started().await;
    let newest = "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    sqlx::query(newest).execute(app.pool()).await.unwrap();
    ask("/readyz").await.assert_status(503);
    ask("/healthz").await.assert_status(200);
    answering.abort();
    app.finish().await;
}

#[tokio::test]
async fn the_figures_of_a_queue_are_its_jobs_and_how_long_the_next_has_waited() {
    let app = TestApp::start().await;
    app.stop_worker().await;
    app.post("/api/v1/auth/register", registration("anna@example.com")).await.assert_status(202);
    app.post("/api/v1/auth/register", registration("oleg@example.com")).await.assert_status(202);
    sqlx::query("update jobs set run_at = now() - interval '90 seconds' where id = (select min(id::text)::uuid from jobs)")
        .execute(app.pool())
        .await
        .unwrap();
    let jobs = queue::figures::of(app.pool()).await.unwrap();
    let mail = jobs.iter().find(|figures| figures.queue == QueueName::MAIL.as_str()).unwrap();
    assert_eq!((mail.ready, mail.waiting, mail.running, mail.dead), (2, 0, 0, 0));
    assert!((90.0..600.0).contains(&mail.oldest_ready_s), "{}", mail.oldest_ready_s);
    let imports = jobs.iter().find(|figures| figures.queue == QueueName::IMPORTS.as_str()).unwrap();
    assert_eq!((imports.ready, imports.oldest_ready_s), (0, 0.0));

    let (url, answering) = listen(&app).await;
    let text =
        Answer::to(app.client().get(format!("{url}/metrics"))).await.assert_status(200).text().to_owned();
    for figure in [
        "queue_jobs{",
        "queue_oldest_ready_seconds{",
        "database_up 1",
        "state=\"dead\"",
        "db_pool_connections",
    ] {
        assert!(text.contains(figure), "{figure}: {text}");
    }
    answering.abort();
    app.finish().await;
}

#[tokio::test]
async fn a_slow_asker_of_figures_holds_nobody_up() {
    let app = TestApp::start().await;
    let (url, answering) = listen(&app).await;
    let address = url.strip_prefix("http://").unwrap();
    let silent = tokio::net::TcpStream::connect(address).await.unwrap();
    let asked =
        tokio::time::timeout(Duration::from_secs(30), Answer::to(app.client().get(format!("{url}/healthz"))));
    asked.await.unwrap().assert_status(200);
    drop(silent);
    answering.abort();
    app.finish().await;
}
