//! `worker import`: a price list that an operator brings on the command line.

use std::{fs, path::Path};

use serde_json::json;
use uuid::Uuid;

use crate::support::{Person, TestApp, price_list, program};

/// What the command printed, and whether it went well.
async fn import(app: &TestApp, supplier: &Person, list: &str, more: &[&str]) -> (bool, String) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(Uuid::now_v7().to_string());
    fs::create_dir(&dir).unwrap();
    let file = dir.join("price.yaml");
    fs::write(&file, list).unwrap();
    let id = supplier.get("/api/v1/supplier").await.json()["id"].as_str().unwrap().to_owned();
    let mut command = program("worker").await;
    command.arg("import").arg(file).args(["--supplier", &id]).args(more);
    let done = command.env("DATABASE_URL", app.database_url().await).output().await.unwrap();
    fs::remove_dir_all(dir).unwrap();
    let printed = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (done.status.success(), printed.concat())
}

#[tokio::test]
async fn an_operator_imports_a_list_and_sees_what_it_came_to() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let list = price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "дорого", 5)]);
    let (well, printed) = import(&app, &supplier, &list, &[]).await;
    assert!(well && printed.contains("completed_with_errors"), "{printed}");
    let line = |begins: &str| printed.lines().find(|line| line.starts_with(begins)).map(str::to_owned);
    assert_eq!(line("inserted").unwrap().split_whitespace().last(), Some("1"), "{printed}");
    assert!(line("2").is_some_and(|row| row.contains('B') && row.contains("дорого")), "{printed}");
    assert_eq!(app.stock("A").await, (10, 0));
    let staff = app.staff().create().await;
    let log = staff.get("/api/v1/admin/audit-log?action=import_price_list").await.json();
    assert_eq!(
        (&log["items"][0]["by"], &log["items"][0]["details"]["mode"]),
        (&json!(null), &json!("replace"))
    );
    app.mailbox(supplier.email()).await.assert_one("загружен с ошибками");
    app.finish().await;
}

#[tokio::test]
async fn what_is_only_looked_at_or_cannot_be_read_is_told_so() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let list = price_list(&[("A", "Телефон А", "100", 10)]);
    let (well, printed) = import(&app, &supplier, &list, &["--dry-run", "--mode", "upsert"]).await;
    assert!(well && printed.contains("validated") && printed.contains("waits for somebody"), "{printed}");
    let (well, printed) = import(&app, &supplier, "goods: many", &[]).await;
    assert!(!well && printed.contains("nothing was imported"), "{printed}");
    let (well, printed) = import(&app, &supplier, &list, &["--mode", "both"]).await;
    assert!(!well && printed.contains("expected replace or upsert"), "{printed}");
    app.finish().await;
}
