//! What people change of themselves.

use serde_json::{Value, json};

use crate::support::TestApp;

const ME: &str = "/api/v1/me";

#[tokio::test]
async fn what_is_named_changes_and_the_rest_stays() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let changed =
        anna.patch(ME, json!({ "first_name": " Мария ", "locale": "en" })).await.assert_status(200).json();
    assert_eq!((&changed["first_name"], &changed["last_name"]), (&json!("Мария"), &json!("Орлова")));
    assert_eq!((&changed["locale"], &changed["company"]), (&json!("en"), &json!("Сеть «Ромашка»")));
    let cleared = anna.patch(ME, json!({ "company": null, "position": "Директор" })).await.json();
    assert_eq!((&cleared["company"], &cleared["position"]), (&Value::Null, &json!("Директор")));
    assert_eq!(anna.patch(ME, json!({})).await.assert_status(200).json(), cleared);
    assert_eq!(anna.get(ME).await.json(), cleared);
    app.finish().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_and_nothing_is_changed() {
    let app = TestApp::start().await;
    let anna = app.buyer().create().await;
    let before = anna.get(ME).await.json();
    let wrong =
        json!({ "first_name": "", "last_name": "x".repeat(101), "company": "a\u{1}b", "locale": "de" });
    anna.patch(ME, wrong).await.assert_status(422).invalid(&[
        ("/first_name", "required"),
        ("/last_name", "too_long"),
        ("/company", "control_characters"),
        ("/locale", "unknown_word"),
    ]);
    let other = json!({ "email": "b@example.com", "role": "staff" });
    anna.patch(ME, other).await.invalid(&[("/email", "unknown_field"), ("/role", "unknown_field")]);
    anna.patch(ME, json!({ "company": 7 })).await.invalid(&[("/company", "wrong_type")]);
    assert_eq!(anna.get(ME).await.json(), before);
    app.finish().await;
}
