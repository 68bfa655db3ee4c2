//! Who may reach what (invariant I9): every endpoint of the OpenAPI document, asked by those who may not.
//!
//! No endpoint escapes: one that is not public, and that has no case below, fails the test.

use std::collections::BTreeSet;

use api::openapi::PUBLIC;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    openapi::{document, operations},
    support::{Answer, Person, TestApp, address, attach, price_list},
};

/// An id that nothing has.
const NOTHING: &str = "0199a9a0-0000-7000-8000-000000000000";

/// Endpoints for everybody who is signed in, about themselves.
const FOR_EVERY_ROLE: [&str; 2] = ["/api/v1/me", "/api/v1/me/password"];

/// Endpoints whose path names something that belongs to no tenant.
const SHARED: [&str; 5] = [
    // An offer of the catalogue; the basket is always the asker's own.
    "/api/v1/basket/lines/{offer_id}",
    // Words that all share, and templates.
    "/api/v1/admin/synonyms/{word}",
    "/api/v1/admin/emails/{message}",
    // Queues, by their names.
    "/api/v1/admin/queues/{queue}/pause",
    "/api/v1/admin/queues/{queue}/resume",
];

/// Fields and parameters of requests that name things, and why another tenant's is no way to them.
const NAMES: [(&str, &str); 10] = [
    ("address_id", "another's is unknown: `an_order_goes_to_a_saved_address_of_the_own_organization_only`"),
    ("offer_id", "offers are everybody's"),
    ("supplier_id", "suppliers are everybody's"),
    ("category_id", "categories are everybody's"),
    ("part_id", "staff's: a part of the payment's order"),
    ("buyer_id", "staff's"),
    ("subject_id", "staff's"),
    ("user_id", "staff's"),
    ("organization_id", "staff's"),
    ("by", "staff's"),
];

/// A buyer and a supplier with one of everything that belongs to them.
struct Owners {
    buyer: Person,
    supplier: Person,
    /// Paths of what is theirs, by what an endpoint's path begins with.
    theirs: Vec<(&'static str, Vec<(&'static str, String)>)>,
}

impl Owners {
    async fn new(app: &TestApp) -> Self {
        let goods = price_list(&[("A", "Телефон А", "100", 10)]);
        let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
        let buyer = app.buyer().with_basket([("A", 3)]).create().await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let saved = buyer.post("/api/v1/me/addresses", address()).await.assert_status(201).json();
        let order = buyer.order().await.assert_status(201).json();
        let import = supplier.get("/api/v1/supplier/imports").await.json()["items"][0]["id"].clone();
        let part = text(&order["parts"][0]["id"]);
        let theirs = vec![
            ("/api/v1/me/addresses/{id}", vec![("id", text(&saved["id"]))]),
            ("/api/v1/orders/{id}", vec![("id", text(&order["id"])), ("part_id", part.clone())]),
            ("/api/v1/payments/{id}", vec![("id", text(&order["payments"][0]["id"]))]),
            ("/api/v1/supplier/imports/{id}", vec![("id", text(&import))]),
            ("/api/v1/supplier/orders/{id}", vec![("id", part)]),
            ("/api/v1/supplier/offers/{id}/history", vec![("id", app.offer("A").await)]),
        ];
        Self { buyer, supplier, theirs }
    }

    /// The path of an endpoint about what is theirs.
    fn path(&self, template: &str) -> Option<String> {
        let (_, ids) = self.theirs.iter().find(|(begins, _)| template.starts_with(begins))?;
        let path =
            ids.iter().fold(template.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id));
        (!path.contains('{')).then_some(path)
    }

    /// Every id of theirs.
    fn ids(&self) -> impl Iterator<Item = &str> {
        self.theirs.iter().flat_map(|(_, ids)| ids.iter().map(|(_, id)| id.as_str()))
    }

    /// Everything of theirs, as they see it.
    async fn all(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for (path, _) in &self.theirs {
            let path = self.path(path).unwrap();
            let owner = if path.starts_with("/api/v1/supplier") { &self.supplier } else { &self.buyer };
            all.push(owner.get(&path).await.assert_status(200).json());
        }
        for path in ["/api/v1/basket", "/api/v1/me"] {
            all.push(self.buyer.get(path).await.assert_status(200).json());
        }
        all.push(self.supplier.get("/api/v1/supplier").await.assert_status(200).json());
        all
    }
}

/// Somebody of each role.
struct Askers {
    buyer: Person,
    supplier: Person,
    staff: Person,
}

impl Askers {
    async fn new(app: &TestApp) -> Self {
        let buyer = app.buyer().create().await;
        let supplier = app.supplier("Посторонний").create().await;
        Self { buyer, supplier, staff: app.staff().create().await }
    }

    fn all(&self) -> [(&'static str, &Person); 3] {
        [("buyer", &self.buyer), ("supplier", &self.supplier), ("staff", &self.staff)]
    }

    fn of_role(&self, role: &str) -> &Person {
        self.all().into_iter().find(|(name, _)| *name == role).expect("a role").1
    }
}

/// An endpoint, as the document describes it.
struct Endpoint {
    method: Method,
    path: String,
    operation: Value,
}

impl Endpoint {
    /// Those that want a token.
    fn guarded() -> Vec<Self> {
        let all = operations(&document()).into_iter();
        let guarded = all.filter(|(_, path, _)| !PUBLIC.contains(&&**path));
        guarded
            .map(|(method, path, operation)| Self { method: method.parse().unwrap(), path, operation })
            .collect()
    }

    /// The role that it is for; none when it is for every one.
    fn role(&self) -> Option<&str> {
        let roles = self.operation["security"][0]["bearer"].as_array();
        let roles = roles.unwrap_or_else(|| panic!("{self}: the document does not say who may"));
        match roles.as_slice() {
            [] if FOR_EVERY_ROLE.contains(&&*self.path) => None,
            [role] => role.as_str(),
            other => panic!("{self} is for {other:?}: for one role, or named in FOR_EVERY_ROLE"),
        }
    }

    /// The path with ids of nothing.
    fn path_to_nothing(&self) -> String {
        let parts = self.path.split('/').map(|part| if part.starts_with('{') { NOTHING } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    /// A request with the document's own example of a body.
    async fn ask(&self, person: &Person, path: &str) -> Answer {
        let content = &self.operation["requestBody"]["content"];
        let request = person.request(self.method.clone(), path);
        let request = match (content.get("application/json"), content.get("multipart/form-data")) {
            (Some(json), _) => request.json(&json["example"]),
            (None, Some(_)) => attach(request, "price.yaml", b"goods: []".to_vec()),
            (None, None) => request,
        };
        Answer::to(request).await
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

#[tokio::test]
async fn nobody_reaches_an_endpoint_without_a_token() {
    let app = TestApp::start().await;
    for endpoint in Endpoint::guarded() {
        let path = endpoint.path_to_nothing();
        let bare = app.client().request(endpoint.method.clone(), app.url(&path));
        let forged = app.client().request(endpoint.method.clone(), app.url(&path)).bearer_auth("x.y.z");
        for request in [bare, forged] {
            let answer = Answer::to(request).await;
            assert_eq!(answer.status(), 401, "{endpoint}: {}", answer.text());
            answer.problem("unauthorized");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn nobody_reaches_an_endpoint_of_another_role() {
    let app = TestApp::start().await;
    let askers = Askers::new(&app).await;
    let mut asked = 0;
    for endpoint in Endpoint::guarded() {
        let Some(role) = endpoint.role() else { continue };
        for (_, person) in askers.all().into_iter().filter(|(name, _)| *name != role) {
            let answer = endpoint.ask(person, &endpoint.path_to_nothing()).await;
            assert_eq!(answer.status(), 403, "{endpoint}: {}", answer.text());
            answer.problem("forbidden");
            asked += 1;
        }
    }
    assert!(asked >= 80, "{asked}");
    app.finish().await;
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let app = TestApp::start_with_cards().await;
    let owners = Owners::new(&app).await;
    let askers = Askers::new(&app).await;
    let before = owners.all().await;
    let (mut without_a_case, mut asked) = (Vec::new(), 0);
    for endpoint in Endpoint::guarded() {
        let (Some(role), true) = (endpoint.role(), endpoint.path.contains('{')) else { continue };
        if SHARED.contains(&&*endpoint.path) {
            continue;
        }
        // To staff nothing is anothers': only what there is not is not there.
        let path = match role {
            "staff" => Some(endpoint.path_to_nothing()),
            _ => owners.path(&endpoint.path),
        };
        let Some(path) = path else {
            without_a_case.push(endpoint.to_string());
            continue;
        };
        let answer = endpoint.ask(askers.of_role(role), &path).await;
        assert_eq!(answer.status(), 404, "{endpoint}: {}", answer.text());
        answer.problem("not_found");
        asked += 1;
    }
    assert!(without_a_case.is_empty(), "whose are these? Give `Owners` one of each: {without_a_case:#?}");
    assert!(asked >= 15, "{asked}");
    assert_eq!(owners.all().await, before, "nothing of theirs has changed");
    app.finish().await;
}

#[tokio::test]
async fn no_list_shows_what_is_anothers() {
    let app = TestApp::start().await;
    let owners = Owners::new(&app).await;
    let askers = Askers::new(&app).await;
    for endpoint in Endpoint::guarded() {
        if endpoint.method != Method::GET || endpoint.path.contains('{') || endpoint.role() == Some("staff") {
            continue;
        }
        for (role, person) in [("buyer", &askers.buyer), ("supplier", &askers.supplier)] {
            if endpoint.role().is_none_or(|its| its == role) {
                let answer = person.get(&endpoint.path).await.assert_status(200);
                for id in owners.ids() {
                    assert!(!answer.text().contains(id), "{endpoint}: {}", answer.text());
                }
            }
        }
    }
    app.finish().await;
}

/// An id in a body or a query leads nowhere either: each kind of them is known, with the reason.
#[test]
fn whatever_names_a_thing_in_a_request_is_known() {
    let document = document();
    let mut named = BTreeSet::new();
    for (_, path, operation) in operations(&document) {
        // What stands in a provider's notice is only ever asked about.
        if path.contains("/webhooks/") {
            continue;
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" {
                named.insert(parameter["name"].as_str().unwrap().to_owned());
            }
        }
        let body = operation.pointer("/requestBody/content/application~1json/example");
        names_in(body.unwrap_or(&json!(null)), &mut named);
    }
    named.retain(|name| name == "by" || name == "id" || name.ends_with("_id"));
    for (name, _) in NAMES {
        named.remove(name);
    }
    assert!(named.is_empty(), "are these safe to take from a stranger? {named:?}");
}

fn names_in(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            named.insert(name.clone());
            names_in(member, named);
        }),
        Value::Array(items) => items.iter().for_each(|item| names_in(item, named)),
        _ => {}
    }
}
