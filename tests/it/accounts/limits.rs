//! How often something may be tried.

use api::limits::LimitSettings;
use reqwest::Method;
use serde_json::json;
use time::Duration;

use crate::support::{Answer, PASSWORD, TestApp, registration};

async fn start(change: impl FnOnce(&mut LimitSettings)) -> TestApp {
    TestApp::start_limited(|_, limits| change(limits)).await
}

/// Posts from this address, as a proxy in front tells it.
async fn post_from(app: &TestApp, caller: &str, path: &str, body: serde_json::Value) -> Answer {
    let request = app.client().request(Method::POST, app.url(path)).header("x-forwarded-for", caller);
    Answer::to(request.json(&body)).await
}

async fn login_from(app: &TestApp, caller: &str, email: &str, password: &str) -> Answer {
    post_from(app, caller, "/api/v1/auth/login", json!({ "email": email, "password": password })).await
}

#[track_caller]
fn assert_limited(answer: Answer, at_most_s: u64) {
    let answer = answer.assert_status(429);
    let retry_after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=at_most_s).contains(&retry_after), "{retry_after}");
    answer.problem("too_many_requests");
}

#[tokio::test]
async fn passwords_of_one_account_are_tried_only_so_often_whether_or_not_there_is_one() {
    let app = start(|limits| limits.sign_ins_per_account = "3/m".parse().unwrap()).await;
    let anna = app.buyer().create().await;
    // Signing in was the first.
    for (email, left) in [(anna.email(), 3), ("nobody@example.com", 3)] {
        for _ in 0..left {
            login_from(&app, "", email, "wrong password").await.assert_status(401);
        }
        assert_limited(login_from(&app, "", &email.to_uppercase(), "wrong password").await, 61);
    }
    app.clock().advance(Duration::seconds(61));
    login_from(&app, "", anna.email(), PASSWORD).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn strangers_cannot_lock_out_whoever_signs_in_from_where_they_always_do() {
    let app = start(|limits| {
        limits.sign_ins_per_account = "3/h".parse().unwrap();
        limits.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let anna = app.buyer().create().await;
    login_from(&app, "192.0.2.1", anna.email(), PASSWORD).await.assert_status(200);
    for number in 0..10 {
        let answer = login_from(&app, &format!("203.0.113.{number}"), anna.email(), "wrong password").await;
        assert!([401, 429].contains(&answer.status()));
    }
    assert_limited(login_from(&app, "203.0.113.77", anna.email(), PASSWORD).await, 3601);
    for _ in 0..3 {
        login_from(&app, "192.0.2.1", anna.email(), PASSWORD).await.assert_status(200);
    }
    assert_limited(login_from(&app, "192.0.2.1", anna.email(), PASSWORD).await, 3601);
    app.finish().await;
}

#[tokio::test]
async fn one_address_of_a_caller_offers_only_so_many_passwords() {
    let app = start(|limits| {
        limits.sign_ins_per_caller = "3/h".parse().unwrap();
        limits.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    for number in 0..3 {
        let email = format!("nobody-{number}@example.com");
        login_from(&app, "192.0.2.1", &email, "some password").await.assert_status(401);
    }
    assert_limited(login_from(&app, "192.0.2.1", "nobody@example.com", "some password").await, 3601);
    // Others are not concerned, and neither is anything else of this one.
    login_from(&app, "192.0.2.2", "nobody@example.com", "some password").await.assert_status(401);
    post_from(&app, "192.0.2.1", "/api/v1/auth/register", registration("a@example.com"))
        .await
        .assert_status(202);
    let catalogue = app.client().get(app.url("/api/v1/suppliers")).header("x-forwarded-for", "192.0.2.1");
    Answer::to(catalogue).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn what_a_caller_says_of_its_address_is_believed_of_trusted_proxies_only() {
    let app = start(|limits| limits.sign_ins_per_caller = "2/h".parse().unwrap()).await;
    for number in 0..2 {
        login_from(&app, &format!("192.0.2.{number}"), "a@example.com", "x").await.assert_status(401);
    }
    assert_limited(login_from(&app, "192.0.2.9", "a@example.com", "x").await, 3601);
    app.finish().await;
}

#[tokio::test]
async fn the_address_next_to_the_trusted_proxies_counts_and_not_what_stands_before() {
    let app = start(|limits| {
        limits.sign_ins_per_caller = "2/h".parse().unwrap();
        limits.trusted_proxies =
            ["127.0.0.1/32", "10.0.0.0/24"].map(|network| network.parse().unwrap()).to_vec();
    })
    .await;
    for made_up in ["198.51.100.1", "198.51.100.2"] {
        let chain = format!("{made_up}, 192.0.2.1, 10.0.0.1");
        login_from(&app, &chain, "a@example.com", "x").await.assert_status(401);
    }
    assert_limited(login_from(&app, "198.51.100.3, 192.0.2.1, 10.0.0.1", "a@example.com", "x").await, 3601);
    app.finish().await;
}

#[tokio::test]
async fn one_address_of_a_caller_registers_only_so_many() {
    let app = start(|limits| limits.registrations_per_caller = "2/h".parse().unwrap()).await;
    for number in 0..2 {
        let body = registration(&format!("anna-{number}@example.com"));
        app.post("/api/v1/auth/register", body).await.assert_status(202);
    }
    assert_limited(app.post("/api/v1/auth/register", registration("c@example.com")).await, 3601);
    app.finish().await;
}

#[tokio::test]
async fn a_mailbox_gets_only_so_many_links_by_whichever_way() {
    let app = start(|limits| limits.mails_per_account = "3/h".parse().unwrap()).await;
    for email in ["anna@example.com", "nobody@example.com"] {
        let mail = json!({ "email": email });
        app.post("/api/v1/auth/register", registration(email)).await.assert_status(202);
        app.post("/api/v1/auth/resend-confirmation", mail.clone()).await.assert_status(202);
        app.post("/api/v1/auth/password-reset", mail.clone()).await.assert_status(202);
        assert_limited(app.post("/api/v1/auth/password-reset", mail.clone()).await, 3601);
        assert_limited(app.post("/api/v1/auth/resend-confirmation", mail).await, 3601);
        assert_limited(app.post("/api/v1/auth/register", registration(email)).await, 3601);
    }
    assert_eq!(app.mailbox("anna@example.com").await.subjects().len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn one_address_of_a_caller_asks_for_only_so_many_links() {
    let app = start(|limits| limits.mails_per_caller = "2/h".parse().unwrap()).await;
    for (number, path) in ["resend-confirmation", "password-reset"].into_iter().enumerate() {
        let body = json!({ "email": format!("nobody-{number}@example.com") });
        app.post(&format!("/api/v1/auth/{path}"), body).await.assert_status(202);
    }
    let body = json!({ "email": "nobody@example.com" });
    assert_limited(app.post("/api/v1/auth/password-reset", body).await, 3601);
    app.finish().await;
}

#[tokio::test]
async fn the_present_password_can_be_guessed_only_so_often() {
    let app = start(|limits| limits.sign_ins_per_account = "2/m".parse().unwrap()).await;
    let anna = app.buyer().create().await;
    let guess = json!({ "current_password": "a guess of mine", "new_password": "совсем новый пароль" });
    for _ in 0..2 {
        anna.post("/api/v1/me/password", guess.clone()).await.assert_status(422);
    }
    assert_limited(anna.post("/api/v1/me/password", guess).await, 61);
    app.finish().await;
}

#[tokio::test]
async fn windows_that_have_ended_do_not_pile_up() {
    let app = start(|limits| limits.mails_per_account = "3/s".parse().unwrap()).await;
    for number in 0..30 {
        let body = json!({ "email": format!("nobody-{number}@example.com") });
        app.post("/api/v1/auth/password-reset", body).await.assert_status(202);
        app.clock().advance(Duration::seconds(2));
    }
    let rows: i64 = sqlx::query_scalar("select count(*) from attempts").fetch_one(app.pool()).await.unwrap();
    assert!(rows <= 3, "{rows}");
    app.finish().await;
}
