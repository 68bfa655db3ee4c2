//! Finding people, closing their accounts and opening them again.

use common::ids::UserId;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Person, TestApp, price_list, registration};

const USERS: &str = "/api/v1/admin/users";

async fn set_active(staff: &Person, id: &str, active: bool) -> Answer {
    staff.patch(&format!("{USERS}/{id}"), json!({ "active": active })).await
}

async fn actions(staff: &Person, subject: &str) -> Vec<Value> {
    let log =
        staff.get(&format!("/api/v1/admin/audit-log?subject_id={subject}")).await.assert_status(200).json();
    log["items"].as_array().unwrap().iter().map(|record| record["action"].clone()).collect()
}

#[tokio::test]
async fn a_closed_account_stops_at_once_and_goes_on_when_it_is_opened_again() {
    let app = TestApp::start().await;
    let (staff, anna) = (app.staff().create().await, app.buyer().create().await);
    let id = anna.id().await;
    let closed = set_active(&staff, &id, false).await.assert_status(200).json();
    assert_eq!((&closed["active"], &closed["email"]), (&json!(false), &json!(anna.email())));
    anna.get("/api/v1/me").await.assert_status(401).problem("unauthorized");
    let login = json!({ "email": anna.email(), "password": PASSWORD });
    app.post("/api/v1/auth/login", login.clone()).await.assert_status(401).problem("invalid_credentials");
    let refresh = json!({ "refresh_token": anna.refresh_token() });
    app.post("/api/v1/auth/refresh", refresh.clone()).await.assert_status(401).problem("session_ended");
    set_active(&staff, &id, true).await.assert_status(200);
    anna.get("/api/v1/me").await.assert_status(401);
    app.post("/api/v1/auth/refresh", refresh).await.assert_status(401);
    app.post("/api/v1/auth/login", login).await.assert_status(200);
    assert_eq!(actions(&staff, &id).await, ["reopen_account", "close_account"]);
    app.finish().await;
}

#[tokio::test]
async fn what_is_so_already_is_no_action() {
    let app = TestApp::start().await;
    let (staff, anna) = (app.staff().create().await, app.buyer().create().await);
    let id = anna.id().await;
    set_active(&staff, &id, true).await.assert_status(200);
    anna.get("/api/v1/me").await.assert_status(200);
    for _ in 0..2 {
        set_active(&staff, &id, false).await.assert_status(200);
    }
    assert_eq!(actions(&staff, &id).await, ["close_account"]);
    app.finish().await;
}

#[tokio::test]
async fn a_closed_address_can_neither_be_registered_again_nor_reset() {
    let app = TestApp::start().await;
    let (staff, anna) = (app.staff().create().await, app.buyer().create().await);
    let reset = json!({ "email": anna.email() });
    app.post("/api/v1/auth/password-reset", reset.clone()).await.assert_status(202);
    let link = crate::support::link_token(app.mailbox(anna.email()).await.last(), "/reset-password");
    set_active(&staff, &anna.id().await, false).await.assert_status(200);
    let before = app.mailbox(anna.email()).await.subjects().len();
    app.post("/api/v1/auth/password-reset", reset).await.assert_status(202);
    assert_eq!(app.mailbox(anna.email()).await.subjects().len(), before);
    let confirm = json!({ "token": link, "password": "совсем новый пароль" });
    app.post("/api/v1/auth/password-reset/confirm", confirm)
        .await
        .assert_status(422)
        .problem("token_invalid");
    app.post("/api/v1/auth/register", registration(anna.email())).await.assert_status(202);
    app.mailbox(anna.email()).await.assert_one("Вы уже зарегистрированы");
    app.finish().await;
}

#[tokio::test]
async fn the_last_open_account_of_the_staff_stays_open() {
    let app = TestApp::start().await;
    let (maria, olga) = (app.staff().create().await, app.staff().create().await);
    let (maria_id, olga_id) = (maria.id().await, olga.id().await);
    set_active(&maria, &olga_id, false).await.assert_status(200);
    set_active(&maria, &maria_id, false).await.assert_status(409).problem("last_staff");
    set_active(&maria, &olga_id, true).await.assert_status(200);
    set_active(&maria, &maria_id, false).await.assert_status(200);
    maria.get(USERS).await.assert_status(401);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_the_staff_that_close_each_other_at_once_leave_one() {
    let app = TestApp::start().await;
    let (maria, olga) = (app.staff().create().await, app.staff().create().await);
    let (maria_id, olga_id) = (maria.id().await, olga.id().await);
    let (first, second) =
        tokio::join!(set_active(&maria, &olga_id, false), set_active(&olga, &maria_id, false));
    let statuses = [first.status(), second.status()];
    assert!(statuses.contains(&200), "{statuses:?}");
    assert!(statuses.iter().any(|status| [401, 409].contains(status)), "{statuses:?}");
    let open: i64 = sqlx::query_scalar("select count(*) from users where closed_at is null")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert_eq!(open, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_whose_last_account_is_closed_takes_no_orders() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let list = price_list(&[("1", "iPhone", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(list).create().await;
    let buyer = app.buyer().with_basket([("1", 1)]).create().await;
    set_active(&staff, &supplier.id().await, false).await.assert_status(200);
    buyer.order().await.assert_status(409).problem("supplier_closed");
    app.finish().await;
}

#[tokio::test]
async fn people_are_found_by_what_is_known_of_them() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let anna = app.buyer().email("anna@romashka.example").create().await;
    let supplier = app.supplier("Электрон").create().await;
    set_active(&staff, &supplier.id().await, false).await.assert_status(200);
    let found = async |query: &str| -> Vec<Value> {
        let page = staff.get(&format!("{USERS}?{query}")).await.assert_status(200).json();
        page["items"].as_array().unwrap().iter().map(|user| user["email"].clone()).collect()
    };
    assert_eq!(found("").await, [supplier.email(), anna.email(), staff.email()]);
    assert_eq!(found("q=ROMASHKA.ex").await, [anna.email()]);
    assert_eq!(found("q=электрон").await, [supplier.email()]);
    assert_eq!(found("q=%25").await, Vec::<Value>::new());
    assert_eq!(found("role=buyer").await, [anna.email()]);
    assert_eq!(found("role=staff").await, [staff.email()]);
    assert_eq!(found("active=false").await, [supplier.email()]);
    assert_eq!(found("active=true&role=supplier").await, Vec::<Value>::new());
    let first = staff.get(&format!("{USERS}?role=buyer")).await.json()["items"][0].clone();
    let organization = &first["organization"];
    assert_eq!(organization["name"], "Сеть «Ромашка»");
    assert_eq!(
        (&first["role"], &first["email_confirmed"], &first["active"]),
        (&json!("buyer"), &json!(true), &json!(true))
    );
    let id = organization["id"].as_str().unwrap();
    assert_eq!(found(&format!("organization_id={id}")).await, [anna.email()]);
    let page = staff.get(&format!("{USERS}?limit=2")).await.json();
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(found(&format!("limit=2&cursor={next}")).await, [staff.email()]);
    staff.get(&format!("{USERS}?role=king&active=maybe&organization_id=x")).await.invalid(&[
        ("role", "unknown_word"),
        ("active", "unknown_word"),
        ("organization_id", "invalid_id"),
    ]);
    anna.delete("/api/v1/me").await.assert_status(204);
    assert_eq!(found("role=buyer").await, Vec::<Value>::new());
    app.finish().await;
}

#[tokio::test]
async fn nobody_else_may_and_who_is_not_there_is_not_found() {
    let app = TestApp::start().await;
    let (staff, anna) = (app.staff().create().await, app.buyer().create().await);
    let id = anna.id().await;
    for person in [&anna, &app.supplier("Электрон").create().await] {
        person.get(USERS).await.assert_status(403).problem("forbidden");
        set_active(person, &id, false).await.assert_status(403).problem("forbidden");
    }
    set_active(&staff, &UserId::new().to_string(), false).await.assert_status(404).problem("not_found");
    set_active(&staff, "x", false).await.assert_status(404).problem("not_found");
    staff.patch(&format!("{USERS}/{id}"), json!({})).await.invalid(&[("/active", "required")]);
    anna.delete("/api/v1/me").await.assert_status(204);
    set_active(&staff, &id, true).await.assert_status(404).problem("not_found");
    app.finish().await;
}
