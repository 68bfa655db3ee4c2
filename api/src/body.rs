//! JSON bodies on their way in: the right content type, JSON at all, the right shape, and only then values.
//!
//! The shape is checked against the type's own schema, the one in the OpenAPI document, so that every missing,
//! unknown or mistyped field is named at once.

use bytes::Bytes;
use common::text::Invalid;
use salvo::{
    Extractible,
    extract::Metadata,
    http::ParseError,
    oapi::{Components, Content, EndpointArgRegister, Operation, RequestBody, ToSchema},
    prelude::{Depot, Request},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Number, Value};

use crate::{
    error::{ApiError, ApiResult, FieldProblem},
    problem::ProblemCode,
    serve::was_too_slow,
    shape,
};

/// The largest JSON body.
pub const MAX_BYTES: usize = 1 << 20;

/// A JSON body.
#[derive(Debug)]
pub struct Body<T> {
    value: T,
    raw: Bytes,
}

impl<T> Body<T> {
    /// What was sent.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Its bytes, as they were sent.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }
}

impl<'ex, T: DeserializeOwned + ToSchema + Send + 'static> Extractible<'ex> for Body<T> {
    fn metadata() -> &'static Metadata {
        static METADATA: Metadata = Metadata::new("Body");
        &METADATA
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract(req: &'ex mut Request, _: &'ex mut Depot) -> Result<Self, ApiError> {
        let is_json = req.content_type().is_some_and(|mime| mime.essence_str() == "application/json");
        if !is_json {
            let detail = "send the body as application/json";
            return Err(ApiError::new(ProblemCode::UnsupportedMediaType, detail));
        }
        let raw = match req.payload_with_max_size(MAX_BYTES).await.cloned() {
            Ok(bytes) => bytes,
            Err(ParseError::PayloadTooLarge) => {
                let detail = "the body is larger than this address takes";
                return Err(ApiError::new(ProblemCode::PayloadTooLarge, detail));
            }
            Err(_) if was_too_slow(req) => return Err(ApiError::too_slow()),
            Err(error) => return Err(ApiError::new(ProblemCode::BadRequest, error.to_string())),
        };
        let value = parse(&raw)?;
        Ok(Self { value, raw })
    }
}

fn parse<T: DeserializeOwned + ToSchema>(raw: &[u8]) -> ApiResult<T> {
    let tree: Value = serde_json::from_slice(raw).map_err(|error| {
        ApiError::new(ProblemCode::MalformedJson, format!("expected a JSON document: {error}"))
    })?;
    let mut problems = Vec::new();
    find_nul(&tree, "", &mut problems);
    if !problems.is_empty() {
        problems.extend(shape::problems::<T>(&tree));
        return Err(ApiError::fields(problems));
    }
    // Serde takes an array for a struct, by position; nobody else does.
    let members = tree.as_object().into_iter().flat_map(|members| members.values());
    if !tree.is_object() || members.into_iter().any(Value::is_array) {
        let problems = shape::problems::<T>(&tree);
        if !problems.is_empty() {
            return Err(ApiError::fields(problems));
        }
    }
    // Again from the bytes: of a tree, serde would not notice a key that is there twice.
    let mut reader = serde_json::Deserializer::from_slice(raw);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let mut problems = shape::problems::<T>(&tree);
        if problems.is_empty() {
            problems.push(FieldProblem {
                pointer: pointer(error.path()),
                code: "invalid".to_owned(),
                detail: without_position(&error.inner().to_string()),
            });
        }
        ApiError::fields(problems)
    })
}

/// PostgreSQL cannot hold a NUL in a text, and nobody types one.
fn find_nul(value: &Value, at: &str, found: &mut Vec<FieldProblem>) {
    if found.len() >= shape::AT_MOST {
        return;
    }
    match value {
        Value::String(text) if text.contains('\0') => found.push(has_nul(at.to_owned())),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_nul(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let at = format!("{at}/{}", escape(key));
                find_nul(member, &at, found);
                if key.contains('\0') {
                    found.push(has_nul(at));
                }
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn has_nul(pointer: String) -> FieldProblem {
    let (code, detail) = ("control_characters", "control characters are not allowed");
    FieldProblem { pointer, code: code.to_owned(), detail: detail.to_owned() }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}

/// A key as RFC 6901 writes it.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn without_position(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message).to_owned()
}

impl<T: ToSchema + 'static> EndpointArgRegister for Body<T> {
    fn register(components: &mut Components, operation: &mut Operation, _: &str) {
        let schema = T::to_schema(components);
        let body = RequestBody::new()
            .add_content("application/json", Content::new(schema))
            .required(salvo::oapi::Required::True);
        operation.request_body = Some(body);
    }
}

/// Reads a whole number, also one that is written with a fraction of zero: to JSON, `2` and `2.0` are the same.
///
/// # Errors
/// When it is no whole number, or beyond what can be kept.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = Number::deserialize(deserializer)?;
    whole_number(&number).ok_or_else(|| D::Error::custom("expected a whole number"))
}

/// The same of a field that may be absent or null.
///
/// # Errors
/// Likewise.
pub fn whole_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let number = Option::<Number>::deserialize(deserializer)?;
    number
        .map(|number| whole_number(&number).ok_or_else(|| D::Error::custom("expected a whole number")))
        .transpose()
}

/// What a number is, if it is whole and can be kept.
pub(crate) fn whole_number(number: &Number) -> Option<i64> {
    // Below 2^53 every whole number is a float, and the conversion is exact.
    let exact = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15);
    number.as_i64().or(exact.map(|number| number as i64))
}

/// Reads a field that is there, even if it is null: null takes away what was there.
///
/// # Errors
/// When it is neither null nor a text.
pub fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Turns the values of a request into the domain's, and gathers what is wrong with them.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldProblem>);

impl Fields {
    /// Notes what is wrong with a value, if anything is.
    pub fn take<T, E: Into<Invalid>>(&mut self, pointer: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.refuse(pointer, error.into())).ok()
    }

    /// Like [`take`](Fields::take), for a value that may be absent.
    pub fn optional<V, T, E: Into<Invalid>>(
        &mut self,
        pointer: &str,
        value: Option<V>,
        parse: impl FnOnce(V) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match value {
            None => Some(None),
            Some(value) => self.take(pointer, parse(value)).map(Some),
        }
    }

    /// Notes that a value is not right.
    pub fn refuse(&mut self, pointer: &str, invalid: Invalid) {
        self.0.push(FieldProblem {
            pointer: pointer.to_owned(),
            code: invalid.code.to_owned(),
            detail: invalid.detail,
        });
    }

    /// The whole, when each value was right.
    ///
    /// # Errors
    /// 422 with everything that was not.
    pub fn finish<T>(self, whole: Option<T>) -> ApiResult<T> {
        match whole {
            Some(whole) if self.0.is_empty() => Ok(whole),
            _ => Err(ApiError::fields(self.0)),
        }
    }
}
