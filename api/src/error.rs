//! What a handler refuses, as RFC 9457 `application/problem+json`.
//!
//! Each domain's refusals become one in `error/refusals.rs`. A 500 says nothing of the inside: its cause is logged,
//! once, with the request's id.

mod refusals;

use common::text::Invalid;
use salvo::{
    async_trait,
    http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    oapi::{Components, EndpointOutRegister, Operation},
    prelude::{Depot, Request, Response, Writer},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{observe::RequestId, problem::ProblemCode};

/// What every handler returns.
pub type ApiResult<T> = Result<T, ApiError>;

/// How long a client should wait when we are overloaded or the database is away, in seconds.
const RETRY_AFTER_S: u64 = 2;

/// One value that is not right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Where: a JSON pointer into the body, or the name of a query parameter or header.
    pub pointer: String,
    /// What, for programs.
    pub code: String,
    /// What was found and what was expected, for people.
    pub detail: String,
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: ProblemCode,
    detail: String,
    errors: Vec<FieldProblem>,
    extra: Map<String, Value>,
    retry_after_s: Option<u64>,
}

impl ApiError {
    /// A refusal with a sentence for people.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let retry_after_s = (code == ProblemCode::Unavailable).then_some(RETRY_AFTER_S);
        Self { code, detail: detail.into(), errors: Vec::new(), extra: Map::new(), retry_after_s }
    }

    /// It was tried too often, and may be tried again in so many seconds.
    pub fn too_often(retry_after_s: u64) -> Self {
        let detail = format!("try again in {retry_after_s} seconds");
        Self { retry_after_s: Some(retry_after_s), ..Self::new(ProblemCode::TooManyRequests, detail) }
    }

    /// There is no such thing, or it is somebody else's: nobody is told which.
    pub fn not_found() -> Self {
        Self::new(ProblemCode::NotFound, "there is nothing at this address for you")
    }

    /// The body came too slowly.
    pub fn too_slow() -> Self {
        Self::new(ProblemCode::RequestTimeout, "the body stopped coming, or came too slowly; send it again")
    }

    /// Nobody knows whether it was done.
    pub fn outcome_unknown() -> Self {
        let detail =
            "it may have been done, or not: send it again with the same Idempotency-Key, or look first";
        Self::new(ProblemCode::Unavailable, detail)
    }

    /// Values that are not right, all of them.
    pub fn fields(errors: Vec<FieldProblem>) -> Self {
        let mut refusal = Self::new(ProblemCode::ValidationFailed, "see `errors` for what to mend");
        refusal.errors = errors;
        refusal
    }

    /// One value that is not right.
    pub fn field(pointer: &str, invalid: Invalid) -> Self {
        Self::fields(vec![FieldProblem {
            pointer: pointer.to_owned(),
            code: invalid.code.to_owned(),
            detail: invalid.detail,
        }])
    }

    /// Adds a member to the answer.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.extra.insert(name.to_owned(), json!(value));
        self
    }

    /// What went wrong inside, which the client is not told.
    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = chain(error), "a request failed");
        Self::new(ProblemCode::Internal, "the error was noted; quote the request_id when you report it")
    }

    /// An answer of ours cannot be written as JSON.
    pub fn unwritable(error: &serde_json::Error) -> Self {
        Self::internal(error)
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> ProblemCode {
        self.code
    }

    /// Writes it as the answer.
    pub fn render(self, depot: &Depot, res: &mut Response) {
        let request_id = depot.get_typed::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        let mut body = self.extra;
        body.insert("type".into(), json!(format!("/problems/{}", self.code.as_str())));
        body.insert("title".into(), json!(self.code.title()));
        body.insert("status".into(), json!(self.code.status().as_u16()));
        body.insert("detail".into(), json!(self.detail));
        body.insert("code".into(), json!(self.code.as_str()));
        body.insert("request_id".into(), json!(request_id));
        if !self.errors.is_empty() {
            body.insert("errors".into(), json!(self.errors));
        }
        res.status_code(self.code.status());
        if let Some(seconds) = self.retry_after_s {
            res.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == ProblemCode::RequestTimeout {
            // What may still come belongs to no request.
            res.headers_mut().insert(salvo::http::header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.code.status() == salvo::http::StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            res.headers_mut().insert(salvo::http::header::WWW_AUTHENTICATE, challenge);
        }
        res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        res.replace_body(salvo::http::ResBody::Once(Value::Object(body).to_string().into()));
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[async_trait]
impl Writer for ApiError {
    async fn write(self, _: &mut Request, depot: &mut Depot, res: &mut Response) {
        self.render(depot, res);
    }
}

impl EndpointOutRegister for ApiError {
    /// Nothing here: [`openapi`](crate::openapi) adds to each operation the refusals that it can give.
    fn register(_: &mut Components, _: &mut Operation) {}
}
