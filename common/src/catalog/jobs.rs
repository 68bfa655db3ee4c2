//! The jobs that keep products in their places in lists.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::store;
use crate::{
    ids::SupplierId,
    queue::{Job, QueueName, Retrial},
};

/// Brings some of the products of a supplier to their places, after it closed, opened or was approved, and leaves the
/// others to the next job. A supplier may have a million of them, for which neither requests nor other jobs should wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RelistSupplier {
    /// Which one.
    pub supplier_id: SupplierId,
    /// The pass that it belongs to: each change begins one, and the older ones give way.
    pub pass: i64,
    /// After which of its offers to go on.
    pub after_sku: Option<String>,
    /// How many products of this pass have left a place.
    #[serde(default)]
    pub left: i64,
}

/// Without a key: one that runs may have passed a product by when the supplier changes again.
impl Job for RelistSupplier {
    const KIND: &'static str = "relist_supplier";
    const QUEUE: QueueName = QueueName::MAINTENANCE;
    const MAX_ATTEMPTS: u16 = 20;
    const TIMEOUT: Duration = Duration::from_secs(2 * 60);

    async fn on_retry(&self, conn: &mut PgConnection, _: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        let last = store::is_last_pass(conn, self.supplier_id, self.pass).await?;
        Ok(if last { Retrial::Again } else { Retrial::Pointless("a newer pass does the same") })
    }

    async fn preview(&self, _: &mut PgConnection) -> Result<String, sqlx::Error> {
        Ok("bring a supplier's products to their places in lists".to_owned())
    }
}

/// Clears away the places that many products have left, past which pages would walk until autovacuum comes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClearPlaces {}

/// Without a key: one that runs does not see what is left after it has begun.
impl Job for ClearPlaces {
    const KIND: &'static str = "clear_places";
    const QUEUE: QueueName = QueueName::MAINTENANCE;
    // Autovacuum comes as well.
    const MAX_ATTEMPTS: u16 = 5;
    const TIMEOUT: Duration = Duration::from_secs(2 * 60);

    async fn preview(&self, _: &mut PgConnection) -> Result<String, sqlx::Error> {
        Ok("clear away the places in lists that products have left".to_owned())
    }
}
