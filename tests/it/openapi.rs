//! The OpenAPI document: it is the one that the code makes, and it is true.

use std::collections::{BTreeMap, BTreeSet};

use api::openapi::PUBLIC;
use serde_json::{Map, Value};

use crate::support::TestApp;

/// The document of this build.
pub fn document() -> Value {
    serde_json::to_value(api::openapi::document()).expect("a document")
}

/// Every operation: method, path, and what the document says of it.
pub fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("a path item").iter();
        let methods = methods
            .filter(|(method, _)| ["get", "put", "post", "patch", "delete"].contains(&method.as_str()));
        methods
            .map(|(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// Calls `visit` with every object in a document.
fn visit_objects(value: &Value, visit: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            visit(members);
            members.values().for_each(|member| visit_objects(member, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| visit_objects(item, visit)),
        _ => {}
    }
}

#[test]
fn the_document_is_the_one_that_was_agreed() {
    insta::with_settings!({ sort_maps => true, prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("openapi", document());
    });
}

#[test]
fn the_document_says_what_it_is() {
    let document = document();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert_eq!(document["info"]["title"], "Postavka");
    assert!(operations(&document).len() >= 30);
    for (method, path, operation) in operations(&document) {
        assert!(
            operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
            "{method} {path}: summary"
        );
        assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{method} {path}: tags");
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}: no success");
    }
}

#[test]
fn operation_ids_are_unique() {
    let mut ids = BTreeMap::<String, usize>::new();
    for (_, _, operation) in operations(&document()) {
        if let Some(id) = operation["operationId"].as_str() {
            *ids.entry(id.to_owned()).or_default() += 1;
        }
    }
    ids.retain(|_, count| *count > 1);
    assert!(ids.is_empty(), "{ids:?}");
}

#[test]
fn component_names_are_valid_and_every_reference_leads_somewhere() {
    let document = document();
    let mut wrong = BTreeSet::new();
    for (kind, components) in document["components"].as_object().expect("components") {
        for name in components.as_object().expect("components of a kind").keys() {
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)) {
                wrong.insert(format!("{kind}: {name}"));
            }
        }
    }
    visit_objects(&document, &mut |object| {
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            if target.is_none() {
                wrong.insert(reference.to_owned());
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_parameter_of_a_path_is_described() {
    for (method, path, operation) in operations(&document()) {
        let named: BTreeSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let described: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert_eq!(named, described, "{method} {path}");
    }
}

#[test]
fn every_operation_has_a_401_or_is_public() {
    let document = document();
    let all: BTreeSet<String> = operations(&document).into_iter().map(|(_, path, _)| path).collect();
    for path in PUBLIC {
        assert!(all.contains(*path), "{path} is listed as public and does not exist");
    }
    for (method, path, operation) in operations(&document) {
        let guarded = operation["responses"].get("401").is_some() && operation["security"] != Value::Null;
        assert!(guarded || PUBLIC.contains(&&*path), "{method} {path}");
    }
}

#[tokio::test]
async fn the_document_is_served() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/openapi.json").await.assert_status(200).json(), document());
    app.finish().await;
}

#[test]
fn every_text_has_an_example() {
    let document = document();
    let mut without = BTreeSet::new();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        visit_objects(schema, &mut |object| {
            // An alternative only narrows fields that are described beside it.
            let described = object.contains_key("type");
            let fields = object.get("properties").filter(|_| described).and_then(Value::as_object);
            for (field, shape) in fields.into_iter().flatten() {
                let is_text = match &shape["type"] {
                    Value::String(basic) => basic == "string",
                    Value::Array(types) => types.contains(&Value::from("string")),
                    _ => false,
                };
                if is_text
                    && shape.get("examples").is_none()
                    && shape.get("format").is_none()
                    && shape.get("const").is_none()
                {
                    without.insert(format!("{name}.{field}"));
                }
            }
        });
    }
    without.retain(|field| !field.starts_with("Problem."));
    assert!(without.is_empty(), "say how these look in api/src/openapi/words.rs: {without:#?}");
}

#[test]
fn every_request_and_every_answer_has_an_example() {
    for (method, path, operation) in operations(&document()) {
        let bodies = operation["responses"]
            .as_object()
            .expect("responses")
            .values()
            .chain(operation.get("requestBody"));
        for (kind, content) in bodies.filter_map(|body| body["content"].as_object()).flatten() {
            let whole = content.get("example").is_some_and(|example| !example.is_null());
            assert!(whole || !kind.contains("json"), "{method} {path}: {kind}");
        }
    }
}
