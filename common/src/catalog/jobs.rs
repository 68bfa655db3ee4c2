//! The job that brings a supplier's products to their places in lists.

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
