//! Registering, confirming, signing in and out.

mod closing;
mod limits;
mod passwords;
mod profile;
mod resending;
mod sessions;

use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, PASSWORD, TestApp, register_token, registration};

async fn register(app: &TestApp, body: Value) -> Answer {
    app.post("/api/v1/auth/register", body).await
}

async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/api/v1/auth/login", json!({ "email": email, "password": password })).await
}

async fn confirm(app: &TestApp, token: &str) -> Answer {
    app.post("/api/v1/auth/confirm-email", json!({ "token": token })).await
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.post("/api/v1/auth/refresh", json!({ "refresh_token": token })).await
}

#[tokio::test]
async fn names_as_long_as_they_may_be_found_an_organization_of_a_long_name() {
    let app = TestApp::start().await;
    let mut body = registration("anna@example.com");
    (body["first_name"], body["last_name"]) = (json!("А".repeat(100)), json!("Б".repeat(100)));
    app.post("/api/v1/auth/register", body.clone()).await.assert_status(202);
    let token = register_token(app.mailbox("anna@example.com").await.only());
    app.post("/api/v1/auth/confirm-email", json!({ "token": token })).await.assert_status(204);
    // The same answer to whoever asks whether the address is known.
    app.post("/api/v1/auth/register", body).await.assert_status(202);
    app.finish().await;
}

#[tokio::test]
async fn a_known_address_gets_the_same_answer_and_its_owner_a_note() {
    let app = TestApp::start().await;
    let anna = app.buyer().email("anna@example.com").create().await;
    let fresh = register(&app, registration("boris@example.com")).await.assert_status(202);
    let known = register(&app, registration("Anna@Example.com")).await.assert_status(202);
    assert_eq!(fresh.text(), known.text());
    let mailbox = app.mailbox(anna.email()).await;
    mailbox.assert_one("Вы уже зарегистрированы");
    mailbox.assert_one("Подтвердите адрес");
    login(&app, anna.email(), PASSWORD).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn an_unconfirmed_address_registers_afresh_with_the_new_password() {
    let app = TestApp::start().await;
    register(&app, registration("anna@example.com")).await.assert_status(202);
    let first = register_token(app.mailbox("anna@example.com").await.only());
    let mut again = registration("anna@example.com");
    again["password"] = json!("совсем другой пароль");
    register(&app, again).await.assert_status(202);
    let mailbox = app.mailbox("anna@example.com").await;
    let second = register_token(mailbox.about("Подтвердите адрес")[1]);
    confirm(&app, &first).await.assert_status(422).problem("token_invalid");
    confirm(&app, &second).await.assert_status(204);
    login(&app, "anna@example.com", PASSWORD).await.assert_status(401).problem("invalid_credentials");
    login(&app, "anna@example.com", "совсем другой пароль").await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn a_registration_that_is_repeated_before_its_mail_left_mails_only_the_last_link() {
    let app = TestApp::start().await;
    app.stop_worker().await;
    for _ in 0..3 {
        register(&app, registration("anna@example.com")).await.assert_status(202);
    }
    app.start_worker().await;
    let token = register_token(app.mailbox("anna@example.com").await.only());
    confirm(&app, &token).await.assert_status(204);
    app.finish().await;
}

#[tokio::test]
async fn a_confirmation_link_works_once_and_for_three_days() {
    let app = TestApp::start().await;
    register(&app, registration("anna@example.com")).await.assert_status(202);
    let token = register_token(app.mailbox("anna@example.com").await.only());
    confirm(&app, &token).await.assert_status(204);
    confirm(&app, &token).await.assert_status(422).problem("token_invalid");
    confirm(&app, "made-up").await.assert_status(422).problem("token_invalid");

    register(&app, registration("late@example.com")).await.assert_status(202);
    let token = register_token(app.mailbox("late@example.com").await.only());
    app.clock().advance(Duration::days(3) + Duration::seconds(1));
    confirm(&app, &token).await.assert_status(422).problem("token_invalid");
    login(&app, "late@example.com", PASSWORD).await.assert_status(403).problem("email_not_confirmed");
    app.finish().await;
}

#[tokio::test]
async fn opening_the_confirmation_page_uses_up_nothing() {
    let app = TestApp::start().await;
    register(&app, registration("anna@example.com")).await.assert_status(202);
    let token = register_token(app.mailbox("anna@example.com").await.only());
    for _ in 0..2 {
        let page = app.get(&format!("/confirm-email?token={token}")).await.assert_status(200);
        assert!(page.header("content-type").unwrap().starts_with("text/html"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    }
    let page = app.get("/confirm-email?token=x&locale=en").await.assert_status(200);
    assert!(page.text().contains("data-action=\"/api/v1/auth/confirm-email\""), "{}", page.text());
    app.get("/token-form.js").await.assert_status(200);
    login(&app, "anna@example.com", PASSWORD).await.assert_status(403);
    confirm(&app, &token).await.assert_status(204);
    app.finish().await;
}

#[tokio::test]
async fn signing_in_tells_a_wrong_password_from_nothing_else() {
    let app = TestApp::start().await;
    register(&app, registration("anna@example.com")).await.assert_status(202);
    login(&app, "anna@example.com", PASSWORD).await.assert_status(403).problem("email_not_confirmed");
    let mut answers = Vec::new();
    for email in ["anna@example.com", "nobody@example.com", "no address at all"] {
        let refused = login(&app, email, "неверный пароль").await.assert_status(401);
        let mut problem = refused.problem("invalid_credentials");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        problem["request_id"] = Value::Null;
        answers.push(problem);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    app.finish().await;
}

#[tokio::test]
async fn the_address_is_the_same_account_in_whatever_case_it_is_typed() {
    let app = TestApp::start().await;
    let anna = app.buyer().email("Anna@Example.com").create().await;
    login(&app, "aNNA@eXAMPLE.COM", PASSWORD).await.assert_status(200);
    assert_eq!(anna.get("/api/v1/me").await.assert_status(200).json()["email"], "Anna@Example.com");
    app.finish().await;
}

#[tokio::test]
async fn a_profile_shows_what_was_registered() {
    let app = TestApp::start().await;
    let buyer = app.buyer().locale("en").create().await;
    let profile = buyer.get("/api/v1/me").await.assert_status(200).json();
    for (member, value) in [
        ("email", buyer.email()),
        ("first_name", "Анна"),
        ("last_name", "Орлова"),
        ("company", "Сеть «Ромашка»"),
        ("position", "Закупщик"),
        ("role", "buyer"),
        ("locale", "en"),
    ] {
        assert_eq!(profile[member], value, "{member}");
    }
    let supplier = app.supplier("Электрон").create().await;
    assert_eq!(supplier.get("/api/v1/me").await.json()["role"], "supplier");
    assert_eq!(supplier.get("/api/v1/supplier").await.json()["name"], "Электрон");
    app.finish().await;
}

#[tokio::test]
async fn an_access_token_is_good_for_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    app.clock().advance(Duration::minutes(14));
    anna.get("/api/v1/me").await.assert_status(200);
    app.clock().advance(Duration::minutes(1));
    anna.get("/api/v1/me").await.assert_status(401).problem("unauthorized");
    app.finish().await;
}

#[tokio::test]
async fn a_refresh_token_works_once_and_is_followed_by_the_next() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let first = anna.refresh_token();
    let tokens = refresh(&app, &first).await.assert_status(200).json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
    let second = tokens["refresh_token"].as_str().unwrap();
    assert_ne!(first, second);
    let third = refresh(&app, second).await.assert_status(200).json()["refresh_token"].clone();
    let request =
        app.client().get(app.url("/api/v1/me")).bearer_auth(tokens["access_token"].as_str().unwrap());
    Answer::to(request).await.assert_status(200);
    app.clock().advance(Duration::days(31));
    refresh(&app, third.as_str().unwrap()).await.assert_status(401).problem("session_ended");
    app.finish().await;
}

#[tokio::test]
async fn a_refresh_token_sent_twice_at_once_is_refused_and_no_more() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let first = anna.refresh_token();
    let second = refresh(&app, &first).await.assert_status(200).json()["refresh_token"].clone();
    app.clock().advance(Duration::seconds(5));
    refresh(&app, &first).await.assert_status(401).problem("session_ended");
    refresh(&app, second.as_str().unwrap()).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn a_refresh_token_used_again_later_ends_the_session() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let first = anna.refresh_token();
    let second = refresh(&app, &first).await.assert_status(200).json()["refresh_token"].clone();
    app.clock().advance(Duration::seconds(11));
    refresh(&app, &first).await.assert_status(401).problem("session_ended");
    refresh(&app, second.as_str().unwrap()).await.assert_status(401).problem("session_ended");
    // Another device is another session.
    anna.sign_in().await;
    refresh(&app, &anna.refresh_token()).await.assert_status(200);
    app.finish().await;
}

#[tokio::test]
async fn of_many_refreshes_at_once_exactly_one_gets_through() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let token = anna.refresh_token();
    let answers = futures_util::future::join_all((0..10).map(|_| refresh(&app, &token))).await;
    let good = answers.iter().filter(|answer| answer.status() == 200).count();
    let refused = answers.iter().filter(|answer| answer.status() == 401).count();
    assert_eq!((good, refused), (1, 9));
    app.finish().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_and_says_nothing_of_unknown_tokens() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let token = anna.refresh_token();
    for token in [&token, &token, "made-up"] {
        app.post("/api/v1/auth/logout", json!({ "refresh_token": token })).await.assert_status(204);
    }
    refresh(&app, &token).await.assert_status(401).problem("session_ended");
    app.finish().await;
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_registration_is_said_at_once() {
    let app = TestApp::start().await;
    let wrong = json!({
        "email": "anna@localhost",
        "password": "qwerty",
        "first_name": "  ",
        "last_name": "x".repeat(101),
        "company": "a\u{1}b",
        "position": "",
        "account_type": "admin",
        "locale": "de",
    });
    register(&app, wrong).await.assert_status(422).invalid(&[
        ("/email", "invalid_email"),
        ("/password", "too_short"),
        ("/first_name", "required"),
        ("/last_name", "too_long"),
        ("/company", "control_characters"),
        ("/position", "required"),
        ("/account_type", "unknown_word"),
        ("/locale", "unknown_word"),
    ]);
    assert!(app.catcher().messages().is_empty(), "nobody is mailed");
    app.finish().await;
}

#[tokio::test]
async fn a_password_is_neither_short_nor_long_nor_one_that_everybody_has() {
    let app = TestApp::start().await;
    let long = "д".repeat(129);
    for (password, code) in [("1234567", "too_short"), (&*long, "too_long"), ("Password1", "too_common")] {
        let mut body = registration("anna@example.com");
        body["password"] = json!(password);
        register(&app, body).await.assert_status(422).invalid(&[("/password", code)]);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_needs_a_name_and_a_buyer_has_none() {
    let app = TestApp::start().await;
    let mut nameless = registration("a@example.com");
    nameless["account_type"] = json!("supplier");
    register(&app, nameless).await.assert_status(422).invalid(&[("/supplier_name", "required")]);
    let mut named = registration("b@example.com");
    named["supplier_name"] = json!("Электрон");
    register(&app, named).await.assert_status(422).invalid(&[("/supplier_name", "not_applicable")]);
    app.finish().await;
}

#[tokio::test]
async fn an_empty_object_is_told_every_missing_field() {
    let app = TestApp::start().await;
    register(&app, json!({})).await.assert_status(422).invalid(&[
        ("/email", "required"),
        ("/password", "required"),
        ("/first_name", "required"),
        ("/last_name", "required"),
        ("/account_type", "required"),
    ]);
    app.finish().await;
}

#[tokio::test]
async fn unknown_and_mistyped_fields_are_refused_by_name() {
    let app = TestApp::start().await;
    let mut body = registration("anna@example.com");
    body["is_admin"] = json!(true);
    body["first_name"] = json!(7);
    register(&app, body)
        .await
        .assert_status(422)
        .invalid(&[("/is_admin", "unknown_field"), ("/first_name", "wrong_type")]);
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_for_what_is_wrong_with_it() {
    let app = TestApp::start().await;
    let send = |content_type: &str, body: Vec<u8>| {
        let request = app.client().post(app.url("/api/v1/auth/login")).header("content-type", content_type);
        Answer::to(request.body(body))
    };
    for malformed in [&b"{"[..], b"", b"\xff\xfe", br#"{"email": }"#] {
        send("application/json", malformed.to_vec()).await.assert_status(400).problem("malformed_json");
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let refused = send(content_type, b"{}".to_vec()).await.assert_status(415);
        refused.problem("unsupported_media_type");
    }
    let large = format!(r#"{{"email": "{}"}}"#, "x".repeat(1 << 20));
    send("application/json", large.into_bytes()).await.assert_status(413).problem("payload_too_large");
    let charset = br#"{"email": "a@example.com", "password": "x"}"#.to_vec();
    send("application/json; charset=utf-8", charset).await.assert_status(401);
    let twice = br#"{"email": "a@example.com", "email": "b@example.com", "password": "x"}"#.to_vec();
    send("application/json", twice).await.assert_status(422).problem("validation_failed");
    let nul = br#"{"email": "a\u0000@example.com", "password": "x"}"#.to_vec();
    send("application/json", nul).await.assert_status(422).problem("validation_failed");
    for not_an_object in ["[]", "null", "7", "\"text\""] {
        let refused = send("application/json", not_an_object.into()).await.assert_status(422);
        refused.problem("validation_failed");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_of_one_address_at_once_leave_one_account() {
    let app = TestApp::start().await;
    let answers =
        futures_util::future::join_all((0..6).map(|_| register(&app, registration("anna@example.com"))))
            .await;
    assert!(answers.iter().all(|answer| answer.status() == 202));
    let mailbox = app.mailbox("anna@example.com").await;
    let mut confirmed = 0;
    for message in mailbox.about("Подтвердите адрес") {
        confirmed += usize::from(confirm(&app, &register_token(message)).await.status() == 204);
    }
    assert_eq!(confirmed, 1, "the links of those that were replaced are dead");
    login(&app, "anna@example.com", PASSWORD).await.assert_status(200);
    let left: (i64, i64) =
        sqlx::query_as("select (select count(*) from users), (select count(*) from organizations)")
            .fetch_one(app.pool())
            .await
            .unwrap();
    assert_eq!(left, (1, 1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_followed_many_times_at_once_confirms_once() {
    let app = TestApp::start().await;
    register(&app, registration("anna@example.com")).await.assert_status(202);
    let token = register_token(app.mailbox("anna@example.com").await.only());
    let answers = futures_util::future::join_all((0..6).map(|_| confirm(&app, &token))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 204).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status() == 422).count(), 5);
    app.finish().await;
}
