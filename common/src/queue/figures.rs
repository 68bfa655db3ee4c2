//! How the queues are doing, as figures: for people, alarms and autoscalers.

use metrics::gauge;
use sqlx::PgPool;

use super::{QueueName, store};

pub use store::figures::QueueFigures;

/// Jobs of each queue by state. Beyond 100,000 a number stands for "so many or more", so that looking at a backlog costs
/// little.
///
/// # Errors
/// When the database does not answer.
pub async fn of(pool: &PgPool) -> Result<Vec<QueueFigures>, sqlx::Error> {
    let names = QueueName::ALL.map(|queue| queue.as_str().to_owned());
    store::figures::of_queues(pool, &names).await
}

/// Counts the jobs of each queue and sets the figures.
///
/// Every worker reports the same of all queues: take the maximum over processes, not the sum.
///
/// # Errors
/// When the database does not answer.
pub async fn observe(pool: &PgPool) -> Result<(), sqlx::Error> {
    for figures in of(pool).await? {
        let states = [
            ("ready", figures.ready),
            ("waiting", figures.waiting),
            ("running", figures.running),
            ("dead", figures.dead),
        ];
        for (state, jobs) in states {
            // At most 100,000, which a float holds.
            gauge!("queue_jobs", "queue" => figures.queue.clone(), "state" => state).set(jobs as f64);
        }
        let queue = || figures.queue.clone();
        gauge!("queue_oldest_ready_seconds", "queue" => queue()).set(figures.oldest_ready_s);
        gauge!("queue_workers", "queue" => queue()).set(figures.workers as f64);
        gauge!("queue_paused", "queue" => queue()).set(if figures.paused_since.is_some() {
            1.0
        } else {
            0.0
        });
    }
    Ok(())
}
