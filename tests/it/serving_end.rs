//! How the API ends: as a balancer and its clients see it.

use std::{io, time::Duration};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::support::{TestApp, address};

/// Who connects, time and again.
const CLIENTS: usize = 8;

/// How often each connects after it was refused for the first time.
const AFTERWARDS: usize = 20;

/// What a client met with.
#[derive(Debug, Default)]
struct Met {
    answered: usize,
    cut_off: usize,
    refused: usize,
    answered_after_refused: usize,
}

/// Connects until it is refused, and then some more; each time for one request.
async fn come_again_and_again(address: &str) -> Met {
    let mut met = Met::default();
    while met.refused <= AFTERWARDS {
        match ask(address).await {
            Ok(answer) if answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n") => {
                met.answered += 1;
                met.answered_after_refused += usize::from(met.refused > 0);
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                met.refused += 1;
                sleep(Duration::from_millis(5)).await;
            }
            Ok(_) | Err(_) => met.cut_off += 1,
        }
    }
    met
}

async fn ask(address: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn whoever_comes_while_it_stops_is_answered_or_refused_and_what_runs_is_finished() {
    let mut app = TestApp::start_serving(|serving| serving.stop_delay = Duration::from_secs(1)).await;
    let buyer = app.buyer().create().await;
    // A request that runs for as long as the test wants.
    let mut using = app.worker_db().begin().await.unwrap();
    sqlx::raw_sql("lock table addresses in access exclusive mode").execute(&mut *using).await.unwrap();
    let running = tokio::spawn(async move { buyer.post("/api/v1/me/addresses", address()).await });
    app.eventually(async || {
        let statement = "select exists (select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock')";
        sqlx::query_scalar(statement).fetch_one(app.pool()).await.unwrap()
    })
    .await;
    app.get("/readyz").await.assert_status(200);

    let place = app.url("").strip_prefix("http://").unwrap().to_owned();
    let crowd =
        tokio::spawn(async move { join_all((0..CLIENTS).map(|_| come_again_and_again(&place))).await });
    app.ask_api_to_stop();
    // Balancers are told first, and everybody to come by another connection.
    app.eventually(async || app.get("/readyz").await.status() == 503).await;
    let answer = app.get("/healthz").await.assert_status(200);
    assert_eq!(answer.header("connection"), Some("close"));

    for met in crowd.await.unwrap() {
        assert!(met.answered > 0 && met.answered_after_refused == 0, "{met:?}");
        // The kernel cuts off whoever connects in the very moment in which a listener closes.
        assert!(met.cut_off <= 1, "{met:?}");
    }
    assert!(!running.is_finished(), "it was to outlast the listener");
    using.commit().await.unwrap();
    running.await.unwrap().assert_status(201);
    app.finish().await;
}
