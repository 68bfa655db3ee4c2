//! The jobs that settle a card payment: when something happened, and from time to time.

use common::{
    payments::{
        self,
        jobs::{FinalizePayment, WatchPayment},
    },
    queue::{Failure, Finished, Outcome, Run},
};

use super::settle::settle;
use crate::{deps::Deps, registry::Perform};

impl Perform for FinalizePayment {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        settle(deps, run, self.payment_id).await?;
        Ok(Finished::Unmarked)
    }
}

impl Perform for WatchPayment {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        // A provider that is away is waited for without an end: this is the last that looks after the payment.
        match settle(deps, run, self.payment_id).await {
            Ok(()) => {}
            Err(Failure::Retry(error)) => {
                tracing::warn!(payment_id = %self.payment_id, error = format!("{error:#}"), "a payment cannot be watched");
            }
            Err(failure) => return Err(failure),
        }
        let begun = payments::open_since(&mut *deps.db.pool().acquire().await?, self.payment_id).await?;
        match begun {
            Some(begun) => Err(Failure::NotYet(WatchPayment::again_after(deps.clock.now() - begun))),
            None => Ok(Finished::Unmarked),
        }
    }
}
