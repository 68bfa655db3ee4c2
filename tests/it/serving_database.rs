//! How the connections to the database are shared out, and what is said when it does not answer.

use std::time::Duration;

use common::db::CommitError;
use serde_json::json;

use crate::support::{TestApp, address, price_list};

const IMPORTS: &str = "/api/v1/supplier/imports";

#[tokio::test]
async fn uploads_wait_for_one_another_and_nobody_waits_for_them() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    // A quarter of its ten connections.
    let long = [app.api_db().begin_long().await.unwrap(), app.api_db().begin_long().await.unwrap()];
    let list = price_list(&[("A", "Телефон", "100", 10)]);
    let mut upload = Box::pin(supplier.upload(IMPORTS, "price.yaml", list));
    let others = async {
        for _ in 0..20 {
            supplier.post("/api/v1/me/addresses", address()).await.assert_status(403);
            supplier.get(IMPORTS).await.assert_status(200);
        }
    };
    tokio::select! {
        answer = &mut upload => panic!("it did not wait: {answer:?}"),
        () = others => {}
    }
    drop(long);
    upload.await.assert_status(202);
    app.finish().await;
}

#[tokio::test]
async fn slow_searches_keep_no_signed_in_request_waiting() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    // All of the catalogue's connections are busy.
    let mut busy = Vec::new();
    for _ in 0..3 {
        busy.push(app.api_db().catalog_reader().await.unwrap());
    }
    let mut search = Box::pin(app.get("/api/v1/products?q=телефон"));
    let others = async {
        for _ in 0..20 {
            buyer.get("/api/v1/me").await.assert_status(200);
            buyer.get("/api/v1/orders").await.assert_status(200);
        }
    };
    tokio::select! {
        answer = &mut search => panic!("it did not wait: {answer:?}"),
        () = others => {}
    }
    drop(busy);
    search.await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn a_read_of_the_catalogue_may_take_less_time_than_other_statements() {
    let app = TestApp::start().await;
    let statement = "select current_setting('statement_timeout')";
    let mut catalog = app.api_db().catalog_reader().await.unwrap();
    let limit: String = sqlx::query_scalar(statement).fetch_one(&mut *catalog).await.unwrap();
    assert_eq!(limit, "5s");
    let mut other = app.api_db().reader().await.unwrap();
    let limit: String = sqlx::query_scalar(statement).fetch_one(&mut *other).await.unwrap();
    assert_eq!(limit, "30s");
    drop((catalog, other));
    app.finish().await;
}

/// Otherwise its locks would stay until the statement ends, and whoever takes its work over would wait for them.
#[tokio::test]
async fn the_database_looks_whether_whoever_asked_is_still_there() {
    let app = TestApp::start().await;
    let mut reader = app.api_db().reader().await.unwrap();
    let statement = "select current_setting('client_connection_check_interval')";
    let interval: String = sqlx::query_scalar(statement).fetch_one(&mut *reader).await.unwrap();
    assert_eq!(interval, "5s");
    drop(reader);
    app.finish().await;
}

#[tokio::test]
async fn connections_that_nobody_uses_count_as_idle_and_are_given_back() {
    let app = TestApp::start().await;
    let reader = app.api_db().reader().await.unwrap();
    reader.keep();
    let used = async || {
        let text = app.get("/metrics").await.assert_status(200).text().to_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("db_pool_connections{state=\"used\"} "));
        line.unwrap().to_owned()
    };
    // The figures are the process's: another test's API may have set them in between.
    app.eventually(async || used().await == "0").await;
    app.eventually(async || app.api_db().pool().num_idle() == app.api_db().pool().size() as usize).await;
    app.finish().await;
}

#[tokio::test]
async fn whoever_asks_whether_it_is_ready_waits_less_than_for_a_connection() {
    let app = TestApp::start().await;
    let pool = app.api_db().pool().clone();
    let mut taken = Vec::new();
    for _ in 0..pool.options().get_max_connections() {
        taken.push(pool.acquire().await.unwrap());
    }
    tokio::select! {
        refused = app.get("/readyz") => { refused.assert_status(503).problem("unavailable"); }
        waited = pool.acquire() => panic!("it came later than {waited:?}"),
    }
    drop(taken);
    app.get("/readyz").await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn a_transaction_in_which_a_statement_failed_is_not_called_committed() {
    let app = TestApp::start().await;
    sqlx::raw_sql("create table kept (what text)").execute(app.pool()).await.unwrap();
    for what in ["good", "lost"] {
        let mut tx = app.worker_db().begin().await.unwrap();
        sqlx::query("insert into kept values ($1)").bind(what).execute(&mut *tx).await.unwrap();
        if what == "lost" {
            sqlx::query("select 1 / 0").execute(&mut *tx).await.unwrap_err();
            assert!(matches!(tx.commit().await, Err(CommitError::Refused(_))));
        } else {
            tx.commit().await.unwrap();
        }
    }
    let kept: Vec<String> = sqlx::query_scalar("select what from kept").fetch_all(app.pool()).await.unwrap();
    assert_eq!(kept, ["good"]);
    app.finish().await;
}

/// The sessions that write an address end at their commit, before they answer.
const CUT_OFF: &str = "
    create function cut_off() returns trigger language plpgsql as
    $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
    create constraint trigger cut_off after insert on addresses deferrable initially deferred
    for each row execute function cut_off();";

#[tokio::test]
async fn a_commit_without_an_answer_is_not_told_as_a_failure() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    sqlx::raw_sql(CUT_OFF).execute(app.pool()).await.unwrap();
    let unknown =
        buyer.post("/api/v1/me/addresses", address()).await.assert_status(503).problem("unavailable");
    let detail = unknown["detail"].as_str().unwrap();
    assert!(detail.contains("may have been done") && detail.contains("Idempotency-Key"), "{detail}");
    app.finish().await;
}

#[tokio::test]
async fn what_took_too_long_is_told_as_unknown_unless_it_was_a_read() {
    let app = TestApp::start_serving(|serving| serving.bounds.request_within = Duration::ZERO).await;
    let read = app.get("/api/v1/products").await;
    let write = app.post("/api/v1/auth/confirm-email", json!({ "token": "a".repeat(43) })).await;
    for (answer, unknown) in [(read, false), (write, true)] {
        let refused = answer.assert_status(503).problem("unavailable");
        let detail = refused["detail"].as_str().unwrap();
        assert_eq!(detail.contains("may have been done"), unknown, "{detail}");
    }
    app.finish().await;
}
