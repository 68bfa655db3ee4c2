//! The job that brings a supplier's products to their places in lists.

use common::{
    catalog::{self, jobs::RelistSupplier},
    queue::{Outcome, Run},
};

use crate::{deps::Deps, registry::Perform};

impl Perform for RelistSupplier {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut after_sku = None;
        loop {
            let mut tx = deps.db.begin().await?;
            run.hold(&mut tx).await?;
            after_sku = catalog::relist_some(&mut tx, self.supplier_id, after_sku.as_deref()).await?;
            if after_sku.is_none() {
                return run.finish(tx).await;
            }
            tx.commit().await?;
        }
    }
}
