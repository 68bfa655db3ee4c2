//! The slots of a queue in a worker process, and the jobs that fill them.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use metrics::{Gauge, gauge};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use super::{ClaimedJob, QueueName, store::CLAIMED_AT_ONCE};
use crate::ids::JobId;

/// How long more free slots are waited for.
const MOMENT: Duration = Duration::from_millis(3);

/// A claim of a job, as its fence knows it.
type Claimed = (JobId, i64);

/// So many jobs at once, and which ones they are.
#[derive(Clone)]
pub(super) struct Slots {
    permits: Arc<Semaphore>,
    /// How many free ones are worth a claim at once.
    several: u32,
    in_hand: Arc<Mutex<HashSet<Claimed>>>,
    used: Gauge,
}

/// A slot that a job fills; free again, and the job no longer in hand, when this is dropped.
pub struct Slot {
    claimed: Claimed,
    in_hand: Arc<Mutex<HashSet<Claimed>>>,
    used: Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    pub(super) fn new(queue: QueueName, number: usize) -> Self {
        let queue = queue.as_str();
        // At most a thousand, which a float holds.
        gauge!("queue_slots", "queue" => queue).set(number as f64);
        let used = gauge!("queue_slots_used", "queue" => queue);
        used.set(0.0);
        let several = u32::try_from(number.div_ceil(2).min(CLAIMED_AT_ONCE)).unwrap_or(u32::MAX);
        Self { permits: Arc::new(Semaphore::new(number)), several, in_hand: Arc::default(), used }
    }

    /// Slots for one claim, once there are some. While few are free, more are waited for, for a moment: a claim of many jobs
    /// costs little more than a claim of one.
    pub(super) async fn free(&self) -> Option<OwnedSemaphorePermit> {
        let mut free = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        let several = Arc::clone(&self.permits).acquire_many_owned(self.several.saturating_sub(1));
        if let Ok(several) = time::timeout(MOMENT, several).await {
            free.merge(several.ok()?);
        }
        let more = self.permits.available_permits().min(CLAIMED_AT_ONCE.saturating_sub(free.num_permits()));
        if let Ok(more) = Arc::clone(&self.permits).try_acquire_many_owned(u32::try_from(more).unwrap_or(0)) {
            free.merge(more);
        }
        Some(free)
    }

    /// Gives a job one of these free slots.
    pub(super) fn fill(&self, free: &mut OwnedSemaphorePermit, job: &ClaimedJob) -> Option<Slot> {
        let permit = free.split(1)?;
        let claimed = (job.id, job.claim);
        lock(&self.in_hand).insert(claimed);
        self.used.increment(1.0);
        Some(Slot { claimed, in_hand: Arc::clone(&self.in_hand), used: self.used.clone(), _permit: permit })
    }

    /// Whether a job fills a slot by this claim.
    pub(super) fn holds(&self, claimed: &Claimed) -> bool {
        lock(&self.in_hand).contains(claimed)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.in_hand).remove(&self.claimed);
        self.used.decrement(1.0);
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.claimed).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A set is whole whoever panicked beside it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
