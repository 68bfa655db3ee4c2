//! Traces: one leads from a request through its jobs to their mail, and nobody waits for whoever collects them.

use std::time::{Duration, Instant};

use local_stack::mail_catcher::MailCatcher;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{Answer, Collector, Span, Speaking, TestDatabase, program, registration};

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a caller sends, and its parts.
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLERS_SPAN: &str = "00f067aa0ba902b7";

async fn settings(database: &TestDatabase, collector: &str) -> Vec<(&'static str, String)> {
    vec![
        ("DATABASE_URL", database.settings(1).await.url),
        ("TOKEN_SECRET", "kS0zq8mYxV1nT4rWc7bJdLhPgF9uE2iA".to_owned()),
        ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
        ("MAIL_FROM", "Postavka <orders@postavka.test>".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50".to_owned()),
    ]
}

/// Waits for a span.
async fn span(collector: &Collector, name: &str, is_it: impl Fn(&Span) -> bool) -> Span {
    let since = Instant::now();
    loop {
        let found = collector.spans().into_iter().find(|span| span.name == name && is_it(span));
        match found {
            Some(span) => return span,
            None => assert!(since.elapsed() < PATIENCE, "no {name} in {:#?}", collector.spans()),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn one_trace_leads_from_a_request_through_its_job_to_its_mail() {
    let (database, collector) = (TestDatabase::create().await, Collector::start().await);
    let local = ([127, 0, 0, 1], 0).into();
    let catcher = MailCatcher::start(local, local).await.unwrap();
    let mut settings = settings(&database, &collector.url()).await;
    settings.push(("SMTP_URL", format!("smtp://{}", catcher.smtp_addr())));
    let api = Speaking::start(program("api").await.arg("serve").envs(settings.clone()));
    settings.push(("OTEL_SERVICE_NAME", "the-mailer".to_owned()));
    let worker = Speaking::start(program("worker").await.arg("run").envs(settings));
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let register = format!("{}/api/v1/auth/register", api.address().await);
    catcher.fail_temporarily("anna@example.com", 1);
    let body = registration("anna@example.com");
    let asked = client.post(&register).json(&body).header("traceparent", CALLER);
    Answer::to(asked.header("x-request-id", "of-anna")).await.assert_status(202);

    let request = span(&collector, "POST /api/v1/auth/register", |_| true).await;
    assert_eq!((request.trace_id.as_str(), request.parent_id.as_str()), (TRACE, CALLERS_SPAN));
    assert_eq!((request.service.as_str(), request.kind), ("postavka-api", 2));
    assert_eq!(request.attributes["http.response.status_code"], "202");
    assert_eq!(request.attributes["request_id"], "of-anna");
    for (attempt, fails) in [("1", true), ("2", false)] {
        let job = span(&collector, "send_email", |span| span.attributes["attempt"] == attempt).await;
        assert_eq!((job.trace_id.as_str(), &job.parent_id), (TRACE, &request.span_id), "{job:?}");
        assert_eq!((job.service.as_str(), job.kind), ("the-mailer", 5));
        assert_eq!((job.attributes["queue"].as_str(), job.failure.is_some()), ("mail", fails), "{job:?}");
        let smtp = span(&collector, "smtp", |span| span.parent_id == job.span_id).await;
        assert_eq!((smtp.trace_id.as_str(), smtp.kind), (TRACE, 3));
    }
    // What comes without a trace, or with rubbish, begins one.
    let login = json!({ "email": "anna@example.com", "password": "wrong-horse" });
    let path = register.replace("register", "login");
    let asked = client.post(path).json(&login).header("traceparent", "00-nothing");
    Answer::to(asked).await.assert_status(401);
    let request = span(&collector, "POST /api/v1/auth/login", |_| true).await;
    assert!(request.parent_id.is_empty() && request.trace_id != TRACE, "{request:?}");
    let told = format!("{:?}", collector.spans());
    assert!(!told.contains("example.com"), "{told}");
    api.stop().await;
    worker.stop().await;
    database.drop().await;
}

#[tokio::test]
async fn what_was_not_told_yet_is_told_at_the_end() {
    let (database, collector) = (TestDatabase::create().await, Collector::start().await);
    let mut settings = settings(&database, &collector.url()).await;
    settings.push(("OTEL_BSP_SCHEDULE_DELAY", "3600000".to_owned()));
    let api = Speaking::start(program("api").await.arg("serve").envs(settings));
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    Answer::to(client.get(format!("{}/healthz", api.address().await))).await.assert_status(200);
    assert!(collector.spans().is_empty());
    api.stop().await;
    assert!(collector.spans().iter().any(|span| span.name == "GET /healthz"), "{:#?}", collector.spans());
    database.drop().await;
}

#[tokio::test]
async fn a_collector_that_hangs_or_is_away_holds_nobody_up() {
    let (database, silent) = (TestDatabase::create().await, Collector::silent().await);
    for collector in [silent.url(), "http://127.0.0.1:9".to_owned()] {
        let mut settings = settings(&database, &collector).await;
        settings.push(("OTEL_BSP_MAX_QUEUE_SIZE", "4".to_owned()));
        settings.push(("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2".to_owned()));
        let api = Speaking::start(program("api").await.arg("serve").envs(settings));
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        let url = format!("{}/readyz", api.address().await);
        for _ in 0..50 {
            Answer::to(client.get(&url)).await.assert_status(200);
        }
        // It stops as it always does: without an error.
        let said = api.stop().await;
        assert!(said.contains("stopped"), "{said}");
    }
    database.drop().await;
}

#[tokio::test]
async fn an_address_that_is_none_ends_the_start() {
    let mut api = program("api").await;
    let ended = api.args(["--otlp-endpoint", "collector:4317", "openapi"]).output().await.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && said.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{said}");
}
