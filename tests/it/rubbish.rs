//! Bodies that make no sense, to every endpoint that takes one: each is refused as a problem, and none is our failure.

use api::problem::ProblemCode;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{
    openapi::{document, operations},
    support::{Answer, Person, TestApp, address, price_list},
};

const JSON: &str = "application/json";

/// How many requests are under way at once.
const AT_ONCE: usize = 16;

/// People who may do what the document describes, and one of everything that they may do it to.
struct World {
    buyer: Person,
    supplier: Person,
    staff: Person,
    ids: Vec<(&'static str, String)>,
}

impl World {
    async fn new(app: &TestApp) -> Self {
        let goods = price_list(&[("A", "Телефон А", "100", 1_000)]);
        let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
        let buyer = app.buyer().with_basket([("A", 3)]).create().await;
        let staff = app.staff().create().await;
        let saved = buyer.post("/api/v1/me/addresses", address()).await.assert_status(201).json();
        let order = buyer.order().await.assert_status(201).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let part = text(&order["parts"][0]["id"]);
        let ids = vec![
            ("/api/v1/me/addresses/{id}", text(&saved["id"])),
            ("/api/v1/orders/{id}", text(&order["id"])),
            ("/api/v1/admin/payments/{id}", text(&order["payments"][0]["id"])),
            ("/api/v1/supplier/orders/{id}", part.clone()),
            ("/api/v1/admin/supplier-orders/{id}", part),
            ("/api/v1/basket/lines/{offer_id}", app.offer("A").await),
            ("/api/v1/admin/synonyms/{word}", "слово".to_owned()),
            ("/api/v1/webhooks/payments/{provider}", "yookassa".to_owned()),
        ];
        Self { buyer, supplier, staff, ids }
    }

    /// A request of somebody who may make it, to something that is there.
    fn request(&self, app: &TestApp, target: &Target) -> reqwest::RequestBuilder {
        let id =
            self.ids.iter().find(|(begins, _)| target.path.starts_with(begins)).map(|(_, id)| id.as_str());
        let parts = target.path.split('/').map(|part| {
            if part.starts_with('{') { id.unwrap_or("0199a9a0-0000-7000-8000-000000000000") } else { part }
        });
        let path = parts.collect::<Vec<_>>().join("/");
        match target.role.as_deref() {
            None => app.client().request(target.method.clone(), app.url(&path)),
            Some("supplier") => self.supplier.request(target.method.clone(), &path),
            Some("staff") => self.staff.request(target.method.clone(), &path),
            Some(_) => self.buyer.request(target.method.clone(), &path),
        }
    }
}

/// An endpoint that takes JSON.
struct Target {
    method: Method,
    path: String,
    /// Whose it is; none for a public one.
    role: Option<String>,
    /// The document's example of a body.
    example: Value,
}

impl Target {
    fn all() -> Vec<Self> {
        let targets = operations(&document()).into_iter().filter_map(|(method, path, operation)| {
            let example = operation.pointer("/requestBody/content/application~1json/example")?.clone();
            let roles = operation["security"][0]["bearer"].as_array();
            // What is for everybody who is signed in is asked by the buyer.
            let role = roles.map(|roles| roles.first().and_then(Value::as_str).unwrap_or("buyer").to_owned());
            Some(Self { method: method.parse().unwrap(), path, role, example })
        });
        targets.collect()
    }
}

/// What is no JSON, or none of an object.
fn malformed() -> Vec<Vec<u8>> {
    let deep = |open: &str, close: &str| [open.repeat(5_000), close.repeat(5_000)].concat().into_bytes();
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "null",
        "true",
        "0",
        "-0",
        "1e999",
        "\"text\"",
        "[]",
        "[{}]",
        "{}",
        "{",
        "}",
        "{\"a\"",
        "{\"a\":1,}",
        "{'a':1}",
        "\u{feff}{}",
        "{}{}",
        "NaN",
        "\"\\ud800\"",
        "{\"\\ud800\":1}",
        "{\"\\u0000\":1}",
        "{\"\":\"\"}",
        "{\"a\":1,\"a\":2}",
        "<a/>",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    bodies.extend([vec![0xff, 0xfe], vec![0], b"{\"a\":\"\xff\"}".to_vec()]);
    bodies.extend([deep("[", "]"), deep("{\"a\":", "}"), vec![b'['; 30_000], vec![b' '; 30_000]]);
    bodies
}

/// What may stand where something else should.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("x\0y"),
        json!("\u{202e}\u{200b}"),
        json!("é".repeat(15_000)),
        json!("'; drop table orders; --"),
        json!("99999999999999999999.99"),
        json!("2026-02-30"),
        json!("+999999-12-31"),
        json!([]),
        json!([[], {}]),
        json!({}),
        json!({ "a": { "b": [1] } }),
    ]
}

/// The body with each of its members, at any depth, replaced by each value, left out, and joined by a stranger.
fn mutated(body: &Value) -> Vec<Value> {
    match body {
        Value::Object(members) => {
            let mut bodies = Vec::new();
            let with = |name: &str, value: Option<Value>| {
                let mut changed: Map<String, Value> = members.clone();
                changed.remove(name);
                changed.extend(value.map(|value| (name.to_owned(), value)));
                Value::Object(changed)
            };
            for (name, member) in members {
                bodies.push(with(name, None));
                bodies.extend(values().into_iter().map(|value| with(name, Some(value))));
                bodies.extend(mutated(member).into_iter().map(|value| with(name, Some(value))));
            }
            bodies.push(with("no_such_field", Some(json!(1))));
            bodies
        }
        Value::Array(items) => {
            let of_first = items.first().map(mutated).unwrap_or_default();
            let mut bodies: Vec<Value> = of_first.into_iter().map(|item| json!([item])).collect();
            bodies.extend(values().into_iter().map(|value| json!([value])));
            bodies
        }
        _ => Vec::new(),
    }
}

/// Asserts that an answer is a success, or a refusal in its form and with a known code.
#[track_caller]
fn assert_no_failure(answer: &Answer, what: &str) {
    let shown = || what.chars().take(300).collect::<String>();
    assert!(answer.status() < 500, "{}: {}", shown(), answer.text());
    if answer.status() >= 400 {
        let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
        assert!(ProblemCode::of_word(&code).is_some(), "{}: {}", shown(), answer.text());
        answer.problem(&code);
    }
}

/// Sends requests, a few at once, and looks at every answer.
async fn send_all(requests: Vec<(reqwest::RequestBuilder, String)>) -> usize {
    let count = requests.len();
    let mut requests = requests.into_iter().peekable();
    while requests.peek().is_some() {
        let some =
            requests.by_ref().take(AT_ONCE).map(async |(request, what)| (Answer::to(request).await, what));
        for (answer, what) in join_all(some).await {
            assert_no_failure(&answer, &what);
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_is_refused_by_every_endpoint() {
    let app = TestApp::start().await;
    let world = World::new(&app).await;
    let mut requests = Vec::new();
    for target in Target::all() {
        for body in malformed() {
            let what = format!("{} {}: {}", target.method, target.path, String::from_utf8_lossy(&body));
            let request = world.request(&app, &target).header("content-type", JSON).body(body);
            requests.push((request, what));
        }
        for content_type in
            [None, Some("text/plain"), Some("application/xml"), Some("multipart/form-data"), Some("\u{1}")]
        {
            let Some(request) = content_type.map_or(Some(world.request(&app, &target)), |content_type| {
                let value = reqwest::header::HeaderValue::from_str(content_type).ok()?;
                Some(world.request(&app, &target).header("content-type", value))
            }) else {
                continue;
            };
            let what = format!("{} {} as {content_type:?}", target.method, target.path);
            requests.push((request.body(target.example.to_string()), what));
        }
    }
    assert!(send_all(requests).await > 500);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_with_any_value_in_any_place_is_taken_or_refused_by_every_endpoint() {
    let app = TestApp::start().await;
    let world = World::new(&app).await;
    let mut sent = 0;
    for target in Target::all() {
        let requests = mutated(&target.example).into_iter().map(|body| {
            let what = format!("{} {}: {body}", target.method, target.path);
            (world.request(&app, &target).json(&body), what)
        });
        sent += send_all(requests.collect()).await;
        // An access token that a body has ended, or a password that it has changed, is no reason to stop.
    }
    assert!(sent > 1_000, "{sent}");
    app.finish().await;
}

#[tokio::test]
async fn a_field_that_is_not_known_is_refused_by_every_endpoint() {
    let app = TestApp::start().await;
    let world = World::new(&app).await;
    for target in Target::all() {
        // The provider's own form grows by itself.
        if target.path.contains("/webhooks/") {
            continue;
        }
        let mut body = target.example.clone();
        body["no_such_field"] = json!(1);
        let answer = Answer::to(world.request(&app, &target).json(&body)).await;
        assert_eq!(answer.status(), 422, "{} {}: {}", target.method, target.path, answer.text());
        let errors = answer.problem("validation_failed")["errors"].clone();
        let named = errors.as_array().unwrap().iter().any(|error| error["pointer"] == "/no_such_field");
        assert!(named, "{} {}: {errors}", target.method, target.path);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_form_that_is_none_is_refused() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let form = "multipart/form-data; boundary=x";
    let part = |head: &str, body: &str| {
        format!("--x\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n--x--\r\n")
    };
    for (content_type, body) in [
        ("multipart/form-data", "--x--".to_owned()),
        (form, String::new()),
        (form, "--x".to_owned()),
        (form, "--x--\r\n".to_owned()),
        (form, part("name=\"other\"", "1")),
        (form, part("name=\"file\"", "goods: []")),
        (form, part("name=\"file\"; filename=\"\"", "goods: []")),
        (form, part("name=\"file\"; filename=\"price.exe\"", "goods: []")),
        (form, part("name=\"file\"; filename=\"../../price\0.yaml\"", "goods: []")),
        (form, part("name=\"file\"; filename=\"price.yaml\"", "goods: []").replace("--x--", "")),
        (form, "--x\r\n\r\n\r\n--x--".to_owned()),
        (JSON, json!({}).to_string()),
        (JSON, "{".to_owned()),
    ] {
        let request = supplier.request(Method::POST, "/api/v1/supplier/imports");
        let answer = Answer::to(request.header("content-type", content_type).body(body.clone())).await;
        assert_no_failure(&answer, &format!("{content_type}: {body:?}"));
    }
    app.finish().await;
}
