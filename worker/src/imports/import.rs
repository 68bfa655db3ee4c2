//! The job that imports a price list.

use std::time::Duration;

use anyhow::anyhow;
use common::{
    imports::{
        self, ApplyError, Begin, ImportFailure, StageError, Wording, formats::ReadError,
        jobs::ImportPriceList,
    },
    queue::{Failure, Finished, Outcome, Run},
};

use crate::{deps::Deps, registry::Perform};

/// How soon a list that waits for an earlier one of its supplier looks again.
const WAIT: Duration = Duration::from_secs(1);

impl Perform for ImportPriceList {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut tx = deps.db.begin().await?;
        run.hold(&mut tx).await?;
        let begun = imports::begin(&mut tx, deps.clock.now(), self.import_id).await?;
        tx.commit().await?;
        let begun = match begun {
            Begin::Import(begun) => begun,
            Begin::Wait => return Err(Failure::NotYet(WAIT)),
            Begin::Ended => return Ok(Finished::Unmarked),
        };
        let summary = match imports::stage(&deps.db, run, &begun, deps.trade.currency).await {
            Ok(summary) => summary,
            Err(StageError::Read(ReadError::File(error))) => {
                return refuse(self, run, deps, &error.into()).await;
            }
            Err(StageError::Attempt(failure)) => return Err(failure),
            Err(error) => return Err(Failure::Retry(anyhow!(error))),
        };
        if summary.rows == 0 {
            let empty = ImportFailure {
                code: "no_goods".to_owned(),
                detail: Wording {
                    en: "found a list without goods, expected at least one".to_owned(),
                    ru: "в списке нет товаров, ожидается хотя бы один".to_owned(),
                },
                line: None,
            };
            return refuse(self, run, deps, &empty).await;
        }
        let mut tx = deps.db.begin().await?;
        run.hold(&mut tx).await?;
        imports::begin_applying(&mut tx, deps.clock.now(), self.import_id, &summary).await?;
        tx.commit().await?;
        let mut tx = deps.db.begin().await?;
        let applied = imports::apply(&mut tx, &deps.trade, deps.clock.now(), &begun).await;
        let applied = applied.map_err(|error| match error {
            ApplyError::Database(error) => error.into(),
            ApplyError::StageLost => Failure::Retry(error.into()),
        })?;
        let finished = run.finish(tx).await?;
        tracing::info!(import_id = %self.import_id, counts = ?applied.counts, "a price list was imported");
        Ok(finished)
    }
}

/// Ends an import of which nothing reaches the catalogue, for a reason that lies in the file.
async fn refuse(job: &ImportPriceList, run: &Run, deps: &Deps, failure: &ImportFailure) -> Outcome {
    let mut tx = deps.db.begin().await?;
    imports::fail(&mut tx, &deps.trade, deps.clock.now(), job.import_id, failure).await?;
    run.finish(tx).await
}
