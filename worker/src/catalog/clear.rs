//! The job that clears away the places in lists that products have left.

use common::{
    catalog::{self, jobs::ClearPlaces},
    queue::{Outcome, Run},
};

use crate::{deps::Deps, registry::Perform};

impl Perform for ClearPlaces {
    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        // PostgreSQL does it in no transaction. Done twice, there is nothing left to do.
        catalog::clear_places(&mut *deps.db.pool().acquire().await?).await?;
        run.finish(deps.db.begin().await?).await
    }
}
