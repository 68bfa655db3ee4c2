//! Having the confirmation mailed once more, and what registering tells a stranger.

use serde_json::{Value, json};

use super::confirm;
use crate::support::{TestApp, register_token, registration};

async fn resend(app: &TestApp, email: &str) -> String {
    let answer = app.post("/api/v1/auth/resend-confirmation", json!({ "email": email })).await;
    answer.assert_status(202).text().to_owned()
}

async fn jobs(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from jobs").fetch_one(app.pool()).await.unwrap()
}

#[tokio::test]
async fn an_unconfirmed_address_is_mailed_another_link_that_works() {
    let app = TestApp::start().await;
    app.post("/api/v1/auth/register", registration("anna@example.com")).await.assert_status(202);
    app.drain_jobs().await;
    resend(&app, "Anna@Example.com").await;
    let mailbox = app.mailbox("anna@example.com").await;
    let messages = mailbox.about("Подтвердите адрес");
    assert_eq!(messages.len(), 2);
    confirm(&app, &register_token(messages[1])).await.assert_status(204);
    app.finish().await;
}

#[tokio::test]
async fn the_answer_and_the_work_are_the_same_whoever_has_the_address() {
    let app = TestApp::start().await;
    app.post("/api/v1/auth/register", registration("unconfirmed@example.com")).await.assert_status(202);
    let confirmed = app.buyer().create().await;
    app.stop_worker().await;
    let mut answers = Vec::new();
    for email in ["unconfirmed@example.com", confirmed.email(), "nobody@example.com"] {
        let before = jobs(&app).await;
        answers.push((resend(&app, email).await, jobs(&app).await - before));
    }
    assert!(answers.iter().all(|answer| *answer == ("{}".to_owned(), 1)), "{answers:?}");
    app.start_worker().await;
    app.mailbox("nobody@example.com").await.none();
    assert_eq!(app.mailbox(confirmed.email()).await.about("Подтвердите адрес").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn registering_leaves_as_much_to_do_for_a_known_address_as_for_a_new_one() {
    let app = TestApp::start().await;
    let known = app.buyer().create().await;
    app.post("/api/v1/auth/register", registration("unconfirmed@example.com")).await.assert_status(202);
    app.drain_jobs().await;
    app.stop_worker().await;
    let mut left = Vec::new();
    for email in [known.email(), "unconfirmed@example.com", "new@example.com"] {
        let before = jobs(&app).await;
        app.post("/api/v1/auth/register", registration(email)).await.assert_status(202);
        left.push(jobs(&app).await - before);
    }
    assert_eq!(left, [1, 1, 1]);
    app.start_worker().await;
    app.finish().await;
}

#[tokio::test]
async fn where_there_are_terms_they_must_be_accepted_and_it_is_recorded_which() {
    let app = TestApp::start_with(|trade| trade.terms_version = Some("2026-11-01".to_owned())).await;
    let register = async |accept: Option<bool>| {
        let mut body = registration("anna@example.com");
        if let Some(accept) = accept {
            body["accept_terms"] = json!(accept);
        }
        app.post("/api/v1/auth/register", body).await
    };
    for refused in [None, Some(false)] {
        register(refused).await.assert_status(422).invalid(&[("/accept_terms", "required")]);
    }
    register(Some(true)).await.assert_status(202);
    let accepted: Option<String> =
        sqlx::query_scalar("select terms_accepted from users").fetch_one(app.pool()).await.unwrap();
    assert_eq!(accepted.as_deref(), Some("2026-11-01"));
    app.finish().await;
}

#[tokio::test]
async fn without_terms_there_is_nothing_to_accept() {
    let app = TestApp::start().await;
    let mut body = registration("anna@example.com");
    body["accept_terms"] = json!(true);
    app.post("/api/v1/auth/register", body.clone()).await.assert_status(202);
    body["accept_terms"] = Value::Null;
    app.post("/api/v1/auth/register", body).await.assert_status(202);
    let accepted: Option<String> =
        sqlx::query_scalar("select terms_accepted from users").fetch_one(app.pool()).await.unwrap();
    assert_eq!(accepted, None);
    app.finish().await;
}
