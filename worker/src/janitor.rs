//! The job that throws away what was kept long enough.

use common::{
    janitor::{self, Litter, jobs::CleanUp},
    queue::{Outcome, Run},
};

use crate::{deps::Deps, registry::Perform};

impl Perform for CleanUp {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        for litter in Litter::ALL {
            let mut all = 0;
            loop {
                let mut tx = deps.db.begin().await?;
                run.hold(&mut tx).await?;
                let swept = janitor::sweep(&mut tx, litter, &deps.retention, deps.clock.now()).await?;
                tx.commit().await?;
                all += swept;
                if swept == 0 {
                    break;
                }
            }
            if all > 0 {
                tracing::info!(?litter, all, "what was kept long enough was thrown away");
            }
        }
        let mut tx = deps.db.begin().await?;
        let made = janitor::make_partitions(&mut tx, deps.clock.now()).await?;
        let finished = run.finish(tx).await?;
        if made > 0 {
            tracing::info!(made, "partitions of the ledgers were made ahead");
        }
        Ok(finished)
    }
}
