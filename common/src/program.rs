//! What every program does around its work: a runtime, and an end that says what went wrong.

use std::{future::Future, process::ExitCode, time::Duration};

use crate::telemetry::LogArgs;

/// Starts logging, does the work, and turns its error into one line on standard error.
pub fn run(log: &LogArgs, work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let result = log.start().and_then(|()| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(work);
        // Blocking work that nobody waits for any more must not keep the process.
        runtime.shutdown_timeout(Duration::from_secs(1));
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
