//! What ends a session ends its access tokens at once.

use serde_json::json;
use time::Duration;

use super::refresh;
use crate::support::{Answer, TestApp};

#[tokio::test]
async fn signing_out_stops_the_access_token_of_that_session_only() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let (first, session) = (anna.access_token(), anna.refresh_token());
    anna.sign_in().await;
    app.post("/api/v1/auth/logout", json!({ "refresh_token": session })).await.assert_status(204);
    for path in ["/api/v1/me", "/api/v1/basket", "/api/v1/orders"] {
        let request = app.client().get(app.url(path)).bearer_auth(&first);
        Answer::to(request).await.assert_status(401).problem("unauthorized");
        anna.get(path).await.assert_status(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_stolen_refresh_token_stops_the_access_tokens_too() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let stolen = anna.refresh_token();
    let tokens = refresh(&app, &stolen).await.assert_status(200).json();
    let newest = tokens["access_token"].as_str().unwrap();
    app.clock().advance(Duration::seconds(11));
    refresh(&app, &stolen).await.assert_status(401).problem("session_ended");
    for token in [newest, &anna.access_token()] {
        let request = app.client().get(app.url("/api/v1/me")).bearer_auth(token);
        Answer::to(request).await.assert_status(401).problem("unauthorized");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_token_for_a_session_that_never_was_is_no_token() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    sqlx::query("delete from sessions").execute(app.pool()).await.unwrap();
    anna.get("/api/v1/me").await.assert_status(401).problem("unauthorized");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_sign_ins_is_refused_at_once_and_the_catalogue_goes_on() {
    let app = TestApp::start().await;
    app.supplier("Электрон").create().await;
    let flood = (0..200).map(|number| {
        let body = json!({ "email": format!("nobody-{number}@example.com"), "password": "some password" });
        app.post("/api/v1/auth/login", body)
    });
    let catalogue = (0..40).map(|_| app.get("/api/v1/suppliers"));
    let (answers, catalogue) =
        tokio::join!(futures_util::future::join_all(flood), futures_util::future::join_all(catalogue));
    assert!(catalogue.iter().all(|answer| answer.status() == 200));
    let (mut tried, mut refused) = (0, 0);
    for answer in answers {
        match answer.status() {
            401 => tried += 1,
            503 => {
                assert_eq!(answer.header("retry-after"), Some("2"));
                answer.problem("unavailable");
                refused += 1;
            }
            status => panic!("{status}: {}", answer.text()),
        }
    }
    assert!(tried > 0 && refused > 0, "{tried} were tried, {refused} refused");
    app.finish().await;
}
