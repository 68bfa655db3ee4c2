//! The trace that code runs in. It comes with a request as W3C's `traceparent`, is kept with the jobs that the request
//! causes, and goes on in them. Where nobody collects traces there is none.

use std::collections::HashMap;

use opentelemetry::{
    propagation::TextMapPropagator,
    trace::{Status, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header in which a trace comes.
pub const HEADER: &str = "traceparent";

/// Where this code stands in its trace, to be gone on from elsewhere.
#[must_use]
pub fn current() -> Option<String> {
    let context = Span::current().context();
    let span = context.span().span_context().clone();
    let sampled = if span.is_sampled() { "01" } else { "00" };
    span.is_valid().then(|| format!("00-{}-{}-{sampled}", span.trace_id(), span.span_id()))
}

/// Makes a span, before it is entered, one that goes on from elsewhere. What cannot be read begins a trace of its own.
pub fn follow(span: &Span, parent: Option<&str>) {
    let Some(parent) = parent else { return };
    let carried = HashMap::from([(HEADER.to_owned(), parent.to_owned())]);
    // Where no traces are collected there is nothing to follow.
    _ = span.set_parent(TraceContextPropagator::new().extract(&carried));
}

/// Says what a span turned out to be called: not its path but its pattern, not the job's id but its kind.
pub fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// Adds to a span what belongs into a trace and not into every line of the log.
pub fn note(span: &Span, name: &'static str, value: impl Into<opentelemetry::Value>) {
    span.set_attribute(name, value);
}

/// Marks a span as one of something that failed, in a few words without anything personal.
pub fn fail(span: &Span, what: String) {
    span.set_status(Status::error(what));
}
