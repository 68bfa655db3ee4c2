//! E-mail: what is sent, and what happens when the mail server refuses.

use common::{
    ids::EmailMessageId,
    mail::{self, MessageKind},
};

use crate::support::{ADMIN, TestApp, price_list, registration};

/// Status, attempts and the last answer of the one message to a recipient.
async fn message_to(app: &TestApp, recipient: &str) -> (String, i16, Option<String>) {
    let statement = "select status, attempts, last_response from email_messages where recipient = $1";
    sqlx::query_as(statement).bind(recipient).fetch_one(app.pool()).await.unwrap()
}

async fn register(app: &TestApp, email: &str) {
    app.post("/api/v1/auth/register", registration(email)).await.assert_status(202);
}

#[tokio::test]
async fn a_message_that_the_server_puts_off_is_sent_later() {
    let app = TestApp::start().await;
    app.catcher().fail_temporarily("anna@example.com", 2);
    register(&app, "anna@example.com").await;
    app.mailbox("anna@example.com").await.only();
    let (status, attempts, _) = message_to(&app, "anna@example.com").await;
    assert_eq!((&*status, attempts), ("sent", 3));
    app.finish().await;
}

#[tokio::test]
async fn a_message_that_the_server_refuses_for_good_fails_with_its_job() {
    let app = TestApp::start().await;
    app.catcher().fail_permanently("nobody@example.com");
    register(&app, "nobody@example.com").await;
    app.mailbox("nobody@example.com").await.none();
    let (status, attempts, response) = message_to(&app, "nobody@example.com").await;
    assert_eq!((&*status, attempts), ("failed", 1));
    assert!(response.as_deref().is_some_and(|response| response.contains('5')), "{response:?}");
    app.expect_dead_jobs(1);
    app.finish().await;
}

#[tokio::test]
async fn a_message_that_is_put_off_for_ever_fails_at_its_last_attempt() {
    let app = TestApp::start().await;
    app.catcher().fail_temporarily("busy@example.com", 1_000);
    register(&app, "busy@example.com").await;
    app.mailbox("busy@example.com").await.none();
    let (status, attempts, _) = message_to(&app, "busy@example.com").await;
    assert_eq!((&*status, attempts), ("failed", 108));
    app.expect_dead_jobs(1);
    app.finish().await;
}

#[tokio::test]
async fn a_second_copy_of_a_message_is_known_by_its_message_id() {
    let app = TestApp::start().await;
    app.catcher().drop_after_data("anna@example.com", 1);
    register(&app, "anna@example.com").await;
    let mailbox = app.mailbox("anna@example.com").await;
    let copies = mailbox.about("Подтвердите адрес");
    assert_eq!(copies.len(), 2, "the server took it and did not say so");
    assert!(copies[0].message_id.is_some());
    assert_eq!(copies[0].message_id, copies[1].message_id);
    app.finish().await;
}

#[tokio::test]
async fn a_message_that_is_not_being_sent_is_not_noted_as_sent() {
    let app = TestApp::start().await;
    app.stop_worker().await;
    register(&app, "anna@example.com").await;
    let (id, now): (uuid::Uuid, _) = (
        sqlx::query_scalar("select id from email_messages").fetch_one(app.pool()).await.unwrap(),
        app.clock().now(),
    );
    // As an attempt would that outlived a database which forgot that it had begun.
    let mut tx = app.pool().begin().await.unwrap();
    assert!(!mail::mark_sent(&mut tx, now, EmailMessageId(id), "250 ok").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(message_to(&app, "anna@example.com").await.0, "queued");
    app.start_worker().await;
    app.mailbox("anna@example.com").await.only();
    app.finish().await;
}

#[tokio::test]
async fn one_recipients_trouble_does_not_delay_the_others() {
    let app = TestApp::start().await;
    app.catcher().fail_permanently(ADMIN);
    app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон", "100", 10)])).create().await;
    let buyer = app.buyer().with_basket([("A", 1)]).create().await;
    buyer.order().await.assert_status(201);
    app.mailbox(buyer.email()).await.assert_one("Заказ №");
    app.mailbox(ADMIN).await.none();
    app.expect_dead_jobs(1);
    app.finish().await;
}

#[tokio::test]
async fn everybody_is_written_to_in_their_own_language() {
    let app = TestApp::start().await;
    let list = price_list(&[("A", "Телефон", "1234.50", 10)]);
    let supplier = app.supplier("Elektron").locale("en").with_price_list(list).create().await;
    let mailbox = app.mailbox(supplier.email()).await;
    mailbox.assert_one("Confirm your e-mail address");
    mailbox.assert_one("Elektron");
    let john = app.buyer().locale("en").with_basket([("A", 1)]).create().await;
    let anna = app.buyer().locale("ru").with_basket([("A", 2)]).create().await;
    for buyer in [&john, &anna] {
        buyer.order().await.assert_status(201);
    }
    app.mailbox(john.email()).await.assert_one("received");
    app.mailbox(anna.email()).await.assert_one("принят");
    assert_eq!(app.mailbox(supplier.email()).await.about("New order").len(), 2);
    assert_eq!(app.mailbox(ADMIN).await.about("Новый заказ").len(), 2, "the installation's language");
    app.finish().await;
}

#[tokio::test]
async fn a_message_has_both_forms_and_says_from_whom_it_is() {
    let app = TestApp::start().await;
    register(&app, "anna@example.com").await;
    let mailbox = app.mailbox("anna@example.com").await;
    let message = mailbox.only();
    assert!(message.text.is_some() && message.html.as_deref().is_some_and(|html| html.contains("<p")));
    assert_eq!(message.from, "orders@postavka.test");
    assert!(message.message_id.as_deref().is_some_and(|id| id.ends_with("@postavka.test")));
    assert!(message.header("date").is_some());
    let stored: String =
        sqlx::query_scalar("select data::text from email_messages").fetch_one(app.pool()).await.unwrap();
    assert!(!stored.contains("token"), "the secret link is nowhere but in the letter: {stored}");
    app.finish().await;
}

#[tokio::test]
async fn a_long_order_makes_a_letter_that_mail_programs_show_whole() {
    const LINES: usize = 130;
    let app = TestApp::start().await;
    let skus: Vec<String> = (0..LINES).map(|number| format!("sku-{number:04}")).collect();
    let names: Vec<String> =
        (0..LINES).map(|number| format!("{} {number:04}", "Бумага ".repeat(9))).collect();
    let goods: Vec<_> =
        skus.iter().zip(&names).map(|(sku, name)| (sku.as_str(), name.as_str(), "1234567.89", 10)).collect();
    let supplier = app.supplier("Канцлер").with_price_list(price_list(&goods)).create().await;
    let buyer = app.buyer().create().await;
    for sku in &skus {
        buyer.put_into_basket(&app.offer(sku).await, 1).await.assert_status(200);
    }
    buyer.order().await.assert_status(201);
    for (owner, subject) in
        [(buyer.email(), "принят"), (supplier.email(), "Новый заказ"), (ADMIN, "Новый заказ")]
    {
        let mailbox = app.mailbox(owner).await;
        let letter = mailbox.assert_one(subject);
        let (text, html) = (letter.text.as_deref().unwrap(), letter.html.as_deref().unwrap());
        for shown in [text, html] {
            assert_eq!(shown.matches("Артикул ").count(), 100, "{owner}");
            assert!(shown.contains("и ещё 30 позиций"), "{owner}");
        }
        assert!(text.contains("Всего 130 позиций") && text.contains("160\u{a0}493\u{a0}825,70"), "{text}");
        assert!(html.len() < 102_000, "{owner}: {} bytes", html.len());
    }
    let longest: i32 = sqlx::query_scalar("select max(octet_length(data::text)) from email_messages")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert!(longest < 50_000, "{longest} bytes are kept of each letter");
    app.finish().await;
}

#[tokio::test]
async fn a_name_cannot_add_a_header_or_a_tag() {
    let app = TestApp::start().await;
    let mut body = registration("anna@example.com");
    body["first_name"] = "<img src=x>{{7}}".into();
    app.post("/api/v1/auth/register", body).await.assert_status(202);
    let mailbox = app.mailbox("anna@example.com").await;
    let message = mailbox.only();
    assert!(message.text.as_deref().is_some_and(|text| text.contains("<img src=x>{{7}}")));
    assert!(message.html.as_deref().is_some_and(|html| !html.contains("<img")), "it is escaped");
    app.finish().await;
}

#[test]
fn every_kind_of_message_has_a_name_of_its_own() {
    let mut names = MessageKind::ALL.map(MessageKind::as_str).to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), MessageKind::ALL.len());
}
