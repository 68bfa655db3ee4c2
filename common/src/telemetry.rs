//! Logs: text for people, JSON for machines, both on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// How to log, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct LogArgs {
    /// What to log, e.g. info,sqlx=warn,common=debug
    #[arg(long, env = "RUST_LOG", default_value = "info,sqlx=warn")]
    pub log: String,

    /// The form of a log line
    #[arg(long, env = "LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// The form of a log line.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogArgs {
    /// Starts logging; call it once, before anything that logs.
    ///
    /// # Errors
    /// When `RUST_LOG` cannot be read.
    pub fn start(&self) -> anyhow::Result<()> {
        let filter = EnvFilter::try_new(&self.log).map_err(|error| anyhow::anyhow!("RUST_LOG: {error}"))?;
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal());
        match self.log_format {
            LogFormat::Text => lines.with_target(false).init(),
            LogFormat::Json => lines.json().flatten_event(true).init(),
        }
        Ok(())
    }
}
