//! What is known of every request: its id, its log line, its figures; and an answer for whatever no handler
//! answered.

use std::time::{Duration, Instant};

use common::{request, trace};
use salvo::{
    FlowCtrl, handler,
    http::{HeaderValue, StatusCode},
    prelude::{Depot, Request, Response},
};
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::{error::ApiError, limits, problem::ProblemCode};

/// The id of a request: the client's own, or one of ours. It is in every answer, log line and job.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

const HEADER: &str = "x-request-id";

/// A read that took longer is worth a line in the log.
const SLOW: Duration = Duration::from_secs(1);

impl RequestId {
    /// The client's, when it is 1 to 100 visible ASCII characters.
    fn of(req: &Request) -> Self {
        let offered = req.headers().get(HEADER).and_then(|value| value.to_str().ok());
        let usable = |id: &&str| (1..=100).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        Self(offered.filter(usable).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }
}

/// Gives the request its id, logs how it ended, and counts it.
#[handler]
pub async fn observe(req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
    let started = Instant::now();
    let id = RequestId::of(req);
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        res.headers_mut().insert(HEADER, value);
    }
    depot.insert_typed(id.clone());
    let span = tracing::info_span!("request", otel.kind = "server", request_id = id.0);
    trace::follow(&span, req.headers().get(trace::HEADER).and_then(|parent| parent.to_str().ok()));
    let _running = Running::start();
    request::scope(id.0, ctrl.call_next(req, depot, res).instrument(span.clone())).await;
    let _entered = span.enter();
    let status = res.status_code.map_or(0, |status| status.as_u16());
    // Anybody may invent methods, but not figures.
    let method = match req.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    // The pattern, not the path: paths carry ids, and figures must not grow with them.
    let route = match req.matched_path() {
        "" => "unmatched".to_owned(),
        path => format!("/{path}"),
    };
    let elapsed = started.elapsed();
    // A line for each read would cost more than the read: they are counted, and told of where something is wrong.
    let is_usual = matches!(method.as_str(), "GET" | "HEAD") && status < 400 && elapsed < SLOW;
    let elapsed_ms = elapsed.as_millis();
    if is_usual {
        tracing::debug!(method, route, status, elapsed_ms, "request served");
    } else {
        tracing::info!(method, route, status, elapsed_ms, "request served");
    }
    tell(&span, &method, &route, status);
    let labels = [("method", method), ("route", route), ("status", status.to_string())];
    metrics::histogram!("http_request_duration_seconds", &labels).record(elapsed);
}

/// What a trace knows of a request, in OpenTelemetry's words.
fn tell(span: &Span, method: &str, route: &str, status: u16) {
    trace::rename(span, format!("{method} {route}"));
    trace::note(span, "http.request.method", method.to_owned());
    trace::note(span, "http.route", route.to_owned());
    trace::note(span, "http.response.status_code", i64::from(status));
    if status >= 500 {
        trace::fail(span, format!("answered with {status}"));
    }
}

/// A request that runs, counted until it ends or is dropped.
struct Running(metrics::Gauge);

impl Running {
    fn start() -> Self {
        let gauge = metrics::gauge!("http_requests_in_flight");
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Answers in problem+json where no handler did: unknown paths, wrong methods, limits of the server.
#[handler]
pub async fn answer_unanswered(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    let status = res.status_code.unwrap_or(StatusCode::NOT_FOUND);
    // Only what took too long is answered so: it may have come as far as its commit.
    if status == StatusCode::SERVICE_UNAVAILABLE && !req.method().is_safe() {
        ApiError::outcome_unknown().render(depot, res);
        ctrl.skip_rest();
        return;
    }
    // Salvo's two limiters answer alike; the one of callers says when they may come again.
    let refused = if status == StatusCode::TOO_MANY_REQUESTS { limits::retry_after_s(res) } else { None };
    if let Some(seconds) = refused {
        ApiError::too_often(seconds).render(depot, res);
        ctrl.skip_rest();
        return;
    }
    let code = ProblemCode::of_status(status);
    let detail = match code {
        ProblemCode::NotFound => "there is nothing at this address",
        ProblemCode::MethodNotAllowed => "see the `Allow` header for what is",
        _ => code.title(),
    };
    ApiError::new(code, detail).render(depot, res);
    ctrl.skip_rest();
}
