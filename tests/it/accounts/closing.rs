//! Erasing an account at its owner's wish.

use serde_json::{Value, json};

use super::{login, refresh};
use crate::support::{PASSWORD, Person, TestApp, address, price_list, registration};

const ME: &str = "/api/v1/me";

async fn with_an_order(app: &TestApp) -> (Person, Person) {
    let list = price_list(&[("1", "iPhone", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("1", 2)]).create().await;
    (supplier, buyer)
}

#[tokio::test]
async fn an_erased_account_stops_at_once_and_its_address_can_be_registered_again() {
    let app = TestApp::start().await;
    let anna = app.buyer().email("anna@example.com").create().await;
    let elsewhere = anna.refresh_token();
    anna.sign_in().await;
    anna.delete(ME).await.assert_status(204);
    anna.get(ME).await.assert_status(401).problem("unauthorized");
    anna.delete(ME).await.assert_status(401).problem("unauthorized");
    for token in [elsewhere, anna.refresh_token()] {
        refresh(&app, &token).await.assert_status(401).problem("session_ended");
    }
    login(&app, "anna@example.com", PASSWORD).await.assert_status(401).problem("invalid_credentials");
    let again = app.buyer().email("anna@example.com").create().await;
    assert_eq!(again.get("/api/v1/orders").await.json()["items"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn nothing_personal_is_left_but_what_orders_say_of_the_sale() {
    let app = TestApp::start().await;
    let (supplier, anna) = with_an_order(&app).await;
    anna.post("/api/v1/me/addresses", address()).await.assert_status(201);
    let order = json!({ "address": address(), "payment_method": "invoice" });
    // Its letter fails, with words such as mail servers say.
    app.catcher().fail_permanently(anna.email());
    anna.post_once("/api/v1/orders", "key", order).await.assert_status(201);
    app.drain_jobs().await;
    app.expect_dead_jobs(1);
    sqlx::query("update jobs set last_error = '550 5.1.1 <' || $1 || '>: user unknown' where state = 'dead'")
        .bind(anna.email())
        .execute(app.pool())
        .await
        .unwrap();
    anna.delete(ME).await.assert_status(204);
    let left: Vec<String> = sqlx::query_scalar(
        "select row(u.*)::text from users u where u.erased_at is not null
         union all select row(m.*)::text from email_messages m where m.recipient like '%@closed.invalid'
         union all select row(h.*)::text from email_message_history h join email_messages m on m.id = h.message_id
             where m.recipient like '%@closed.invalid'
         union all select row(j.*)::text from jobs j
         union all select row(a.*)::text from addresses a
         union all select row(k.*)::text from idempotency_keys k
         union all select row(s.*)::text from sessions s join users u on u.id = s.user_id and u.erased_at is not null",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    for secret in [anna.email(), "Анна", "Орлова", "Закупщик", "$argon2", "shop-12@example.com"]
    {
        assert!(!left.iter().any(|row| row.contains(secret)), "{secret}: {left:#?}");
    }
    let to_anna: i64 = sqlx::query_scalar("select count(*) from email_messages where recipient = $1")
        .bind(anna.email())
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert_eq!(to_anna, 0);
    // The sale goes on.
    let part = supplier.get("/api/v1/supplier/orders").await.json()["items"][0].clone();
    assert_eq!(part["address"]["phone"], "+7 495 123-45-67");
    assert_eq!(part["buyer"]["name"], "Сеть «Ромашка»");
    app.finish().await;
}

#[tokio::test]
async fn an_address_that_comes_while_its_organization_is_erased_is_not_kept() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let id = anna.id().await.parse().unwrap();
    let mut erasing = app.worker_db().begin().await.unwrap();
    common::accounts::erase(&mut erasing, app.clock().now(), id).await.unwrap();
    let posted = anna.post("/api/v1/me/addresses", address());
    let erased = async {
        app.eventually(|| async {
            let waiting = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' \
                           and datname = current_database() and query like '%from organizations%')";
            sqlx::query_scalar::<_, bool>(waiting).fetch_one(app.pool()).await.unwrap()
        })
        .await;
        erasing.commit().await.unwrap();
    };
    let (posted, ()) = tokio::join!(posted, erased);
    posted.assert_status(401).problem("unauthorized");
    let left: i64 = sqlx::query_scalar("select count(*) from addresses").fetch_one(app.pool()).await.unwrap();
    assert_eq!(left, 0);
    app.finish().await;
}

#[tokio::test]
async fn whoever_is_erased_gets_no_more_mail_not_even_what_was_waiting() {
    let app = TestApp::start().await;
    let (supplier, anna) = with_an_order(&app).await;
    app.stop_worker().await;
    anna.order().await.assert_status(201);
    anna.delete(ME).await.assert_status(204);
    app.start_worker().await;
    let before = app.mailbox(anna.email()).await.subjects().len();
    let part = supplier.get("/api/v1/supplier/orders").await.json()["items"][0]["id"].clone();
    let path = format!("/api/v1/supplier/orders/{}/status", part.as_str().unwrap());
    supplier.post(&path, json!({ "status": "confirmed" })).await.assert_status(200);
    let mailbox = app.mailbox(anna.email()).await;
    assert_eq!(mailbox.subjects().len(), before);
    assert!(mailbox.about("Заказ").is_empty(), "{:?}", mailbox.subjects());
    assert!(
        app.catcher().messages().iter().all(|message| !message.to.iter().any(|to| to.contains("invalid")))
    );
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_that_nobody_is_left_of_takes_no_orders() {
    let app = TestApp::start().await;
    let (supplier, anna) = with_an_order(&app).await;
    supplier.delete(ME).await.assert_status(204);
    anna.order().await.assert_status(409).problem("supplier_closed");
    app.finish().await;
}

#[tokio::test]
async fn a_buyer_without_a_company_leaves_no_name_behind() {
    let app = TestApp::start().await;
    app.post("/api/v1/auth/register", registration("anna@example.com")).await.assert_status(202);
    let token = crate::support::register_token(app.mailbox("anna@example.com").await.only());
    app.post("/api/v1/auth/confirm-email", json!({ "token": token })).await.assert_status(204);
    let tokens = login(&app, "anna@example.com", PASSWORD).await.assert_status(200).json();
    let request = app.client().delete(app.url(ME)).bearer_auth(tokens["access_token"].as_str().unwrap());
    crate::support::Answer::to(request).await.assert_status(204);
    let names: Vec<String> =
        sqlx::query_scalar("select name from organizations").fetch_all(app.pool()).await.unwrap();
    assert_eq!(names, ["—"]);
    app.finish().await;
}

#[tokio::test]
async fn the_last_of_the_staff_cannot_go() {
    let app = TestApp::start().await;
    let maria = app.staff().create().await;
    let refused = maria.delete(ME).await.assert_status(409).problem("last_staff");
    assert_ne!(refused["detail"], Value::Null);
    let olga = app.staff().create().await;
    maria.delete(ME).await.assert_status(204);
    olga.delete(ME).await.assert_status(409).problem("last_staff");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_of_the_staff_that_go_at_once_one_stays() {
    let app = TestApp::start().await;
    let (maria, olga) = (app.staff().create().await, app.staff().create().await);
    let (first, second) = tokio::join!(maria.delete(ME), olga.delete(ME));
    let mut statuses = [first.status(), second.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    app.finish().await;
}
