//! Losing a password, and changing it.

use serde_json::{Value, json};
use time::Duration;

use super::login;
use crate::support::{Answer, PASSWORD, Person, TestApp, link_token, registration};

const NEW: &str = "совсем новый пароль";

async fn ask(app: &TestApp, email: &str) -> Answer {
    app.post("/api/v1/auth/password-reset", json!({ "email": email })).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    app.post("/api/v1/auth/password-reset/confirm", body).await
}

/// Asks for a link, and returns the token of the newest one.
async fn token(app: &TestApp, email: &str) -> String {
    ask(app, email).await.assert_status(202);
    let mailbox = app.mailbox(email).await;
    link_token(mailbox.about("Новый пароль").pop().unwrap(), "/reset-password")
}

async fn change(person: &Person, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    person.post("/api/v1/me/password", body).await
}

#[tokio::test]
async fn a_link_sets_a_new_password_once_and_ends_every_session_at_once() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let token = token(&app, anna.email()).await;
    reset(&app, &token, NEW).await.assert_status(204);
    anna.get("/api/v1/me").await.assert_status(401).problem("unauthorized");
    let refreshed = app.post("/api/v1/auth/refresh", json!({ "refresh_token": anna.refresh_token() })).await;
    refreshed.assert_status(401).problem("session_ended");
    login(&app, anna.email(), PASSWORD).await.assert_status(401).problem("invalid_credentials");
    login(&app, anna.email(), NEW).await.assert_status(200);
    reset(&app, &token, PASSWORD).await.assert_status(422).problem("token_invalid");
    login(&app, anna.email(), NEW).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn opening_the_page_of_the_link_uses_up_nothing() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let token = token(&app, anna.email()).await;
    for _ in 0..2 {
        let page = app.get(&format!("/reset-password?token={token}")).await.assert_status(200);
        assert!(page.header("content-type").unwrap().starts_with("text/html"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(
            page.text().contains("/api/v1/auth/password-reset/confirm") && page.text().contains("<button")
        );
    }
    let english = app.get("/reset-password?token=x&locale=en").await.assert_status(200);
    assert!(english.text().contains("Choose a new password"));
    login(&app, anna.email(), PASSWORD).await.assert_status(200);
    reset(&app, &token, NEW).await.assert_status(204);
    app.finish().await;
}

#[tokio::test]
async fn a_link_is_good_for_an_hour_and_until_another_is_used() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let (first, second) = (token(&app, anna.email()).await, token(&app, anna.email()).await);
    reset(&app, &second, NEW).await.assert_status(204);
    reset(&app, &first, PASSWORD).await.assert_status(422).problem("token_invalid");
    let late = token(&app, anna.email()).await;
    app.clock().advance(Duration::hours(1));
    reset(&app, &late, PASSWORD).await.assert_status(422).problem("token_invalid");
    app.finish().await;
}

#[tokio::test]
async fn a_password_that_will_not_do_leaves_the_link_as_it_is() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let token = token(&app, anna.email()).await;
    reset(&app, &token, "short").await.invalid(&[("/password", "too_short")]);
    reset(&app, &token, "Password1").await.invalid(&[("/password", "too_common")]);
    reset(&app, "made-up", NEW).await.assert_status(422).problem("token_invalid");
    reset(&app, &token, NEW).await.assert_status(204);
    app.finish().await;
}

#[tokio::test]
async fn a_link_that_confirms_an_address_resets_nothing_and_the_other_way_round() {
    let app = TestApp::start().await;
    app.post("/api/v1/auth/register", registration("anna@example.com")).await.assert_status(202);
    let confirming = link_token(app.mailbox("anna@example.com").await.only(), "/confirm-email");
    reset(&app, &confirming, NEW).await.assert_status(422).problem("token_invalid");
    app.post("/api/v1/auth/confirm-email", json!({ "token": confirming })).await.assert_status(204);
    let resetting = token(&app, "anna@example.com").await;
    app.post("/api/v1/auth/confirm-email", json!({ "token": resetting })).await.problem("token_invalid");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_uses_of_a_link_at_once_exactly_one_counts() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let token = token(&app, anna.email()).await;
    let passwords: Vec<String> = (0..6).map(|number| format!("новый пароль {number}")).collect();
    let answers =
        futures_util::future::join_all(passwords.iter().map(|password| reset(&app, &token, password))).await;
    let statuses: Vec<u16> = answers.iter().map(Answer::status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 5, "{statuses:?}");
    let winner = statuses.iter().position(|status| *status == 204).unwrap();
    login(&app, anna.email(), &passwords[winner]).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn asking_tells_nobody_whether_there_is_an_account() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    app.stop_worker().await;
    let mut answers = Vec::new();
    let mut jobs = Vec::new();
    for email in [anna.email(), "nobody@example.com"] {
        let before = jobs_of(&app).await;
        answers.push(ask(&app, email).await.assert_status(202).text().to_owned());
        jobs.push(jobs_of(&app).await - before);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(jobs, [1, 1], "as much is left to do for either");
    app.start_worker().await;
    app.mailbox("nobody@example.com").await.none();
    app.mailbox(anna.email()).await.assert_one("Новый пароль");
    ask(&app, "no address").await.invalid(&[("/email", "invalid_email")]);
    app.finish().await;
}

async fn jobs_of(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from jobs").fetch_one(app.pool()).await.unwrap()
}

#[tokio::test]
async fn whoever_has_not_confirmed_is_sent_the_link_that_confirms() {
    let app = TestApp::start().await;
    app.post("/api/v1/auth/register", registration("anna@example.com")).await.assert_status(202);
    app.drain_jobs().await;
    ask(&app, "anna@example.com").await.assert_status(202);
    let mailbox = app.mailbox("anna@example.com").await;
    assert_eq!(mailbox.about("Подтвердите адрес").len(), 2);
    assert!(mailbox.about("Новый пароль").is_empty());
    app.finish().await;
}

#[tokio::test]
async fn changing_the_password_ends_the_other_sessions_and_not_this_one() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let elsewhere = anna.access_token();
    anna.sign_in().await;
    let link = token(&app, anna.email()).await;
    change(&anna, PASSWORD, NEW).await.assert_status(204);
    anna.get("/api/v1/me").await.assert_status(200);
    let other = app.client().get(app.url("/api/v1/me")).bearer_auth(elsewhere);
    Answer::to(other).await.assert_status(401).problem("unauthorized");
    login(&app, anna.email(), PASSWORD).await.assert_status(401);
    login(&app, anna.email(), NEW).await.assert_status(200);
    reset(&app, &link, PASSWORD).await.assert_status(422).problem("token_invalid");
    app.finish().await;
}

#[tokio::test]
async fn the_present_password_must_be_right_and_the_new_one_must_do() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    change(&anna, "not mine at all", NEW).await.invalid(&[("/current_password", "wrong")]);
    change(&anna, PASSWORD, "1234567").await.invalid(&[("/new_password", "too_short")]);
    let nobody = app.post("/api/v1/me/password", json!({})).await;
    nobody.assert_status(401).problem("unauthorized");
    let missing = anna.post("/api/v1/me/password", Value::Object(Default::default())).await;
    missing.invalid(&[("/current_password", "required"), ("/new_password", "required")]);
    login(&app, anna.email(), PASSWORD).await.assert_status(200);
    app.finish().await;
}
