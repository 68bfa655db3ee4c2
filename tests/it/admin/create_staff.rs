//! `api create-staff`: the only way to an account for staff.

use api::create_staff::{self, CreateStaffArgs};
use common::config::{DatabaseArgs, Problems};
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, registration};

async fn args(app: &TestApp, email: &str) -> CreateStaffArgs {
    CreateStaffArgs {
        email: email.to_owned(),
        first_name: "Мария".to_owned(),
        last_name: "Кузнецова".to_owned(),
        locale: "en".to_owned(),
        password_stdin: true,
        database: DatabaseArgs {
            database_url: Some(app.database_url().await),
            database_max_connections: "2".to_owned(),
        },
    }
}

async fn run(args: CreateStaffArgs, input: &str) -> Result<String, String> {
    let mut output = Vec::new();
    match create_staff::run(args, Problems::default(), input.as_bytes(), &mut output).await {
        Ok(()) => Ok(String::from_utf8(output).unwrap()),
        Err(error) => Err(format!("{error:#}")),
    }
}

async fn login(app: &TestApp, email: &str, password: &str) -> u16 {
    app.post("/api/v1/auth/login", json!({ "email": email, "password": password })).await.status()
}

#[tokio::test]
async fn staff_signs_in_with_the_password_that_was_read() {
    let app = TestApp::start().await;
    let said = run(args(&app, "maria@example.com").await, &format!("{PASSWORD}\n")).await.unwrap();
    assert!(said.contains("maria@example.com") && !said.contains(PASSWORD), "{said}");
    assert_eq!(login(&app, "maria@example.com", PASSWORD).await, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_password_that_was_made_up_is_printed_and_works() {
    let app = TestApp::start().await;
    let args = CreateStaffArgs { password_stdin: false, ..args(&app, "maria@example.com").await };
    let said = run(args, "").await.unwrap();
    let password = said.lines().find_map(|line| line.strip_prefix("password: ")).unwrap();
    assert_eq!(password.len(), 24);
    assert_eq!(login(&app, "maria@example.com", password).await, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_known_address_is_refused_and_its_account_left_as_it_is() {
    let app = TestApp::start().await;
    let buyer = app.buyer().email("anna@example.com").create().await;
    for _ in 0..2 {
        let refused = run(args(&app, "Anna@Example.com").await, "another password").await.unwrap_err();
        assert!(refused.contains("anna@example.com already"), "{refused}");
    }
    buyer.sign_in().await;
    assert_eq!(buyer.get("/api/v1/me").await.json()["role"], "buyer");
    app.finish().await;
}

#[tokio::test]
async fn whoever_only_registered_the_address_gives_way() {
    let app = TestApp::start().await;
    app.post("/api/v1/auth/register", registration("maria@example.com")).await.assert_status(202);
    app.drain_jobs().await;
    run(args(&app, "maria@example.com").await, "another password").await.unwrap();
    assert_eq!(login(&app, "maria@example.com", PASSWORD).await, 401);
    assert_eq!(login(&app, "maria@example.com", "another password").await, 200);
    app.finish().await;
}

#[tokio::test]
async fn all_staff_is_of_one_organization() {
    let app = TestApp::start().await;
    let all = ["maria@example.com", "pavel@example.com", "olga@example.com"];
    let made = all.map(|email| async { run(args(&app, email).await, PASSWORD).await });
    for made in futures_util::future::join_all(made).await {
        made.unwrap();
    }
    let organizations: i64 =
        sqlx::query_scalar("select count(*) from organizations").fetch_one(app.pool()).await.unwrap();
    assert_eq!(organizations, 1);
    app.finish().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let app = TestApp::start().await;
    let wrong = CreateStaffArgs {
        email: "maria".to_owned(),
        first_name: String::new(),
        locale: "de".to_owned(),
        ..args(&app, "").await
    };
    let refused = run(wrong, "short").await.unwrap_err();
    for word in ["--email", "--first-name", "--locale", "--password-stdin"] {
        assert!(refused.contains(word), "{refused}");
    }
    app.finish().await;
}

#[tokio::test]
async fn it_stands_in_the_audit_log_as_nobodys_doing() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let id = staff.get("/api/v1/me").await.json()["id"].clone();
    let log = staff.get("/api/v1/admin/audit-log").await.assert_status(200).json();
    let record = &log["items"][0];
    assert_eq!(record["action"], "create_staff");
    assert_eq!(record["subject"], json!({ "kind": "user", "id": id }));
    assert_eq!(record["by"], Value::Null);
    app.finish().await;
}
