//! Logs: text for people, JSON for machines, both on standard error. And [`Traces`], where a collector is set.

mod traces;

use std::{
    io::{self, IsTerminal},
    str::FromStr,
};

use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt,
};

pub use traces::Traces;

use crate::config::Problems;

/// What to tell of a program that runs, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct TelemetryArgs {
    /// What to log, e.g. info,sqlx=warn,common=debug
    #[arg(long, global = true, env = "RUST_LOG", default_value = "info,sqlx=warn")]
    pub log: String,

    /// The form of a log line: text for people, json for machines
    #[arg(long, global = true, env = "LOG_FORMAT", default_value = "text")]
    pub log_format: String,

    /// The OpenTelemetry collector that gets traces (OTLP over HTTP), e.g. http://127.0.0.1:4318; none when empty
    #[arg(long, global = true, env = "OTEL_EXPORTER_OTLP_ENDPOINT", default_value = "")]
    pub otlp_endpoint: String,

    /// The name of this program in traces; postavka-api or postavka-worker when empty
    #[arg(long, global = true, env = "OTEL_SERVICE_NAME", default_value = "")]
    pub otel_service_name: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("expected text or json, found {text:?}")),
        }
    }
}

impl TelemetryArgs {
    /// Starts logging, and tracing where a collector is set; call it once, before anything that logs. The runtime is what
    /// speaks to the collector. Where its settings are not right it starts nothing: they are noted, and the program ends
    /// when the rest is checked.
    pub fn start(&self, program: &str, runtime: &Handle, problems: &mut Problems) -> Traces {
        let filter = problems.take("RUST_LOG", EnvFilter::try_new(&self.log));
        let format = problems.take("LOG_FORMAT", self.log_format.parse());
        let service = match self.otel_service_name.as_str() {
            "" => format!("postavka-{program}"),
            name => name.to_owned(),
        };
        let traces = match self.otlp_endpoint.as_str() {
            "" => Some(Traces::none()),
            endpoint => {
                let traces = Traces::to(endpoint, service, runtime.clone());
                problems.take("OTEL_EXPORTER_OTLP_ENDPOINT", traces.map_err(|error| format!("{error:#}")))
            }
        };
        let (Some(filter), Some(format), Some(traces)) = (filter, format, traces) else {
            return Traces::none();
        };
        // What is logged and what is traced are two decisions.
        let lines = lines(format).with_filter(filter);
        tracing_subscriber::registry().with(lines).with(traces.layer()).init();
        traces
    }
}

/// What writes the lines of the log.
fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let lines =
        tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}
