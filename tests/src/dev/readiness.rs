//! Waiting for the API to say that it is ready.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::Addresses;

/// How long the API may take to become ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long it may take to say so.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Asks `/readyz` until it answers 200.
pub(super) async fn wait_for(addresses: &Addresses) -> anyhow::Result<()> {
    let question = format!("{}/readyz", addresses.api);
    // A proxy of the environment is for the world outside.
    let client = reqwest::Client::builder().timeout(ANSWER_WITHIN).no_proxy().build();
    let client = client.context("cannot make an HTTP client")?;
    let since = Instant::now();
    loop {
        let last = match client.get(&question).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => format!("its last answer was {}", answer.status()),
            Err(error) => format!("the last attempt failed: {error}"),
        };
        if since.elapsed() > READY_WITHIN {
            bail!("the API is not ready after {} s at {question}; {last}", READY_WITHIN.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
