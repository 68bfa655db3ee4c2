//! Answers other than a plain 200 with JSON, each with its place in the OpenAPI document.

use salvo::{
    async_trait,
    http::{
        StatusCode,
        header::{HeaderValue, LOCATION},
    },
    oapi::{Components, Content, EndpointOutRegister, Operation, Response as ResponseDoc, ToSchema},
    prelude::{Depot, Json, Request, Response, Writer},
};
use serde::Serialize;

/// 201: something new, and where it stands.
#[derive(Debug)]
pub struct Created<T> {
    /// The path of the new thing.
    pub location: String,
    /// The new thing.
    pub body: T,
}

/// 202: it was taken, and where to see what becomes of it.
#[derive(Debug)]
pub struct Accepted<T> {
    /// The path of what was begun, if it has one.
    pub location: Option<String>,
    /// What was begun.
    pub body: T,
}

/// 204: done, and nothing to say.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

#[async_trait]
impl<T: Serialize + Send> Writer for Created<T> {
    async fn write(self, _: &mut Request, _: &mut Depot, res: &mut Response) {
        respond(res, StatusCode::CREATED, Some(&self.location), self.body);
    }
}

#[async_trait]
impl<T: Serialize + Send> Writer for Accepted<T> {
    async fn write(self, _: &mut Request, _: &mut Depot, res: &mut Response) {
        respond(res, StatusCode::ACCEPTED, self.location.as_deref(), self.body);
    }
}

#[async_trait]
impl Writer for NoContent {
    async fn write(self, _: &mut Request, _: &mut Depot, res: &mut Response) {
        res.status_code(StatusCode::NO_CONTENT);
    }
}

/// Writes a JSON answer with a status and, where there is one, a place.
pub fn respond(res: &mut Response, status: StatusCode, location: Option<&str>, body: impl Serialize + Send) {
    res.status_code(status);
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(location).ok()) {
        res.headers_mut().insert(LOCATION, location);
    }
    res.render(Json(body));
}

fn document<T: ToSchema>(components: &mut Components, operation: &mut Operation, status: &str, what: &str) {
    let content = Content::new(T::to_schema(components));
    operation.responses.insert(status, ResponseDoc::new(what).add_content("application/json", content));
}

impl<T: ToSchema> EndpointOutRegister for Created<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        document::<T>(components, operation, "201", "Created; `Location` says where it stands");
    }
}

impl<T: ToSchema> EndpointOutRegister for Accepted<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        document::<T>(components, operation, "202", "Taken; what follows happens in the background");
    }
}

impl EndpointOutRegister for NoContent {
    fn register(_: &mut Components, operation: &mut Operation) {
        operation.responses.insert("204", ResponseDoc::new("Done"));
    }
}
