//! The jobs that fetch price lists by themselves: which are due, and whether one has changed.

use anyhow::anyhow;
use common::{
    imports::{
        ImportFailure, ReceiveError,
        urls::{
            self, Checking, FetchedList,
            jobs::{CheckPriceList, FetchDuePriceLists},
        },
    },
    queue::{Failure, Finished, Outcome, Run},
};
use tokio::fs::File;

use super::fetching::{FetchError, Fetched, FetchedFile, Progress, Wanted};
use crate::{deps::Deps, registry::Perform};

/// How many looks one transaction enqueues.
const BATCH: i64 = 100;

impl Perform for FetchDuePriceLists {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut all = 0;
        loop {
            let mut tx = deps.db.begin().await?;
            run.hold(&mut tx).await?;
            let due = urls::enqueue_due(&mut tx, deps.clock.now(), BATCH).await?;
            all += due;
            // Fewer than were asked for: there are no more.
            if due < usize::try_from(BATCH).unwrap_or(usize::MAX) {
                let finished = run.finish(tx).await?;
                if all > 0 {
                    tracing::info!(all, "price lists are due to be fetched");
                }
                return Ok(finished);
            }
            tx.commit().await?;
        }
    }
}

impl Perform for CheckPriceList {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut tx = deps.db.begin().await?;
        run.hold(&mut tx).await?;
        let checking = urls::begin_check(&mut tx, self.supplier_id).await?;
        tx.commit().await?;
        let Some(checking) = checking else { return Ok(Finished::Unmarked) };
        let Some(_place) = deps.fetcher.enter(self.supplier_id) else {
            return Err(Failure::NotYet(super::fetch::WAIT));
        };
        let wanted = Wanted {
            url: checking.url.clone(),
            etag: checking.etag.clone(),
            last_modified: checking.last_modified.clone(),
        };
        match deps.fetcher.fetch(&wanted, &Progress::default()).await {
            Ok(Fetched::NotModified) => unchanged(run, deps, &checking).await,
            Ok(Fetched::File(file)) if checking.last_sha256.as_ref() == Some(&file.sha256) => {
                unchanged(run, deps, &checking).await
            }
            Ok(Fetched::File(file)) => keep(run, deps, &checking, file).await,
            Err(FetchError::Failed(failure)) if failure.may_pass && run.attempt < run.max_attempts => {
                Err(Failure::Retry(anyhow!(failure).context("a price list could not be fetched yet")))
            }
            Err(FetchError::Failed(failure)) => give_up(run, deps, &checking, failure.into()).await,
            Err(FetchError::Ours(error)) => Err(Failure::Retry(error.context("a file could not be kept"))),
        }
    }
}

async fn unchanged(run: &Run, deps: &Deps, checking: &Checking) -> Outcome {
    let mut tx = deps.db.begin().await?;
    urls::note_unchanged(&mut tx, deps.clock.now(), checking).await?;
    run.finish(tx).await
}

/// Makes an import of the file, unless the supplier has named another address meanwhile.
async fn keep(run: &Run, deps: &Deps, checking: &Checking, fetched: FetchedFile) -> Outcome {
    let FetchedFile { file, format, bytes, etag, last_modified, .. } = fetched;
    let list = FetchedList { format, bytes, etag, last_modified };
    let mut tx = deps.db.begin_long().await?;
    run.hold(&mut tx).await?;
    let now = deps.clock.now();
    match urls::deliver_scheduled(&mut tx, now, checking, &list, File::from_std(file)).await {
        Ok(Some(import_id)) => {
            let finished = run.finish(tx).await?;
            tracing::info!(%import_id, host = checking.url.host(), bytes, "a price list was fetched by itself");
            Ok(finished)
        }
        Ok(None) => {
            tx.rollback().await?;
            Ok(Finished::Unmarked)
        }
        Err(ReceiveError::TooMany) => {
            tx.rollback().await?;
            give_up(run, deps, checking, urls::too_many()).await
        }
        Err(ReceiveError::Database(error)) => Err(error.into()),
    }
}

/// Notes why it failed, until the next time.
async fn give_up(run: &Run, deps: &Deps, checking: &Checking, failure: ImportFailure) -> Outcome {
    let mut tx = deps.db.begin().await?;
    urls::note_check_failure(&mut tx, &deps.trade, deps.clock.now(), checking, &failure).await?;
    let finished = run.finish(tx).await?;
    let (supplier_id, host) = (checking.supplier_id, checking.url.host());
    tracing::info!(%supplier_id, host, code = failure.code, "a price list cannot be fetched by itself");
    Ok(finished)
}
