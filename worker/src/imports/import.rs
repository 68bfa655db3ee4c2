//! The job that imports a price list.

use std::time::Duration;

use anyhow::anyhow;
use common::{
    ids::PriceImportId,
    imports::{
        self, ApplyError, Begin, Begun, ImportFailure, ImportStatus, StageError, Verdict, Wording,
        formats::{ListSummary, ReadError},
        jobs::ImportPriceList,
    },
    queue::{Failure, Finished, Outcome, Run},
};
use metrics::counter;

use crate::{deps::Deps, registry::Perform};

/// How soon a list that waits for an earlier one of its supplier, or for an attempt of its own, looks again.
const WAIT: Duration = Duration::from_secs(1);

impl Perform for ImportPriceList {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut tx = deps.db.begin().await?;
        run.hold(&mut tx).await?;
        let begun = match imports::begin(&mut tx, &deps.trade, &deps.clock, self.import_id).await? {
            Begin::Import(begun) => begun,
            Begin::Unchanged => {
                tracing::info!(import_id = %self.import_id, "a price list is the one that was applied last");
                let finished = run.finish(tx).await?;
                counter!("imports_ended_total", "status" => ImportStatus::Completed.as_str()).increment(1);
                return Ok(finished);
            }
            Begin::Wait => return Err(Failure::NotYet(WAIT)),
            Begin::Rest => return Ok(Finished::Unmarked),
        };
        tx.commit().await?;
        let summary = match begun.reverts {
            Some(reverts) => read_backwards(run, deps, &begun, reverts).await?,
            None => match read(run, deps, &begun).await? {
                Ok(summary) => summary,
                Err(failure) => return refuse(self, run, deps, &failure).await,
            },
        };
        let mut tx = deps.db.begin().await?;
        run.hold(&mut tx).await?;
        let verdict = imports::validate(&mut tx, &deps.trade, deps.clock.now(), &begun, &summary).await;
        let verdict = verdict.map_err(broken)?;
        if verdict == Verdict::Wait {
            return run.finish(tx).await;
        }
        tx.commit().await?;
        let mut tx = deps.db.begin().await?;
        let applied = imports::apply(&mut tx, &deps.trade, &deps.clock, &begun).await.map_err(broken)?;
        let finished = run.finish(tx).await?;
        counter!("imports_ended_total", "status" => applied.status.as_str()).increment(1);
        tracing::info!(import_id = %self.import_id, counts = ?applied.counts, "a price list was imported");
        Ok(finished)
    }
}

/// Stages the goods of a list, or says why its file is none.
async fn read(run: &Run, deps: &Deps, begun: &Begun) -> Result<Result<ListSummary, ImportFailure>, Failure> {
    match imports::stage(&deps.db, run, begun, &deps.trade).await {
        Ok(summary) if summary.rows == 0 => Ok(Err(ImportFailure {
            code: "no_goods".to_owned(),
            detail: Wording {
                en: "found a list without goods, expected at least one".to_owned(),
                ru: "в списке нет товаров, ожидается хотя бы один".to_owned(),
            },
            line: None,
        })),
        Ok(summary) => Ok(Ok(summary)),
        Err(StageError::Read(ReadError::File(error))) => Ok(Err(error.into())),
        Err(StageError::Attempt(failure)) => Err(failure),
        Err(error) => Err(Failure::Retry(anyhow!(error))),
    }
}

/// Stages what another import has changed, as it was before.
async fn read_backwards(
    run: &Run,
    deps: &Deps,
    begun: &Begun,
    reverts: PriceImportId,
) -> Result<ListSummary, Failure> {
    let mut tx = deps.db.begin().await?;
    run.hold(&mut tx).await?;
    let summary = imports::stage_reversal(&mut tx, begun, reverts).await?;
    tx.commit().await?;
    Ok(summary)
}

/// Why an attempt ends of which nothing is kept.
fn broken(error: ApplyError) -> Failure {
    match error {
        ApplyError::Database(error) => error.into(),
        ApplyError::StageLost => Failure::Retry(error.into()),
    }
}

/// Ends an import of which nothing reaches the catalogue, for a reason that lies in the file.
async fn refuse(job: &ImportPriceList, run: &Run, deps: &Deps, failure: &ImportFailure) -> Outcome {
    let mut tx = deps.db.begin().await?;
    imports::fail(&mut tx, &deps.trade, deps.clock.now(), job.import_id, failure).await?;
    let finished = run.finish(tx).await?;
    counter!("imports_ended_total", "status" => ImportStatus::Failed.as_str()).increment(1);
    Ok(finished)
}
