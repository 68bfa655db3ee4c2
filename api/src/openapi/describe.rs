//! Completes the document: exact limits for what requests take, and an example for every value, body and answer.

use std::collections::BTreeSet;

use common::imports::formats::Format;
use serde_json::{Map, Value, json};

use super::words::{self, Word};
use crate::problem::ProblemCode;

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// Adds limits and examples to every field, parameter, request and answer.
pub(super) fn describe(document: &mut Value) {
    let asked = schemas_of_requests(document);
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        for (name, schema) in schemas {
            let word = if asked.contains(name) { words::of_request } else { words::of_answer };
            describe_fields(name, schema, word);
        }
    }
    add_alternatives(document);
    let components = document["components"].clone();
    for operation in operations(document) {
        describe_operation(&components, operation);
    }
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    paths.filter_map(Value::as_object_mut).flat_map(|item| {
        item.iter_mut()
            .filter(|(method, _)| METHODS.contains(&method.as_str()))
            .map(|(_, operation)| operation)
    })
}

/// The names of the schemas that a request can consist of.
fn schemas_of_requests(document: &mut Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut unread: Vec<Value> =
        operations(document).filter_map(|operation| operation.get("requestBody").cloned()).collect();
    while let Some(value) = unread.pop() {
        match value {
            Value::Object(members) => {
                let name = members.get("$ref").and_then(Value::as_str).and_then(name_of);
                if let Some(name) = name.filter(|name| found.insert((*name).to_owned())) {
                    unread.push(document["components"]["schemas"][name].clone());
                }
                unread.extend(members.into_iter().map(|(_, member)| member));
            }
            Value::Array(items) => unread.extend(items),
            _ => {}
        }
    }
    found
}

fn name_of(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

fn describe_fields(name: &str, schema: &mut Value, word: fn(&str, &str) -> Option<Word>) {
    if let Some(parts) = schema.get_mut("allOf").and_then(Value::as_array_mut) {
        parts.iter_mut().for_each(|part| describe_fields(name, part, word));
    }
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (field, shape) in fields.into_iter().flatten() {
        if let Some(word) = word(name, field) {
            describe_value(shape, word);
        }
    }
}

/// What the field says of itself stays.
fn describe_value(shape: &mut Value, word: Word) {
    let Some(shape) = shape.as_object_mut() else { return };
    if ["$ref", "allOf", "oneOf", "items"].iter().any(|keyword| shape.contains_key(*keyword)) {
        return;
    }
    let nullable =
        shape.get("type").and_then(Value::as_array).is_some_and(|types| types.contains(&json!("null")));
    for (keyword, mut limit) in word.limits {
        if let (true, "enum", Some(words)) = (nullable, keyword.as_str(), limit.as_array_mut()) {
            words.push(Value::Null);
        }
        shape.entry(keyword).or_insert(limit);
    }
    shape.entry("examples").or_insert_with(|| json!([word.example]));
}

/// Fields of which one excludes or wants another.
fn add_alternatives(document: &mut Value) {
    let mut add = |schema: &str, alternatives: Value| {
        if let Some(schema) = document["components"]["schemas"].get_mut(schema) {
            schema["oneOf"] = alternatives;
        }
    };
    add(
        "RegisterRequest",
        json!([
            { "properties": { "account_type": { "const": "buyer" }, "supplier_name": { "type": "null" } } },
            {
                "properties": { "account_type": { "const": "supplier" }, "supplier_name": { "type": "string" } },
                "required": ["supplier_name"],
            },
        ]),
    );
    add(
        "FillLineRequest",
        json!([
            {
                "properties": {
                    "offer_id": { "type": "string" }, "supplier_id": { "type": "null" }, "sku": { "type": "null" },
                },
                "required": ["offer_id"],
            },
            {
                "properties": {
                    "supplier_id": { "type": "string" }, "sku": { "type": "string" }, "offer_id": { "type": "null" },
                },
                "required": ["supplier_id", "sku"],
            },
        ]),
    );
    add(
        "NoticeRequest",
        json!([
            { "properties": { "event": { "pattern": "^payment" } } },
            {
                "properties": {
                    "event": { "pattern": "^refund" },
                    "object": {
                        "properties": { "payment_id": { "type": "string" } }, "required": ["payment_id"],
                    },
                },
            },
        ]),
    );
    add(
        "PlaceOrderRequest",
        json!([
            { "properties": { "address": { "type": "object" }, "address_id": { "type": "null" } }, "required": ["address"] },
            { "properties": { "address_id": { "type": "string" }, "address": { "type": "null" } }, "required": ["address_id"] },
        ]),
    );
}

fn describe_operation(components: &Value, operation: &mut Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if parameter["in"] == "query" {
            // An empty one counts as absent.
            parameter["allowEmptyValue"] = json!(true);
        }
        let word = parameter["name"].as_str().and_then(|name| words::of_parameter(&id, name));
        if let (Some(word), Some(schema)) = (word, parameter.get_mut("schema")) {
            describe_value(schema, word);
        }
    }
    if let Some(content) = operation.pointer_mut("/requestBody/content/application~1json") {
        content["example"] = example(components, &content["schema"]);
    }
    // The form is told by the file's name, or by its content type.
    if let Some(form) = operation.pointer_mut("/requestBody/content/multipart~1form-data") {
        form["encoding"] = json!({ "file": { "contentType": media_types() } });
    }
    for (status, answer) in operation["responses"].as_object_mut().into_iter().flatten() {
        if let Some(content) = answer.get_mut("content").and_then(|content| content.get_mut(JSON)) {
            content["example"] = example(components, &content["schema"]);
        }
        let described = answer["description"].as_str().unwrap_or_default().to_owned();
        if let Some(content) = answer.get_mut("content").and_then(|content| content.get_mut(PROBLEM)) {
            content["example"] = problem(status, &described);
        }
    }
}

/// The content type of each form of a price list.
fn media_types() -> String {
    Format::ALL.map(Format::media_type).join(", ")
}

/// A refusal with this status: with the first code that its description names, where it does.
fn problem(status: &str, described: &str) -> Value {
    let named = described.split([',', ' ', ';']).find_map(|word| {
        ProblemCode::ALL.iter().find(|code| code.as_str() == word && code.status().as_str() == status)
    });
    let status = status.parse().unwrap_or(salvo::http::StatusCode::INTERNAL_SERVER_ERROR);
    let code = named.copied().unwrap_or_else(|| {
        let known = ProblemCode::ALL.iter().find(|code| code.status() == status);
        known.copied().unwrap_or(ProblemCode::of_status(status))
    });
    json!({
        "type": format!("/problems/{}", code.as_str()),
        "title": code.title(),
        "status": status.as_u16(),
        "detail": code.title(),
        "code": code.as_str(),
        "request_id": "0199a9a0-7c1e-7d3a-9f00-5b1c2d3e4f50",
    })
}

/// An example of what a schema describes.
fn example(components: &Value, schema: &Value) -> Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(name_of) {
        return example(components, &components["schemas"][name]);
    }
    if let Some(example) = schema.pointer("/examples/0") {
        return example.clone();
    }
    let mut members = Map::new();
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        match example(components, part) {
            Value::Object(more) => members.extend(more),
            Value::Null => {}
            other => return other,
        }
    }
    let excluded = schema.pointer("/oneOf/0/properties");
    for (name, shape) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let excluded = excluded.and_then(|fields| fields[name].get("type"));
        if excluded != Some(&json!("null")) {
            members.insert(name.clone(), example(components, shape));
        }
    }
    if !members.is_empty() {
        return Value::Object(members);
    }
    if let Some(alternative) = schema.get("oneOf").and_then(Value::as_array).and_then(|all| all.last()) {
        return example(components, alternative);
    }
    if let Some(items) = schema.get("items") {
        return json!([example(components, items)]);
    }
    match schema.get("type") {
        Some(Value::Array(types)) => {
            of_type(types.first().and_then(Value::as_str).unwrap_or_default(), schema)
        }
        Some(Value::String(basic)) => of_type(basic, schema),
        _ => Value::Null,
    }
}

fn of_type(basic: &str, schema: &Value) -> Value {
    match basic {
        "boolean" => json!(true),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "object" => json!({}),
        "array" => json!([]),
        _ => Value::Null,
    }
}
