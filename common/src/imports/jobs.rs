//! The job that imports a price list.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{ImportFailure, actions, store};
use crate::{
    ids::PriceImportId,
    queue::{Death, Job, QueueName, Retrial},
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
        actions::fail(conn, death.trade, death.now, self.import_id, &ImportFailure::internal()).await?;
        Ok(())
    }

    async fn on_retry(&self, conn: &mut PgConnection, _: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        let begun = store::begin(conn, self.import_id).await?;
        let ended = begun.is_none_or(|begun| begun.status.has_ended());
        Ok(if ended {
            Retrial::Pointless(
                "its import has ended, as its supplier was told; the list has to be uploaded again",
            )
        } else {
            Retrial::Again
        })
    }

    async fn preview(&self, conn: &mut PgConnection) -> Result<String, sqlx::Error> {
        let begun = store::begin(conn, self.import_id).await?;
        Ok(begun.map_or_else(
            || "find no list to import".to_owned(),
            |begun| {
                let (mode, status) = (begun.mode.as_str(), begun.status.as_str());
                format!("read a price list ({status}) and apply it as {mode}")
            },
        ))
    }
}
