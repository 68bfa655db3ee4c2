//! The job that calls an order off whose card payment did not come in time.

use std::time::Duration;

use common::{
    orders::{self, Expiry},
    payments::{self, jobs::ExpireOrder},
    queue::{Failure, Outcome, Run},
};

use super::settle::settle;
use crate::{deps::Deps, registry::Perform};

/// How soon to try again while the provider is away.
const PROVIDER_AWAY: Duration = Duration::from_secs(60);

impl Perform for ExpireOrder {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut tx = deps.db.begin().await?;
        match orders::time_to_pay(&mut tx, deps.clock.now(), self.order_id).await? {
            // The order is locked: whoever has it wait again comes after this job is done, and makes a new one.
            None => return run.finish(tx).await,
            Some(left) if left.is_positive() => return Err(not_yet(left)),
            Some(_) => tx.rollback().await?,
        }
        // Whoever has paid in time must not lose the order since a notice was lost: the provider has the last word,
        // and while it is away the order waits.
        let open = payments::open_card(&mut *deps.db.pool().acquire().await?, self.order_id).await?;
        if let Some(payment_id) = open {
            match settle(deps, run, payment_id).await {
                Ok(()) => {}
                Err(Failure::Retry(error)) => {
                    let error = format!("{error:#}");
                    tracing::warn!(order_id = %self.order_id, error, "an order cannot expire: its provider is away");
                    return Err(Failure::NotYet(PROVIDER_AWAY));
                }
                Err(failure) => return Err(failure),
            }
        }
        let mut tx = deps.db.begin().await?;
        match orders::expire(&mut tx, &deps.trade, deps.clock.now(), self.order_id).await? {
            Expiry::Waits(left) => Err(not_yet(left)),
            Expiry::Over => run.finish(tx).await,
            Expiry::CalledOff => {
                let finished = run.finish(tx).await?;
                tracing::info!(order_id = %self.order_id, "an order was called off: its payment did not come");
                Ok(finished)
            }
        }
    }
}

fn not_yet(left: impl TryInto<Duration>) -> Failure {
    Failure::NotYet(left.try_into().unwrap_or(Duration::ZERO))
}
