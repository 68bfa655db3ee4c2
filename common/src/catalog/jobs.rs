//! The job that brings a supplier's products to their places in lists.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    ids::SupplierId,
    queue::{Job, QueueName},
};

/// Brings the products of a supplier to their places, after it closed, opened or was approved. A supplier may have a
/// million of them, which no request should wait for.
#[derive(Debug, Serialize, Deserialize)]
pub struct RelistSupplier {
    /// Which one.
    pub supplier_id: SupplierId,
}

/// Without a key: one that runs may have passed a product by when the supplier changes again.
impl Job for RelistSupplier {
    const KIND: &'static str = "relist_supplier";
    const QUEUE: QueueName = QueueName::MAINTENANCE;
    const MAX_ATTEMPTS: u16 = 20;
    const TIMEOUT: Duration = Duration::from_secs(15 * 60);
}
