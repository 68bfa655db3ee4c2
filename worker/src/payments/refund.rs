//! The job that gives money of a card payment back.

use std::time::Duration;

use anyhow::anyhow;
use common::{
    payments::{self, ProviderError, RefundNoted, RefundStep, jobs::RefundPayment},
    queue::{Failure, Finished, Outcome, Run},
};

use super::settle::{provider, retry};
use crate::{deps::Deps, registry::Perform};

/// How soon to look again at a refund that the provider has on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(60);

impl Perform for RefundPayment {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let provider = provider(deps)?;
        let mut tx = deps.db.begin().await?;
        run.hold(&mut tx).await?;
        let step = payments::begin_refund(&mut tx, self.refund_id).await?;
        tx.commit().await?;
        let RefundStep::Ask(charge) = step else { return Ok(Finished::Unmarked) };
        // It may have been asked for before, by an attempt whose answer was lost: look first, since the provider
        // knows our key for a day only.
        let known = provider.find_refund(&charge).await.map_err(retry)?;
        let said = match known {
            Some(said) => Ok(said),
            None => match provider.refund(&charge).await {
                Ok(said) => Ok(said),
                Err(ProviderError::Refused(why)) => Err(why),
                Err(error) => return Err(retry(error)),
            },
        };
        let mut tx = deps.db.begin().await?;
        let said = said.as_ref().map_err(String::as_str);
        match payments::note_refund(&mut tx, deps.clock.now(), self.refund_id, said).await? {
            RefundNoted::Ended => run.finish(tx).await,
            RefundNoted::OnItsWay => Err(Failure::NotYet(ON_ITS_WAY)),
            RefundNoted::Disagrees(disagreement) => {
                tx.commit().await?;
                Err(Failure::Retry(anyhow!(disagreement)))
            }
        }
    }
}
