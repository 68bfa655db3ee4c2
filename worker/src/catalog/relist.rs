//! The job that brings a supplier's products to their places in lists.

use std::time::Duration;

use common::{
    catalog::{self, Relisted, jobs::RelistSupplier},
    queue::{Failure, Outcome, Run},
};

use crate::{deps::Deps, registry::Perform};

/// How soon to look again whether the supplier's list is through.
const WAIT: Duration = Duration::from_secs(2);

impl Perform for RelistSupplier {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut tx = deps.db.begin().await?;
        match catalog::relist_some(&mut tx, self).await? {
            Relisted::Done | Relisted::GivenWay => run.finish(tx).await,
            Relisted::Busy => Err(Failure::NotYet(WAIT)),
        }
    }
}
