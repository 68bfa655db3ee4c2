//! What every answer tells browsers: nothing is guessed, framed, passed on, or kept that is not meant to be.

use salvo::{
    FlowCtrl, Handler, async_trait,
    cors::{Cors, CorsHandler},
    http::{
        HeaderName, HeaderValue, Method,
        header::{
            self, ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, LOCATION, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    prelude::{Depot, Request, Response},
};

/// For answers that are no pages: nothing in them runs or loads anything.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// How long a browser asks no leave again, in seconds.
const PREFLIGHT_KEPT_S: u64 = 600;

/// Adds to every answer what its handler did not say itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Headers {
    /// Whether people come by https only.
    pub(crate) https: bool,
}

#[async_trait]
impl Handler for Headers {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        ctrl.call_next(req, depot, res).await;
        let headers = res.headers_mut();
        // What has a mark may be kept, and is asked about each time; all else is somebody's own.
        let kept = if headers.contains_key(ETAG) { "no-cache" } else { "no-store" };
        let usual = [
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            (REFERRER_POLICY, "no-referrer"),
            (CONTENT_SECURITY_POLICY, NO_PAGE),
            (CACHE_CONTROL, kept),
        ];
        for (name, value) in usual {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        if self.https {
            headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
    }
}

/// Lets pages of these origins read what the API answers. Who asks is said by the token, never by a cookie.
pub(crate) fn cors(origins: &[HeaderValue]) -> CorsHandler {
    let taken = [
        AUTHORIZATION,
        CONTENT_TYPE,
        ACCEPT_LANGUAGE,
        IF_NONE_MATCH,
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("x-request-id"),
    ];
    let shown = [
        ETAG,
        LOCATION,
        RETRY_AFTER,
        HeaderName::from_static("x-request-id"),
        HeaderName::from_static("idempotency-replayed"),
    ];
    let cors = Cors::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(taken.to_vec())
        .expose_headers(shown.to_vec())
        .max_age(PREFLIGHT_KEPT_S)
        .vary([header::ORIGIN]);
    match origins {
        [any] if any == "*" => cors.allow_origin(salvo::cors::Any).into_handler(),
        origins => cors.allow_origin(origins.to_vec()).into_handler(),
    }
}
