//! What every answer has in common, and what operators' programs ask.

use crate::support::{Answer, TestApp};

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_problems_like_any_other() {
    let app = TestApp::start().await;
    for path in ["/nothing", "/api/v1/nothing", "/api/v2/products", "/api/v1", "/api/v1/products/x/y"] {
        app.get(path).await.assert_status(404).problem("not_found");
    }
    for path in ["/api/v1/products", "/api/v1/suppliers", "/healthz"] {
        let refused = Answer::to(app.client().delete(app.url(path))).await.assert_status(405);
        refused.problem("method_not_allowed");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_word_beside_an_id_is_no_id() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    for path in ["jobs/retry", "jobs/discard", "messages/resend"] {
        let refused = staff.get(&format!("/api/v1/admin/{path}")).await.assert_status(405);
        refused.problem("method_not_allowed");
        assert_eq!(refused.header("allow"), Some("POST"), "{path}");
    }
    for path in ["/api/v1/admin/jobs/again", "/api/v1/products/7", "/api/v1/orders/{id}", "/orders/x"] {
        staff.get(path).await.assert_status(404).problem("not_found");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_request_id_is_taken_where_it_is_sound_and_made_where_it_is_not() {
    let app = TestApp::start().await;
    let ask = async |id: Option<&str>| {
        let request = app.client().get(app.url("/api/v1/nothing"));
        let request = id.into_iter().fold(request, |request, id| request.header("x-request-id", id));
        let answer = Answer::to(request).await.assert_status(404);
        let problem = answer.problem("not_found");
        assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"));
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(ask(Some("order-17/a")).await, "order-17/a");
    let long = "x".repeat(101);
    for unsound in [Some(""), Some("two words"), Some(&*long), None] {
        let made = ask(unsound).await;
        assert!(made.parse::<uuid::Uuid>().is_ok(), "{made}");
    }
    let good = app.client().get(app.url("/api/v1/products")).header("x-request-id", "abc");
    assert_eq!(Answer::to(good).await.assert_status(200).header("x-request-id"), Some("abc"));
    app.finish().await;
}

#[tokio::test]
async fn a_request_id_goes_with_the_jobs_it_causes() {
    let app = TestApp::start().await;
    let body = crate::support::registration("anna@example.com");
    let request = app.client().post(app.url("/api/v1/auth/register")).header("x-request-id", "trace-me");
    Answer::to(request.json(&body)).await.assert_status(202);
    let id: String = sqlx::query_scalar("select request_id from jobs").fetch_one(app.pool()).await.unwrap();
    assert_eq!(id, "trace-me");
    app.finish().await;
}

#[tokio::test]
async fn the_process_is_alive_and_ready() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/healthz").await.assert_status(200).text(), "ok\n");
    assert_eq!(app.get("/readyz").await.assert_status(200).text(), "ready\n");
    app.finish().await;
}

#[tokio::test]
async fn a_database_that_lacks_a_migration_is_not_ready() {
    let app = TestApp::start().await;
    app.worker_has_started().await;
    let newest = "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    sqlx::query(newest).execute(app.pool()).await.unwrap();
    let refused = app.get("/readyz").await.assert_status(503);
    refused.problem("unavailable");
    assert!(refused.header("retry-after").is_some());
    app.get("/healthz").await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn figures_count_requests_by_route_and_not_by_path() {
    let app = TestApp::start().await;
    let id = "0199a9a0-0000-7000-8000-00000000cafe";
    app.get(&format!("/api/v1/suppliers/{id}")).await.assert_status(404);
    let metrics = app.get("/metrics").await.assert_status(200);
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let text = metrics.text();
    assert!(text.contains(r#"route="/api/v1/suppliers/{id}""#), "{text}");
    assert!(!text.contains("00000000cafe"), "figures must not grow with ids");
    assert!(text.contains("http_request_duration_seconds_bucket"));
    app.finish().await;
}

#[tokio::test]
async fn the_documentation_needs_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let page = app.get("/docs/").await.assert_status(200);
    let mut files = Vec::new();
    for attribute in ["src=\"", "href=\""] {
        let found = page.text().split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
        files.extend(found.map(str::to_owned));
    }
    assert!(!files.is_empty());
    for file in files {
        assert!(!file.contains("//"), "{file} is elsewhere");
        let path =
            if file.starts_with('/') { file } else { format!("/docs/{}", file.trim_start_matches("./")) };
        app.get(&path).await.assert_status(200);
    }
    assert!(page.text().contains("/openapi.json"));
    app.finish().await;
}
