//! The audit log.

use common::{
    audit::{self, Action, Entry},
    ids::{OrganizationId, UserId},
};
use serde_json::{Value, json};

use crate::support::{Person, TestApp};

const LOG: &str = "/api/v1/admin/audit-log";

async fn id_of(person: &Person) -> UserId {
    person.id().await.parse().unwrap()
}

async fn record(app: &TestApp, by: UserId, action: Action) {
    let mut tx = app.pool().begin().await.unwrap();
    let entry = Entry { by: Some(by), action, details: json!({ "why": "asked for" }) };
    audit::record(&mut tx, app.clock().now(), &entry).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_log_is_read_newest_first_and_page_by_page() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let by = id_of(&staff).await;
    let organizations: Vec<OrganizationId> = (0..3).map(|_| OrganizationId::new()).collect();
    for id in &organizations {
        record(&app, by, Action::ApproveOrganization(*id)).await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = staff.get(&format!("{LOG}?limit=2&cursor={cursor}")).await.assert_status(200).json();
        seen.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 4);
    for (record, id) in seen.iter().zip(organizations.iter().rev()) {
        assert_eq!(record["subject"], json!({ "kind": "organization", "id": id }));
        assert_eq!(record["by"], json!({ "id": by, "name": "Мария Кузнецова" }));
        assert_eq!(record["details"], json!({ "why": "asked for" }));
    }
    assert_eq!(seen[3]["action"], "create_staff");
    app.finish().await;
}

#[tokio::test]
async fn the_log_can_be_asked_for_an_action_a_thing_or_a_person() {
    let app = TestApp::start().await;
    let (maria, olga) = (app.staff().create().await, app.staff().create().await);
    let (thing, other) = (OrganizationId::new(), UserId::new());
    record(&app, id_of(&maria).await, Action::ApproveOrganization(thing)).await;
    record(&app, id_of(&olga).await, Action::CloseAccount(other)).await;
    let found = async |query: String| -> Vec<Value> {
        let page = maria.get(&format!("{LOG}?{query}")).await.assert_status(200).json();
        page["items"].as_array().unwrap().iter().map(|record| record["action"].clone()).collect()
    };
    assert_eq!(found("action=close_account".to_owned()).await, ["close_account"]);
    assert_eq!(found(format!("subject_id={thing}")).await, ["approve_organization"]);
    assert_eq!(found(format!("by={}", id_of(&olga).await)).await, ["close_account"]);
    assert_eq!(found(format!("by={}", UserId::new())).await, Vec::<Value>::new());
    maria
        .get(&format!("{LOG}?action=dance&by=x"))
        .await
        .invalid(&[("action", "unknown_word"), ("by", "invalid_id")]);
    app.finish().await;
}

#[tokio::test]
async fn the_log_is_for_staff_only() {
    let app = TestApp::start().await;
    app.get(LOG).await.assert_status(401).problem("unauthorized");
    app.buyer().create().await.get(LOG).await.assert_status(403).problem("forbidden");
    app.supplier("Электрон").create().await.get(LOG).await.assert_status(403).problem("forbidden");
    app.finish().await;
}

#[tokio::test]
async fn nothing_in_the_log_can_be_rewritten() {
    let app = TestApp::start().await;
    app.staff().create().await;
    for statement in ["update audit_log set action = 'x'", "delete from audit_log", "truncate audit_log"] {
        let refused = sqlx::query(statement).execute(app.pool()).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    app.finish().await;
}
