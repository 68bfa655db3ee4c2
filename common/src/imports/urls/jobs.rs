//! The jobs that fetch price lists.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    ids::{PriceImportId, SupplierId},
    imports::{self, ImportFailure, store},
    queue::{Death, Job, QueueName, Retrial, schedule::Scheduled},
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
        imports::fail(conn, death.trade, death.now, self.import_id, &ImportFailure::internal()).await?;
        Ok(())
    }

    async fn on_retry(&self, conn: &mut PgConnection, _: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        Ok(if store::awaits_file(conn, self.import_id).await? {
            Retrial::Again
        } else {
            Retrial::Pointless("its import has its file, or has ended")
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

/// Looks whether a supplier's list has changed that is fetched by itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckPriceList {
    /// Whose.
    pub supplier_id: SupplierId,
}

impl Job for CheckPriceList {
    const KIND: &'static str = "check_price_list";
    const QUEUE: QueueName = QueueName::FETCHES;
    // The next time comes by itself.
    const MAX_ATTEMPTS: u16 = 4;
    const TIMEOUT: Duration = LONGEST;

    /// A slow one is not fetched twice at once.
    fn key(&self) -> Option<String> {
        Some(format!("price list of {}", self.supplier_id))
    }

    async fn on_dead(&self, conn: &mut PgConnection, death: Death<'_>) -> Result<(), sqlx::Error> {
        let Some(checking) = super::begin_check(conn, self.supplier_id).await? else { return Ok(()) };
        super::note_check_failure(conn, death.trade, death.now, &checking, &ImportFailure::internal()).await
    }

    async fn on_retry(&self, conn: &mut PgConnection, _: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        Ok(match super::find_schedule(conn, self.supplier_id).await? {
            Some(_) => Retrial::Again,
            None => Retrial::Pointless("its supplier does not have a price list fetched any more"),
        })
    }

    async fn preview(&self, _: &mut PgConnection) -> Result<String, sqlx::Error> {
        Ok("look whether a price list has changed at its address".to_owned())
    }
}

/// Enqueues the looks that are due.
#[derive(Debug, Serialize, Deserialize)]
pub struct FetchDuePriceLists {
    /// The minute for which it came.
    #[serde(with = "time::serde::rfc3339")]
    pub tick: OffsetDateTime,
}

impl Job for FetchDuePriceLists {
    const KIND: &'static str = "fetch_due_price_lists";
    const QUEUE: QueueName = QueueName::FETCHES;
    // The next minute brings another one.
    const MAX_ATTEMPTS: u16 = 3;
    const TIMEOUT: Duration = Duration::from_secs(60);

    fn key(&self) -> Option<String> {
        Some(format!("price lists due at {}", self.tick))
    }

    async fn preview(&self, _: &mut PgConnection) -> Result<String, sqlx::Error> {
        Ok("have price lists looked at that are due".to_owned())
    }
}

impl Scheduled for FetchDuePriceLists {
    const NAME: &'static str = "fetch_price_lists";
    const EVERY: Duration = Duration::from_secs(60);

    fn at(tick: OffsetDateTime) -> Self {
        Self { tick }
    }
}
