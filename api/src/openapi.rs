//! The OpenAPI document: from the code, with every refusal that an operation can give.

mod describe;
mod words;

use std::sync::Once;

use salvo::oapi::{
    BasicType, Content, Info, Object, OpenApi, Operation, PathItemType, Ref, Response, naming,
    security::{Http, HttpAuthScheme, SecurityScheme},
};

use serde_json::Value;

use crate::{problem::ProblemCode, routes, serve::Bounds};

/// Operations that need no sign-in.
pub const PUBLIC: &[&str] = &[
    "/api/v1/auth/register",
    "/api/v1/auth/confirm-email",
    "/api/v1/auth/resend-confirmation",
    "/api/v1/auth/login",
    "/api/v1/auth/refresh",
    "/api/v1/auth/logout",
    "/api/v1/auth/password-reset",
    "/api/v1/auth/password-reset/confirm",
    "/api/v1/suppliers",
    "/api/v1/suppliers/{id}",
    "/api/v1/categories",
    "/api/v1/products",
    "/api/v1/products/{id}",
    "/api/v1/webhooks/payments/{provider}",
];

/// The document of this build.
#[must_use]
pub fn document() -> Value {
    let mut document = serde_json::to_value(from_code()).unwrap_or_default();
    describe::describe(&mut document);
    document
}

/// What the handlers and their types say.
fn from_code() -> OpenApi {
    // `OrderResponse`, not `api.orders.dto.OrderResponse`. Setting the namer forgets all names, also those that a
    // request is just being checked by.
    static NAMED: Once = Once::new();
    NAMED.call_once(|| naming::set_namer(naming::FlexNamer::new().short_mode(true)));
    let info = Info::new("Postavka", env!("CARGO_PKG_VERSION"))
        .description("Ordering from many suppliers through one catalogue.");
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer).bearer_format("JWT"));
    let mut document = OpenApi::with_info(info).merge_router(&routes::api(&Bounds::default()));
    document.components.security_schemes.insert("bearer".to_owned(), bearer.into());
    document.components.schemas.insert("Problem", problem_schema());
    for (path, item) in document.paths.iter_mut() {
        for (method, operation) in item.operations.iter_mut() {
            add_refusals(method, path, operation);
        }
    }
    document
}

/// The refusals that follow from what an operation takes.
fn add_refusals(method: &PathItemType, path: &str, operation: &mut Operation) {
    let needs_sign_in = operation.securities.is_some();
    let (takes_a_body, takes_parameters) =
        (operation.request_body.is_some(), !operation.parameters.0.is_empty());
    let documented_conflict = operation.responses.contains_key("409");
    let mut add = |status: &str, what: &str| {
        let what = operation.responses.get(status).map_or_else(|| what.to_owned(), description);
        let content = Content::new(Ref::from_schema_name("Problem"));
        operation
            .responses
            .insert(status, Response::new(what).add_content("application/problem+json", content));
    };
    if takes_a_body {
        add("400", "The body is not JSON, or no form");
        add("413", "The body is too large");
        add("415", "The body has another content type");
    }
    if takes_a_body || takes_parameters {
        add("422", "Some values are not right; `errors` names each");
    }
    // The endpoint names its conflicts itself; here they get their form.
    if documented_conflict {
        add("409", "");
    }
    if needs_sign_in {
        add("401", "No valid access token");
        add("403", "This is for another role");
    }
    if path.contains('{') {
        add("404", "There is no such thing, or it is somebody else's");
    }
    if let Some(conflicts) = conflicts(method, path) {
        add("409", conflicts);
    }
    match path {
        "/api/v1/auth/login" => {
            add("401", "The e-mail or the password is wrong");
            add("403", "The address is not confirmed yet");
        }
        "/api/v1/auth/refresh" => add("401", "The session has ended"),
        _ => {}
    }
    if is_limited(path) {
        add("429", "This was tried too often; try again after `Retry-After`");
    }
    add("500", "Something went wrong on our side");
    add("503", "Busy, or the database is away; try again after `Retry-After`");
}

fn description(response: &salvo::oapi::RefOr<Response>) -> String {
    match response {
        salvo::oapi::RefOr::Type(response) => response.description.clone(),
        salvo::oapi::RefOr::Ref(_) => String::new(),
    }
}

/// Whether an address may call it only so often.
fn is_limited(path: &str) -> bool {
    [
        "/api/v1/auth/register",
        "/api/v1/auth/resend-confirmation",
        "/api/v1/auth/login",
        "/api/v1/auth/password-reset",
        "/api/v1/auth/password-reset/confirm",
        "/api/v1/me/password",
    ]
    .contains(&path)
}

/// What an operation refuses for the state that things are in.
fn conflicts(method: &PathItemType, path: &str) -> Option<&'static str> {
    match (method, path) {
        (PathItemType::Put, "/api/v1/basket/lines/{offer_id}") => {
            Some("not_enough_stock, below_minimum, not_a_multiple, withdrawn, supplier_closed or basket_full")
        }
        (PathItemType::Delete, "/api/v1/me") => Some("last_staff"),
        (PathItemType::Get, "/api/v1/supplier/price-list") => {
            Some("not_exportable: the form has no place for the list")
        }
        (PathItemType::Post, "/api/v1/me/addresses") => Some("too_many_addresses"),
        (PathItemType::Post, "/api/v1/admin/messages/{id}/resend") => Some("message_under_way"),
        (PathItemType::Post, "/api/v1/admin/jobs/{id}/retry") => {
            Some("job_settled, job_key_taken or job_pointless; nothing was changed")
        }
        (PathItemType::Post, "/api/v1/admin/jobs/{id}/discard") => Some("job_settled"),
        (PathItemType::Post, "/api/v1/orders/{id}/cancel" | "/api/v1/orders/{id}/parts/{part_id}/cancel") => {
            Some("not_cancelable; nothing was canceled")
        }
        (PathItemType::Post, "/api/v1/orders/{id}/parts/{part_id}/received") => Some("illegal_transition"),
        (PathItemType::Patch, "/api/v1/admin/users/{id}") => Some("last_staff"),
        (PathItemType::Post, "/api/v1/supplier/imports") => Some("idempotency_in_flight or too_many_imports"),
        (
            PathItemType::Post,
            "/api/v1/supplier/imports/{id}/apply" | "/api/v1/admin/suppliers/{id}/imports/{import_id}/apply",
        ) => Some("import_not_waiting, import_outdated or import_under_way; nothing was changed"),
        (
            PathItemType::Post,
            "/api/v1/supplier/imports/{id}/revert"
            | "/api/v1/admin/suppliers/{id}/imports/{import_id}/revert",
        ) => Some("idempotency_in_flight, import_not_revertible or too_many_imports; nothing was changed"),
        (
            PathItemType::Post,
            "/api/v1/supplier/imports/{id}/discard"
            | "/api/v1/admin/suppliers/{id}/imports/{import_id}/discard",
        ) => Some("import_not_waiting"),
        (PathItemType::Post, "/api/v1/admin/suppliers/{id}/imports") => {
            Some("idempotency_in_flight, too_many_imports or supplier_unconfirmed")
        }
        (
            PathItemType::Post,
            "/api/v1/supplier/orders/{id}/status" | "/api/v1/admin/supplier-orders/{id}/status",
        ) => Some("illegal_transition or not_paid"),
        _ => None,
    }
}

/// RFC 9457, with our codes.
fn problem_schema() -> Object {
    let codes: Vec<serde_json::Value> = ProblemCode::ALL.iter().map(|code| code.as_str().into()).collect();
    let text = || Object::with_type(BasicType::String);
    let error = Object::new()
        .property("pointer", text())
        .property("code", text())
        .property("detail", text())
        .required("pointer")
        .required("code")
        .required("detail");
    Object::new()
        .property("type", text())
        .property("title", text())
        .property("status", Object::with_type(BasicType::Integer))
        .property("detail", text())
        .property("code", text().enum_values(codes))
        .property("request_id", text())
        .property("errors", salvo::oapi::Array::new().items(error))
        .required("type")
        .required("title")
        .required("status")
        .required("detail")
        .required("code")
        .required("request_id")
}
