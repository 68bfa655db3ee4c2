//! The job that sends a message.

use std::time::Duration;

use anyhow::anyhow;
use common::{
    mail::{self, Attempted, OutgoingMessage, jobs::SendEmail},
    queue::{Failure, Finished, Outcome, Run},
    request,
};
use tokio::time;
use tracing::Instrument;

use super::{FailureKind, Outgoing};
use crate::{deps::Deps, registry::Perform};

/// How long to wait before noting again what could not be noted.
const OUTAGE_PAUSE: Duration = Duration::from_millis(500);

/// What is said of a message that the server did not take, before its own words.
const NOT_TAKEN: &str = "the mail server did not take the message";
const REFUSED: &str = "the mail server refused the message for good";

impl Perform for SendEmail {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut tx = deps.db.begin().await?;
        run.hold(&mut tx).await?;
        let message = mail::begin_sending(&mut tx, &deps.trade, deps.clock.now(), self.message_id).await?;
        let Attempted::Send(message) = message else {
            tx.commit().await?;
            return Ok(Finished::Unmarked);
        };
        let _place = match deps.mailer.place_for(&message.recipient) {
            Ok(place) => place,
            Err(wait) => {
                // It was not begun.
                tx.rollback().await?;
                return Err(Failure::NotYet(wait));
            }
        };
        tx.commit().await?;
        match send(&message, deps).await {
            Ok(response) => loop {
                match note_sent(&message, &response, run, deps).await {
                    Err(Failure::Retry(error)) => {
                        tracing::warn!(%error, "a message was sent, which could not be noted; trying again");
                        time::sleep(OUTAGE_PAUSE).await;
                    }
                    noted => return noted,
                }
            },
            // It will be tried again. What is given up fails with its job, in one transaction.
            Err(Failure::Retry(error)) if run.attempt < run.max_attempts => {
                let mut tx = deps.db.begin().await?;
                run.hold(&mut tx).await?;
                mail::defer(&mut tx, deps.clock.now(), message.id, &format!("{error:#}")).await?;
                tx.commit().await?;
                Err(Failure::Retry(error))
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Marks a message sent and its job done, in one transaction.
async fn note_sent(message: &OutgoingMessage, response: &str, run: &Run, deps: &Deps) -> Outcome {
    let mut tx = deps.db.begin().await?;
    if !mail::mark_sent(&mut tx, deps.clock.now(), message.id, response).await? {
        // Noted already; or the database has lost what it had said, the number of this claim with it, and somebody else
        // may have the job by the same number. Done without its message it would never be sent.
        return Err(Failure::LeaseLost);
    }
    run.finish(tx).await
}

/// Renders a message and hands it to the server, outside any transaction; returns the server's answer.
async fn send(message: &OutgoingMessage, deps: &Deps) -> Result<String, Failure> {
    let rendered = deps
        .templates
        .render(message.kind, message.locale, &message.data)
        .map_err(|error| Failure::GiveUp(error.into()))?;
    let host = deps.trade.public_url.host_str().unwrap_or("localhost");
    let (message_id, request_id) = (message.message_id(host), request::current());
    let outgoing = Outgoing {
        message_id: &message_id,
        request_id: request_id.as_deref(),
        to: &message.recipient,
        rendered: &rendered,
    };
    let span = tracing::info_span!("smtp", otel.kind = "client");
    match deps.mailer.send(outgoing).instrument(span).await {
        Ok(accepted) => Ok(accepted.response),
        Err(error) => Err(match error.kind {
            // The server's words may name people: they stay below what is logged.
            FailureKind::Temporary => Failure::Retry(anyhow!(error.detail).context(NOT_TAKEN)),
            FailureKind::Permanent => Failure::GiveUp(anyhow!(error.detail).context(REFUSED)),
        }),
    }
}
