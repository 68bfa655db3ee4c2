//! The job that imports a price list.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{ImportFailure, actions};
use crate::{
    ids::PriceImportId,
    queue::{Death, Job, QueueName},
};

/// Imports one price list.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportPriceList {
    /// Which one.
    pub import_id: PriceImportId,
}

impl Job for ImportPriceList {
    const KIND: &'static str = "import_price_list";
    const QUEUE: QueueName = QueueName::IMPORTS;
    const MAX_ATTEMPTS: u16 = 5;
    // Two million goods take minutes; a list that takes longer is stuck.
    const TIMEOUT: Duration = Duration::from_secs(30 * 60);

    async fn on_dead(&self, conn: &mut PgConnection, death: Death<'_>) -> Result<(), sqlx::Error> {
        let failure = ImportFailure {
            code: "internal".to_owned(),
            detail: "the import failed for a reason that is not in the file; try again or ask the operator"
                .to_owned(),
            line: None,
        };
        actions::fail(conn, death.trade, death.now, self.import_id, &failure).await
    }
}
