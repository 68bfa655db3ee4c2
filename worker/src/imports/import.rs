//! The job that imports a price list.

use std::time::Duration;

use anyhow::anyhow;
use common::{
    imports::{self, Begin, StageError, formats::ReadError, jobs::ImportPriceList},
    queue::{Failure, Finished, Outcome, Run},
};

use crate::{deps::Deps, registry::Perform};

/// How soon a list that waits for an earlier one of its supplier looks again.
const WAIT: Duration = Duration::from_secs(1);

impl Perform for ImportPriceList {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut tx = deps.db.begin().await?;
        let begun = imports::begin(&mut tx, deps.clock.now(), self.import_id).await?;
        tx.commit().await?;
        let begun = match begun {
            Begin::Import(begun) => begun,
            Begin::Wait => return Err(Failure::NotYet(WAIT)),
            Begin::Ended => return Ok(Finished::Unmarked),
        };
        let summary = match imports::stage(deps.db.pool(), &begun).await {
            Ok(summary) => summary,
            Err(StageError::Read(ReadError::File(error))) => {
                let mut tx = deps.db.begin().await?;
                imports::fail(&mut tx, &deps.trade, deps.clock.now(), self.import_id, &error.into()).await?;
                return run.finish(tx).await;
            }
            Err(error) => return Err(Failure::Retry(anyhow!(error))),
        };
        let mut tx = deps.db.begin().await?;
        imports::begin_applying(&mut tx, deps.clock.now(), self.import_id, &summary).await?;
        tx.commit().await?;
        let mut tx = deps.db.begin().await?;
        let applied = imports::apply(&mut tx, &deps.trade, deps.clock.now(), &begun).await?;
        let outcome = run.finish(tx).await;
        tracing::info!(import_id = %self.import_id, counts = ?applied.counts, "a price list was imported");
        outcome
    }
}
