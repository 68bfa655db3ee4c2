//! An import as it comes along: server-sent events.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, TestApp, price_list};

const IMPORTS: &str = "/api/v1/supplier/imports";

fn list() -> String {
    price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 5)])
}

/// What a stream has told, event by event.
fn told(text: &str) -> Vec<Value> {
    let events = text.split("\n\n").filter(|event| !event.is_empty() && !event.starts_with(':'));
    events
        .map(|event| {
            let data = event.strip_prefix("event: import\ndata: ").unwrap_or_else(|| panic!("{event:?}"));
            serde_json::from_str(data).unwrap()
        })
        .collect()
}

/// Everything that a stream tells until it ends.
async fn events(supplier: &Person, import: &str) -> Vec<Value> {
    let answer = supplier.get(&format!("{import}/events")).await.assert_status(200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    told(answer.text())
}

#[tokio::test]
async fn a_stream_tells_whenever_the_import_has_changed_and_ends_with_it() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    app.stop_worker().await;
    let answer = supplier.upload(IMPORTS, "price.yaml", list()).await.assert_status(202);
    let import = answer.header("location").unwrap();
    let request = supplier.request(Method::GET, &format!("{import}/events"));
    let mut stream = request.send().await.unwrap();
    let mut bytes = stream.chunk().await.unwrap().unwrap().to_vec();
    app.start_worker().await;
    while let Some(more) = stream.chunk().await.unwrap() {
        bytes.extend_from_slice(&more);
    }
    let told = told(&String::from_utf8(bytes).unwrap());
    let statuses: Vec<_> = told.iter().map(|import| import["status"].as_str().unwrap()).collect();
    assert_eq!((statuses.first(), statuses.last()), (Some(&"received"), Some(&"completed")), "{statuses:?}");
    assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "nothing is told twice");
    app.drain_jobs().await;
    let last = told.last().unwrap();
    assert_eq!(last, &supplier.get(import).await.json());
    assert_eq!(
        events(&supplier, import).await,
        std::slice::from_ref(last),
        "what has ended is told, and no more"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_stream_of_an_import_that_waits_for_somebody_ends() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let answer = supplier.upload(&format!("{IMPORTS}?dry_run=true"), "price.yaml", list()).await;
    let import = answer.header("location").unwrap().to_owned();
    app.drain_jobs().await;
    let told = events(&supplier, &import).await;
    assert_eq!((told.len(), &told[0]["status"]), (1, &json!("validated")));
    let stranger = app.supplier("Канцлер").create().await;
    stranger.get(&format!("{import}/events")).await.assert_status(404).problem("not_found");
    supplier.get(&format!("{import}/events?all=true")).await.assert_status(422);
    app.finish().await;
}

#[tokio::test]
async fn a_stream_ends_with_the_process_that_writes_it() {
    let mut app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    app.stop_worker().await;
    let answer = supplier.upload(IMPORTS, "price.yaml", list()).await.assert_status(202);
    let request = supplier.request(Method::GET, &format!("{}/events", answer.header("location").unwrap()));
    let stream = request.send().await.unwrap();
    app.ask_api_to_stop();
    let told = stream.text().await.unwrap();
    assert!(told.starts_with("event: import\ndata: {") && told.ends_with("\n\n"), "{told}");
    app.finish().await;
}
