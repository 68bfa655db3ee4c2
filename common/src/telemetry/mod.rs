//! Logs: text for people, JSON for machines, both on standard error. And [`Traces`], where a collector is set.

mod traces;

use std::io::{self, IsTerminal};

use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt,
};

pub use traces::Traces;

/// What to tell of a program that runs, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct TelemetryArgs {
    /// What to log, e.g. info,sqlx=warn,common=debug
    #[arg(long, env = "RUST_LOG", default_value = "info,sqlx=warn")]
    pub log: String,

    /// The form of a log line
    #[arg(long, env = "LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// The OpenTelemetry collector that gets traces (OTLP over HTTP), e.g. http://127.0.0.1:4318; none when empty
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", default_value = "")]
    pub otlp_endpoint: String,

    /// The name of this program in traces; postavka-api or postavka-worker when empty
    #[arg(long, env = "OTEL_SERVICE_NAME", default_value = "")]
    pub otel_service_name: String,
}

/// The form of a log line.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl TelemetryArgs {
    /// Starts logging, and tracing where a collector is set; call it once, before anything that logs. The runtime is what
    /// speaks to the collector.
    ///
    /// # Errors
    /// When `RUST_LOG` or the collector's address cannot be read.
    pub fn start(&self, program: &str, runtime: &Handle) -> anyhow::Result<Traces> {
        let filter = EnvFilter::try_new(&self.log).map_err(|error| anyhow::anyhow!("RUST_LOG: {error}"))?;
        if self.otlp_endpoint.is_empty() {
            tracing_subscriber::registry().with(filter).with(self.lines()).init();
            return Ok(Traces::none());
        }
        let service = match self.otel_service_name.as_str() {
            "" => format!("postavka-{program}"),
            name => name.to_owned(),
        };
        let traces = Traces::to(&self.otlp_endpoint, service, runtime.clone())?;
        // What is logged and what is traced are two decisions.
        let lines = self.lines().with_filter(filter);
        tracing_subscriber::registry().with(lines).with(traces.layer()).init();
        Ok(traces)
    }

    /// What writes the lines of the log.
    fn lines<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let lines =
            tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
        match self.log_format {
            LogFormat::Text => lines.with_target(false).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        }
    }
}
