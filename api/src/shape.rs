//! What is wrong with the shape of a JSON body, all of it, by the schema of the type it is meant for.

use salvo::oapi::{
    Array, BasicType, Components, Object, RefOr, Schema, ToSchema,
    schema::{ArrayItems, SchemaType},
};
use serde_json::Value;

use crate::{
    body::{escape, whole_number},
    error::FieldProblem,
};

/// How many problems are looked for: a body may have a hundred thousand items, all of them wrong.
pub(crate) const AT_MOST: usize = 1_000;

/// Every field of `tree` that is missing, unknown or of the wrong type for `T`.
pub(crate) fn problems<T: ToSchema>(tree: &Value) -> Vec<FieldProblem> {
    let mut components = Components::new();
    let schema = T::to_schema(&mut components);
    let mut found = Vec::new();
    check(&components, &schema, tree, "", &mut found);
    found
}

fn check(
    components: &Components,
    schema: &RefOr<Schema>,
    value: &Value,
    at: &str,
    found: &mut Vec<FieldProblem>,
) {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            if let Some(schema) = components.schemas.get(name) {
                check(components, schema, value, at, found);
            }
        }
        RefOr::Type(Schema::Object(object)) => check_object(components, object, value, at, found),
        // An optional object: null, or what the reference says.
        RefOr::Type(Schema::OneOf(one_of)) if !value.is_null() => {
            for schema in one_of.items.iter().filter(|schema| matches!(schema, RefOr::Ref(_))) {
                check(components, schema, value, at, found);
            }
        }
        // The same with words of its own beside it.
        RefOr::Type(Schema::AllOf(all_of)) => {
            for schema in all_of.items.iter().filter(|item| !matches!(item, RefOr::Type(Schema::Object(_)))) {
                check(components, schema, value, at, found);
            }
        }
        RefOr::Type(Schema::Array(array)) => check_items(components, array, value, at, found),
        RefOr::Type(_) => {}
    }
}

fn check_items(
    components: &Components,
    array: &Array,
    value: &Value,
    at: &str,
    found: &mut Vec<FieldProblem>,
) {
    match (value, &array.items) {
        (Value::Null, _) => {}
        (Value::Array(items), ArrayItems::RefOrSchema(schema)) => {
            for (index, item) in items.iter().enumerate() {
                if found.len() >= AT_MOST {
                    return;
                }
                check(components, schema, item, &format!("{at}/{index}"), found);
            }
        }
        (Value::Array(_), ArrayItems::False) => {}
        _ => found.push(mistyped(at, "an array", value)),
    }
}

fn check_object(
    components: &Components,
    object: &Object,
    value: &Value,
    at: &str,
    found: &mut Vec<FieldProblem>,
) {
    if let Some(expected) = expected_type(&object.schema_type, value) {
        found.push(mistyped(at, expected, value));
        return;
    }
    let Value::Object(members) = value else { return };
    for name in object.required.iter().filter(|name| !members.contains_key(*name)) {
        found.push(problem(at, name, "required", "this field is missing"));
    }
    for (name, member) in members {
        match object.properties.get(name) {
            Some(schema) => check(components, schema, member, &format!("{at}/{}", escape(name)), found),
            None => found.push(problem(at, name, "unknown_field", "there is no such field")),
        }
    }
}

/// What was expected, when `value` is not of a type that the schema names.
fn expected_type(schema: &SchemaType, value: &Value) -> Option<&'static str> {
    let types: Vec<BasicType> = match schema {
        SchemaType::Basic(basic) => vec![basic.clone()],
        SchemaType::Array(basics) => basics.clone(),
        SchemaType::AnyValue => return None,
    };
    let fits = types.iter().any(|basic| match basic {
        BasicType::Object => value.is_object(),
        BasicType::String => value.is_string(),
        BasicType::Integer => value.as_number().and_then(whole_number).is_some(),
        BasicType::Number => value.is_number(),
        BasicType::Boolean => value.is_boolean(),
        BasicType::Array => value.is_array(),
        BasicType::Null => value.is_null(),
    });
    let named = types.iter().find(|basic| !matches!(basic, BasicType::Null));
    match (fits, named) {
        (true, _) | (false, None) => None,
        (false, Some(basic)) => Some(match basic {
            BasicType::Object => "an object",
            BasicType::String => "a string",
            BasicType::Integer => "a whole number of at most 64 bits",
            BasicType::Number => "a number",
            BasicType::Boolean => "true or false",
            BasicType::Array => "an array",
            BasicType::Null => "null",
        }),
    }
}

fn mistyped(at: &str, expected: &str, value: &Value) -> FieldProblem {
    let what = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    FieldProblem {
        pointer: at.to_owned(),
        code: "wrong_type".to_owned(),
        detail: format!("expected {expected}, found {what}"),
    }
}

fn problem(at: &str, name: &str, code: &str, detail: &str) -> FieldProblem {
    FieldProblem {
        pointer: format!("{at}/{}", escape(name)),
        code: code.to_owned(),
        detail: detail.to_owned(),
    }
}
