//! The job that fetches the file of an import.

use std::time::Duration;

use anyhow::anyhow;
use common::{
    imports::{
        self, ImportStatus,
        urls::{self, Awaiting, FetchFailure, FetchedList, jobs::FetchPriceList},
    },
    queue::{Failure, Finished, Outcome, Run},
};
use metrics::counter;
use tokio::{fs::File, time};

use super::fetching::{self, FetchError, Fetched, FetchedFile, Progress, Wanted};
use crate::{deps::Deps, registry::Perform};

/// How soon a list looks again whose supplier has another one fetched.
pub(super) const WAIT: Duration = Duration::from_secs(1);

/// How often the progress is shown.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

impl Perform for FetchPriceList {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut tx = deps.db.begin().await?;
        run.hold(&mut tx).await?;
        let Some(awaiting) = urls::begin_fetch(&mut tx, self.import_id).await? else {
            return Ok(Finished::Unmarked);
        };
        let Some(_place) = deps.fetcher.enter(awaiting.supplier_id) else {
            return Err(Failure::NotYet(WAIT));
        };
        tx.commit().await?;
        match fetch(deps, &awaiting).await {
            Ok(Some(file)) => keep(run, deps, &awaiting, file).await,
            Ok(None) => {
                fetching::broken_off();
                Ok(Finished::Unmarked)
            }
            Err(FetchError::Failed(failure)) if failure.may_pass && run.attempt < run.max_attempts => {
                try_again(run, deps, &awaiting, failure).await
            }
            Err(FetchError::Failed(failure)) => give_up(run, deps, &awaiting, failure).await,
            Err(FetchError::Ours(error)) => Err(Failure::Retry(error.context("a file could not be kept"))),
        }
    }
}

/// Fetches the file, and shows meanwhile how far it has come; none when its import is discarded.
async fn fetch(deps: &Deps, awaiting: &Awaiting) -> Result<Option<FetchedFile>, FetchError> {
    let progress = Progress::default();
    let wanted = Wanted { url: awaiting.url.clone(), etag: None, last_modified: None };
    let fetched = tokio::select! {
        fetched = deps.fetcher.fetch(&wanted, &progress) => fetched,
        () = show(deps, awaiting, &progress) => return Ok(None),
    };
    match fetched? {
        Fetched::File(file) => Ok(Some(file)),
        Fetched::NotModified => Err(FetchFailure::answered(304).into()),
    }
}

/// Shows how far a fetch has come, until nobody awaits it any more.
async fn show(deps: &Deps, awaiting: &Awaiting, progress: &Progress) {
    loop {
        time::sleep(PROGRESS_EVERY).await;
        let (bytes, total) = progress.look();
        match urls::note_fetched(deps.db.pool(), awaiting.id, bytes, total).await {
            Ok(true) => {}
            Ok(false) => return,
            // Nothing hangs on it.
            Err(error) => tracing::debug!(%error, "the progress of a fetch could not be shown"),
        }
    }
}

/// Hands the file in, like an upload.
async fn keep(run: &Run, deps: &Deps, awaiting: &Awaiting, fetched: FetchedFile) -> Outcome {
    let FetchedFile { file, format, bytes, etag, last_modified, .. } = fetched;
    let list = FetchedList { format, bytes, etag, last_modified };
    let mut tx = deps.db.begin_long().await?;
    run.hold(&mut tx).await?;
    if !urls::deliver(&mut tx, deps.clock.now(), awaiting, &list, File::from_std(file)).await? {
        return Ok(Finished::Unmarked);
    }
    let finished = run.finish(tx).await?;
    tracing::info!(import_id = %awaiting.id, host = awaiting.url.host(), bytes, "a price list was fetched");
    Ok(finished)
}

/// Notes why an attempt failed, for whoever looks before the next one.
async fn try_again(run: &Run, deps: &Deps, awaiting: &Awaiting, failure: FetchFailure) -> Outcome {
    let reason = anyhow!(failure.clone()).context("a price list could not be fetched yet");
    let mut tx = deps.db.begin().await?;
    run.hold(&mut tx).await?;
    if !urls::note_fetch_failure(&mut tx, awaiting.id, failure).await? {
        return Ok(Finished::Unmarked);
    }
    tx.commit().await?;
    Err(Failure::Retry(reason))
}

/// Ends the import, whose supplier is told.
async fn give_up(run: &Run, deps: &Deps, awaiting: &Awaiting, failure: FetchFailure) -> Outcome {
    let code = failure.code.as_str();
    let mut tx = deps.db.begin().await?;
    urls::note_fetch_failure(&mut tx, awaiting.id, failure.clone()).await?;
    if !imports::fail(&mut tx, &deps.trade, deps.clock.now(), awaiting.id, &failure.into()).await? {
        return Ok(Finished::Unmarked);
    }
    let finished = run.finish(tx).await?;
    counter!("imports_ended_total", "status" => ImportStatus::Failed.as_str()).increment(1);
    tracing::info!(import_id = %awaiting.id, host = awaiting.url.host(), code, "a price list cannot be fetched");
    Ok(finished)
}
