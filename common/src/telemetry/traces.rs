//! Traces for an OpenTelemetry collector.
//!
//! Only the spans of our own crates are told: a request, a job, a conversation with a mail server or a payment provider.
//! What is logged in them is not, nor is anything personal. A span that ends goes into a bounded queue, which a thread of
//! its own empties; what finds it full is dropped. So neither requests nor jobs wait for a collector, and one that is away
//! costs its traces and nothing else. The SDK's usual variables are heard: `OTEL_TRACES_SAMPLER`, `OTEL_BSP_…`,
//! `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_EXPORTER_OTLP_HEADERS`.

use std::{
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, resource::EnvResourceDetector, trace::SdkTracerProvider};
use reqwest::redirect;
use tokio::runtime::Handle;
use tracing::{Level, Metadata, Subscriber, subscriber::Interest};
use tracing_subscriber::{Layer, filter::dynamic_filter_fn, registry::LookupSpan};
use url::Url;

/// How long one handing over may take, and the connecting in it.
const WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long a stop waits for the last spans to be handed over.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How often it is said that the collector is away.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Whose spans are told.
const OURS: [&str; 3] = ["api", "common", "worker"];

/// The way to a collector, if there is one.
#[must_use]
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Nobody is told anything.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Prepares to tell a collector; nothing is sent yet.
    pub(super) fn to(endpoint: &str, service: String, runtime: Handle) -> anyhow::Result<Self> {
        let address = address(endpoint)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(runtime)?)
            .with_endpoint(address)
            .build()
            .context("there is no way to it")?;
        let resource = Resource::builder_empty()
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_detector(Box::new(EnvResourceDetector::new()))
            .with_service_name(service)
            .build();
        let provider =
            SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
        Ok(Self(Some(provider)))
    }

    /// What collects the spans.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let tracer = self.0.as_ref()?.tracer("postavka");
        let spans = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_level(false)
            .with_target(false)
            .with_context_activation(false);
        // Asked anew for each span. Were it asked once for each place in the code, the answer to whoever only asks whether
        // something would be logged (sqlx does) would be taken for that to the next span.
        let told = dynamic_filter_fn(|metadata, _| is_told(metadata)).with_callsite_filter(|metadata| {
            if is_told(metadata) { Interest::sometimes() } else { Interest::never() }
        });
        Some(spans.with_filter(told))
    }

    /// Hands over what is left, within two seconds.
    pub fn end(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown_with_timeout(LAST_WORDS)) {
            tracing::warn!(%error, "the last traces were not handed over");
        }
    }
}

/// Where a collector takes traces: below its address, as OpenTelemetry has it.
fn address(endpoint: &str) -> anyhow::Result<String> {
    let expected = || format!("expected an address such as http://127.0.0.1:4318, found {endpoint:?}");
    let url = Url::parse(endpoint).with_context(expected)?;
    anyhow::ensure!(matches!(url.scheme(), "http" | "https") && url.host().is_some(), expected());
    Ok(format!("{}/v1/traces", url.as_str().trim_end_matches('/')))
}

fn is_told(metadata: &Metadata<'_>) -> bool {
    let of = metadata.target().split("::").next().unwrap_or_default();
    metadata.is_span() && *metadata.level() <= Level::INFO && OURS.contains(&of)
}

/// The exporter's HTTP client. Its thread has no runtime, so the conversations are held in the program's.
#[derive(Debug)]
struct Collector {
    http: reqwest::Client,
    runtime: Handle,
    told: Mutex<Option<Instant>>,
}

impl Collector {
    fn new(runtime: Handle) -> Result<Self, reqwest::Error> {
        crate::tls::use_ring();
        let http = reqwest::Client::builder()
            .timeout(WITHIN)
            .connect_timeout(CONNECT_WITHIN)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("postavka/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, runtime, told: Mutex::default() })
    }

    async fn hand_over(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (http, request) = (self.http.clone(), request.try_into()?);
        let exchange = async move {
            let answer = http.execute(request).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        };
        self.runtime.spawn(exchange).await?
    }

    fn complain(&self, what: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(error = what, "the collector does not take traces; they are dropped meanwhile");
        }
    }
}

impl HttpClient for Collector {
    // What `async` would be, were the trait made with it.
    fn send_bytes<'client, 'sending>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sending>>
    where
        'client: 'sending,
        Self: 'sending,
    {
        Box::pin(async move {
            let answered = self.hand_over(request).await;
            match &answered {
                Ok(answer) if answer.status().is_success() => {}
                Ok(answer) => self.complain(answer.status().as_str()),
                Err(error) => self.complain(&error.to_string()),
            }
            answered
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_below_the_collectors_address() {
        for (endpoint, wanted) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://otel.example.com/in/", "https://otel.example.com/in/v1/traces"),
        ] {
            assert_eq!(address(endpoint).unwrap(), wanted);
        }
        for wrong in ["127.0.0.1:4318", "grpc://otel:4317", "collector"] {
            assert!(address(wrong).unwrap_err().to_string().contains("expected an address"), "{wrong}");
        }
    }
}
