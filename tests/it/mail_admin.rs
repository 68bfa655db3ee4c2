//! E-mail as staff sees it: how messages read, what became of each, and sending one again.

use common::{
    locale::Locale,
    mail::{MessageKind, Templates},
};
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, registration};

async fn register(app: &TestApp, email: &str) {
    app.post("/api/v1/auth/register", registration(email)).await.assert_status(202);
}

/// The one message to a recipient, as staff sees it, with its story.
async fn message_to(staff: &Person, recipient: &str) -> Value {
    let list = staff.get(&format!("/api/v1/admin/messages?recipient={recipient}")).await.assert_status(200);
    let list = list.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{list}");
    let path = format!("/api/v1/admin/messages/{}", items[0]["id"].as_str().unwrap());
    staff.get(&path).await.assert_status(200).json()
}

fn steps(message: &Value) -> Vec<&str> {
    let history = message["history"].as_array().unwrap();
    history.iter().map(|step| step["status"].as_str().unwrap()).collect()
}

async fn resend(person: &Person, message: &Value) -> Answer {
    let path = format!("/api/v1/admin/messages/{}/resend", message["id"].as_str().unwrap());
    person.post(&path, json!({})).await
}

#[tokio::test]
async fn every_kind_can_be_looked_at_in_each_language_and_form() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let kinds = staff.get("/api/v1/admin/emails").await.assert_status(200).json();
    let kinds = kinds["items"].as_array().unwrap();
    assert_eq!(kinds.len(), MessageKind::ALL.len());
    let templates = Templates::load().unwrap();
    for (item, kind) in kinds.iter().zip(MessageKind::ALL) {
        assert_eq!(item["kind"], kind.as_str());
        for locale in Locale::ALL {
            let read = templates.render(kind, locale, &Templates::sample(kind).unwrap()).unwrap();
            assert_eq!(item["subjects"][locale.as_str()], read.subject.as_str());
            let preview = item["preview"].as_str().unwrap();
            for (format, content_type, expected) in [
                ("html", "text/html; charset=utf-8", read.html),
                ("text", "text/plain; charset=utf-8", read.text),
                ("subject", "text/plain; charset=utf-8", read.subject),
            ] {
                let path = format!("{preview}?locale={locale}&format={format}");
                let page = staff.get(&path).await.assert_status(200);
                assert_eq!(page.text(), expected, "{path}");
                assert_eq!(page.header("content-type"), Some(content_type), "{path}");
                let policy = page.header("content-security-policy").unwrap();
                for rule in ["default-src 'none'", "frame-ancestors 'none'", "sandbox"] {
                    assert!(policy.contains(rule), "{path}: {policy}");
                }
            }
        }
    }
    let usual = staff.get("/api/v1/admin/emails/order_placed").await.assert_status(200);
    assert!(usual.text().contains("<html lang=\"ru\""), "the installation's language, as HTML");
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_refused() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    staff.get("/api/v1/admin/emails/no_such").await.assert_status(404).problem("not_found");
    staff.get("/api/v1/admin/emails/_layout").await.assert_status(404).problem("not_found");
    for odd in ["%FF", "%00", "order_placed%2F..", "%D0%BF"] {
        staff.get(&format!("/api/v1/admin/emails/{odd}")).await.assert_status(404).problem("not_found");
    }
    let refused = staff.get("/api/v1/admin/emails/order_placed?locale=de&format=pdf&x=1").await;
    refused.invalid(&[("locale", "unknown_word"), ("format", "unknown_word"), ("x", "unknown_parameter")]);
    let refused = staff.get("/api/v1/admin/messages?status=lost&kind=x&recipient=nobody").await;
    refused.assert_status(422).problem("validation_failed");
    let nobody = "/api/v1/admin/messages/0199a9a0-0000-7000-8000-00000000cafe";
    staff.get(nobody).await.assert_status(404).problem("not_found");
    staff.post(&format!("{nobody}/resend"), json!({})).await.assert_status(404).problem("not_found");
    app.finish().await;
}

#[tokio::test]
async fn messages_that_failed_are_sent_again_together() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let people = ["anna@example.com", "boris@example.com", "vera@example.com"];
    for email in people {
        app.catcher().fail_permanently(email);
        register(&app, email).await;
    }
    app.drain_jobs().await;
    app.expect_dead_jobs(3);
    app.catcher().clear_faults();
    let again = async |query: &str| -> Value {
        let path = format!("/api/v1/admin/messages/resend{query}");
        staff.post(&path, json!({})).await.assert_status(202).json()
    };
    assert_eq!(again("?kind=reset_password").await, json!({ "messages": 0 }));
    assert_eq!(again("?recipient=ANNA@example.com").await, json!({ "messages": 1 }));
    assert_eq!(again("").await, json!({ "messages": 2 }), "those that failed, and no other");
    for email in people {
        app.mailbox(email).await.assert_one("Подтвердите адрес");
        let message = message_to(&staff, email).await;
        assert_eq!(steps(&message), ["queued", "sending", "failed", "queued", "sending", "sent"]);
    }
    assert_eq!(again("").await, json!({ "messages": 0 }));
    let log = staff.get("/api/v1/admin/audit-log?action=resend_message").await.json();
    assert_eq!(log["items"].as_array().unwrap().len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn messages_are_for_staff_only() {
    let app = TestApp::start().await;
    let (buyer, supplier) = (app.buyer().create().await, app.supplier("Электрон").create().await);
    let staff = app.staff().create().await;
    let message = message_to(&staff, buyer.email()).await;
    let id = message["id"].as_str().unwrap();
    for path in [
        "/api/v1/admin/emails".to_owned(),
        "/api/v1/admin/emails/order_placed".to_owned(),
        "/api/v1/admin/messages".to_owned(),
        format!("/api/v1/admin/messages/{id}"),
    ] {
        app.get(&path).await.assert_status(401).problem("unauthorized");
        for person in [&buyer, &supplier] {
            person.get(&path).await.assert_status(403).problem("forbidden");
        }
    }
    resend(&buyer, &message).await.assert_status(403).problem("forbidden");
    app.finish().await;
}

#[tokio::test]
async fn a_message_tells_its_story() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    app.catcher().fail_temporarily("anna@example.com", 2);
    register(&app, "anna@example.com").await;
    app.drain_jobs().await;
    let message = message_to(&staff, "anna@example.com").await;
    assert_eq!(steps(&message), ["queued", "sending", "queued", "sending", "queued", "sending", "sent"]);
    assert_eq!(
        (&message["status"], &message["attempts"], &message["copy"]),
        (&json!("sent"), &json!(3), &json!(1))
    );
    let history = message["history"].as_array().unwrap();
    assert_eq!(history[0]["response"], Value::Null);
    assert!(history[2]["response"].as_str().is_some_and(|words| words.contains('4')), "{message}");
    assert!(history[6]["response"].as_str().is_some_and(|words| words.starts_with("250")), "{message}");
    assert_eq!(message["last_response"], history[6]["response"]);
    let text = message.to_string();
    assert!(!text.contains("token") && !text.contains("confirm_url"), "no secret is in it: {text}");
    app.finish().await;
}

#[tokio::test]
async fn a_message_that_failed_is_sent_again_under_its_message_id() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    app.catcher().fail_permanently("anna@example.com");
    register(&app, "anna@example.com").await;
    app.drain_jobs().await;
    app.expect_dead_jobs(1);
    let message = message_to(&staff, "anna@example.com").await;
    assert_eq!(steps(&message), ["queued", "sending", "failed"]);
    app.catcher().clear_faults();
    let accepted = resend(&staff, &message).await.assert_status(202);
    let location = accepted.header("location").unwrap().to_owned();
    let mailbox = app.mailbox("anna@example.com").await;
    let received = mailbox.only().message_id.clone().unwrap();
    assert!(received.contains(&format!("{}@", message["id"].as_str().unwrap())), "{received}");
    let message = staff.get(&location).await.assert_status(200).json();
    assert_eq!(steps(&message), ["queued", "sending", "failed", "queued", "sending", "sent"]);
    assert_eq!(message["history"][3]["by"].as_str().map(str::len), Some(36), "somebody did it: {message}");
    assert_eq!(message["copy"], 1);
    let log = staff.get("/api/v1/admin/audit-log?action=resend_message").await.assert_status(200).json();
    assert_eq!(log["items"][0]["subject"]["id"], message["id"], "{log}");
    assert!(!log.to_string().contains("anna@example.com"), "{log}");
    app.finish().await;
}

#[tokio::test]
async fn a_message_that_was_sent_is_sent_again_as_a_new_copy_with_a_link_that_works() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    register(&app, "anna@example.com").await;
    let first = app.mailbox("anna@example.com").await.only().clone();
    let message = message_to(&staff, "anna@example.com").await;
    resend(&staff, &message).await.assert_status(202);
    let mailbox = app.mailbox("anna@example.com").await;
    let copies = mailbox.about(&first.subject);
    assert_eq!(copies.len(), 2);
    assert_ne!(copies[0].message_id, copies[1].message_id, "a mail program would hide the second");
    let links: Vec<_> = copies.iter().map(|copy| copy.text.clone()).collect();
    assert_ne!(links[0], links[1], "each letter has a link of its own");
    let message = message_to(&staff, "anna@example.com").await;
    assert_eq!(message["copy"], 2);
    assert_eq!(steps(&message), ["queued", "sending", "sent", "queued", "sending", "sent"]);
    app.finish().await;
}

#[tokio::test]
async fn a_message_on_its_way_is_not_sent_twice() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    app.stop_worker().await;
    register(&app, "anna@example.com").await;
    let message = message_to(&staff, "anna@example.com").await;
    resend(&staff, &message).await.assert_status(409).problem("message_under_way");
    app.start_worker().await;
    app.drain_jobs().await;
    app.stop_worker().await;
    let message = message_to(&staff, "anna@example.com").await;
    let (one, other) = tokio::join!(resend(&staff, &message), resend(&staff, &message));
    let mut statuses = [one.status(), other.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409], "two of the staff press the button at once");
    app.start_worker().await;
    assert_eq!(app.mailbox("anna@example.com").await.about("Подтвердите").len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn the_outbox_is_listed_newest_first_and_filtered() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    app.catcher().fail_permanently("bob@example.com");
    for email in ["anna@example.com", "bob@example.com", "carl@example.com"] {
        register(&app, email).await;
        app.drain_jobs().await;
    }
    app.expect_dead_jobs(1);
    let recipients = async |query: &str| {
        let list = staff.get(&format!("/api/v1/admin/messages{query}")).await.assert_status(200).json();
        let recipient = |item: &Value| item["recipient"].as_str().unwrap().to_owned();
        let found: Vec<_> = list["items"].as_array().unwrap().iter().map(recipient).collect();
        (found, list["next_cursor"].as_str().map(str::to_owned))
    };
    let (found, cursor) = recipients("?kind=confirm_registration&limit=2").await;
    assert_eq!(found, ["carl@example.com", "bob@example.com"]);
    let (found, cursor) =
        recipients(&format!("?kind=confirm_registration&limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!((found, cursor), (vec!["anna@example.com".to_owned()], None));
    assert_eq!(recipients("?status=failed").await.0, ["bob@example.com"]);
    assert_eq!(recipients("?recipient=Anna@Example.com&status=sent").await.0, ["anna@example.com"]);
    assert!(recipients("?recipient=anna@example.com&kind=order_placed").await.0.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_letter_names_the_request_that_caused_it() {
    let app = TestApp::start().await;
    let ask = async |email: &str, id: &str| {
        let request = app.client().post(app.url("/api/v1/auth/register")).header("x-request-id", id);
        Answer::to(request.json(&registration(email))).await.assert_status(202);
    };
    ask("anna@example.com", "order-17/a").await;
    let mailbox = app.mailbox("anna@example.com").await;
    let letter = mailbox.only();
    assert_eq!(letter.header("x-request-id"), Some("order-17/a"));
    assert_eq!(letter.header("auto-submitted"), Some("auto-generated"));
    assert_eq!(letter.header("list-unsubscribe"), None, "nobody unsubscribes from their own orders");
    let longest = format!("{}{}", "x:".repeat(45), "\r\nBcc:".escape_debug());
    ask("bob@example.com", &longest).await;
    let mailbox = app.mailbox("bob@example.com").await;
    assert_eq!(mailbox.only().header("x-request-id"), Some(longest.as_str()));
    assert_eq!(mailbox.only().header("bcc"), None);
    app.finish().await;
}

#[tokio::test]
async fn the_checker_finds_a_story_that_does_not_lead_to_where_its_message_stands() {
    let app = TestApp::start().await;
    register(&app, "anna@example.com").await;
    app.drain_jobs().await;
    for (harm, found, remedy) in [
        (
            "update email_messages set status = 'failed'",
            "its status is failed after 3 entries; its history has 3, and ends with sent",
            "update email_messages set status = 'sent'",
        ),
        (
            "update email_message_history set status = 'failed' where position = 2",
            "its history goes from failed to sent; that move is not legal",
            "update email_message_history set status = 'sending' where position = 2",
        ),
        (
            "update email_message_history set position = 7 where position = 3",
            "its history has entry 7 in place 3",
            "update email_message_history set position = 3 where position = 7",
        ),
    ] {
        sqlx::query(harm).execute(app.pool()).await.unwrap();
        let mut tx = app.pool().begin().await.unwrap();
        let report = common::checks::run(&mut tx).await.unwrap().to_string();
        assert!(report.contains(found), "{report}");
        drop(tx);
        sqlx::query(remedy).execute(app.pool()).await.unwrap();
    }
    app.finish().await;
}
