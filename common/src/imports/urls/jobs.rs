//! The jobs that fetch price lists.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    ids::PriceImportId,
    imports::{self, ImportFailure, store},
    queue::{Death, Job, QueueName, Retrial},
};

/// How long one attempt may take at most: the file has five minutes to come, and is then written to the database.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// Fetches the file of one import.
#[derive(Debug, Serialize, Deserialize)]
pub struct FetchPriceList {
    /// Which one.
    pub import_id: PriceImportId,
}

impl Job for FetchPriceList {
    const KIND: &'static str = "fetch_price_list";
    const QUEUE: QueueName = QueueName::FETCHES;
    // Over two minutes, and as long as the attempts take: a server that is restarted is back by then.
    const MAX_ATTEMPTS: u16 = 8;
    const TIMEOUT: Duration = LONGEST;

    async fn on_dead(&self, conn: &mut PgConnection, death: Death<'_>) -> Result<(), sqlx::Error> {
        imports::fail(conn, death.trade, death.now, self.import_id, &ImportFailure::internal()).await
    }

    async fn on_retry(&self, conn: &mut PgConnection, _: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        Ok(if store::awaits_file(conn, self.import_id).await? {
            Retrial::Again
        } else {
            Retrial::Pointless("its import has its file or has ended, as its supplier was told")
        })
    }

    async fn preview(&self, conn: &mut PgConnection) -> Result<String, sqlx::Error> {
        Ok(if store::awaits_file(conn, self.import_id).await? {
            "fetch the file of a price list from its address".to_owned()
        } else {
            "find no price list that awaits its file".to_owned()
        })
    }
}
