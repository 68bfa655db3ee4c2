//! The job that reminds of the invoices that were due by a day.

use std::time::Duration;

use common::{
    payments::{self, jobs::RemindOverdue},
    queue::{Failure, Outcome, Run},
};

use crate::{deps::Deps, registry::Perform};

/// How many invoices one transaction marks.
const BATCH: i64 = 200;

/// How soon to look again at those that somebody is paying or canceling.
const LOCKED: Duration = Duration::from_secs(5);

impl Perform for RemindOverdue {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let left = self.run_at(&deps.trade) - deps.clock.now();
        if left.is_positive() {
            return Err(Failure::NotYet(Duration::try_from(left).unwrap_or(Duration::ZERO)));
        }
        loop {
            let mut tx = deps.db.begin().await?;
            run.hold(&mut tx).await?;
            let now = deps.clock.now();
            let reminded = payments::remind_overdue(&mut tx, &deps.trade, now, self.due_on, BATCH).await?;
            if reminded == 0 {
                if payments::any_unmarked(&mut tx, self.due_on).await? {
                    return Err(Failure::NotYet(LOCKED));
                }
                return run.finish(tx).await;
            }
            tx.commit().await?;
            tracing::info!(reminded, due_on = %self.due_on, "reminded of overdue invoices");
        }
    }
}
