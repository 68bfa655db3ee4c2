//! The synonyms of searches, as staff edits them.

use serde_json::{Value, json};

use crate::support::{TestApp, price_list};

const SYNONYMS: &str = "/api/v1/admin/synonyms";

async fn found(app: &TestApp, words: &str) -> usize {
    let page = app.get(&format!("/api/v1/products?q={words}")).await.assert_status(200).json();
    page["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn staff_says_what_a_word_means_and_takes_it_back() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    app.supplier("Связной")
        .with_price_list(price_list(&[("A", "Пылесос Dyson V8", "100", 5)]))
        .create()
        .await;
    assert_eq!(found(&app, "дайсон").await, 0);
    let means = json!({ "means": ["Dyson", "dyson ", "Пылесос V8"] });
    let synonym = staff.put(&format!("{SYNONYMS}/Дайсон"), means).await.assert_status(200).json();
    assert_eq!((&synonym["word"], &synonym["means"]), (&json!("дайсон"), &json!(["dyson", "пылесос v8"])));
    assert_eq!(found(&app, "дайсон").await, 1);
    assert_eq!(found(&app, "дайсон v8").await, 1);
    staff.put(&format!("{SYNONYMS}/дайсон"), json!({ "means": ["тостер"] })).await.assert_status(200);
    assert_eq!(found(&app, "дайсон").await, 0);
    staff.delete(&format!("{SYNONYMS}/дайсон")).await.assert_status(204);
    staff.delete(&format!("{SYNONYMS}/дайсон")).await.assert_status(404).problem("not_found");
    let log = staff.get("/api/v1/admin/audit-log").await.json();
    let log: Vec<&Value> = log["items"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(log[..3], ["delete_synonym", "set_synonym", "set_synonym"]);
    app.finish().await;
}

#[tokio::test]
async fn the_pages_of_synonyms_visit_each_once() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let (mut words, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = staff.get(&format!("{SYNONYMS}?limit=30&cursor={cursor}")).await.assert_status(200).json();
        words.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["word"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert!(words.is_sorted() && words.len() > 40, "{words:?}");
    assert!(words.iter().any(|word| word == "айфон") && words.iter().any(|word| word == "самсунг"));
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_synonym_is_refused() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let put = async |word: &str, body: Value| staff.put(&format!("{SYNONYMS}/{word}"), body).await;
    put("два слова", json!({ "means": [] }))
        .await
        .invalid(&[("word", "invalid"), ("/means", "out_of_range")]);
    put("a%00b", json!({ "means": ["x"] })).await.invalid(&[("word", "control_characters")]);
    // A letter or digit here, but not to the database.
    put("м²", json!({ "means": ["метр"] })).await.invalid(&[("word", "invalid")]);
    put("слово", json!({ "means": ["!"] })).await.invalid(&[("/means", "invalid")]);
    put("слово", json!({ "means": ["x".repeat(101)] })).await.invalid(&[("/means", "too_long")]);
    let many: Vec<String> = (0..21).map(|number| format!("слово {number}")).collect();
    put("слово", json!({ "means": many })).await.invalid(&[("/means", "out_of_range")]);
    put("слово", json!({ "means": ["x"], "more": 1 })).await.invalid(&[("/more", "unknown_field")]);
    staff.delete(&format!("{SYNONYMS}/%21")).await.assert_status(404);
    app.finish().await;
}

#[tokio::test]
async fn synonyms_are_for_staff_only() {
    let app = TestApp::start().await;
    app.get(SYNONYMS).await.assert_status(401).problem("unauthorized");
    let buyer = app.buyer().create().await;
    buyer.get(SYNONYMS).await.assert_status(403).problem("forbidden");
    buyer.put(&format!("{SYNONYMS}/x"), json!({ "means": ["y"] })).await.assert_status(403);
    buyer.delete(&format!("{SYNONYMS}/x")).await.assert_status(403);
    app.finish().await;
}
