//! What the API answered.

use reqwest::{StatusCode, header::HeaderMap};
use serde_json::Value;

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    asked: String,
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
    body: String,
}

impl Answer {
    /// Sends a request and reads the answer to its end.
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.expect("a request that can be sent");
        let asked = format!("{} {}", request.method(), request.url());
        let response = client.execute(request).await.unwrap_or_else(|error| panic!("{asked}: {error:?}"));
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap_or_else(|error| panic!("{asked}: {error:?}")).to_vec();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Self { asked, status, headers, bytes, body }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Asserts the status code.
    #[track_caller]
    pub fn assert_status(self, status: u16) -> Self {
        assert_eq!(self.status(), status, "{}: {}", self.asked, self.body);
        self
    }

    /// A header, where it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of visible characters"))
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        &self.body
    }

    /// The body as it came.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{}: {}: {error}: {}", self.asked, self.status, self.body))
    }

    /// Asserts that this is a refusal with this code, whole and in its form, and returns it.
    #[track_caller]
    pub fn problem(&self, code: &str) -> Value {
        let problem = self.json();
        assert_eq!(problem["code"], code, "{}: {}", self.asked, self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.asked);
        assert_eq!(problem["type"], format!("/problems/{code}"), "{}", self.asked);
        assert_eq!(problem["status"], self.status(), "{}", self.asked);
        for member in ["title", "detail", "request_id"] {
            let text = problem[member].as_str();
            assert!(text.is_some_and(|text| !text.is_empty()), "{}: {member}: {problem}", self.asked);
        }
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"), "{}", self.asked);
        problem
    }

    /// Asserts that this is a 422 for exactly these values: pointer and code of each, in any order.
    #[track_caller]
    pub fn invalid(&self, expected: &[(&str, &str)]) {
        let problem = self.problem("validation_failed");
        assert_eq!(self.status(), 422);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let errors = problem["errors"].as_array().expect("a list of errors");
        let mut found: Vec<_> =
            errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect();
        let mut expected: Vec<_> =
            expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{}: {problem}", self.asked);
    }
}
