//! The jobs of a test: waited for, made due, all done.

use std::time::{Duration, Instant};

use local_stack::payment_sandbox::PaymentSandbox;
use tokio::time;

use super::{LOOK_EVERY, PATIENCE, TestApp};

/// The jobs that wait for their time, and then look at the clock.
const SCHEDULED: [&str; 3] = ["watch_payment", "expire_order", "remind_overdue"];

impl TestApp {
    /// Waits until no job is left to do, and no notice on its way. What waits for another attempt is made due at once;
    /// what waits for its time is left to wait.
    pub async fn drain_jobs(&self) {
        self.drain_jobs_within(PATIENCE).await;
    }

    /// The same, for more jobs than usual.
    pub async fn drain_jobs_within(&self, patience: Duration) {
        let since = Instant::now();
        loop {
            let on_their_way = self.sandbox.as_ref().map_or(0, PaymentSandbox::undelivered);
            let unfinished = self.unfinished_jobs().await;
            if unfinished.is_empty() && on_their_way == 0 {
                return;
            }
            assert!(since.elapsed() < patience, "jobs are not done: {unfinished:#?}");
            self.hurry_jobs().await;
            time::sleep(LOOK_EVERY).await;
        }
    }

    async fn unfinished_jobs(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select concat_ws(' ', kind, state, 'attempts', attempts, payload, last_error) from jobs \
             where state in ('ready', 'running') \
               and not (state = 'ready' and run_at > now() and kind = any ($1) and last_error is null) \
             limit 20",
        )
        .bind(SCHEDULED)
        .fetch_all(self.pool())
        .await
        .expect("the jobs")
    }

    /// Lets what waits for its time look whether it has come, by the test's clock, and drains the jobs.
    pub async fn run_scheduled_jobs(&self) {
        let mut tx = self.pools[1].begin().await.expect("a transaction");
        sqlx::query("update jobs set run_at = now() where state = 'ready' and kind = any ($1)")
            .bind(SCHEDULED)
            .execute(&mut *tx)
            .await
            .expect("jobs are made due");
        tx.commit().await.expect("jobs are made due");
        self.drain_jobs().await;
    }

    /// Makes jobs due that wait for another attempt.
    async fn hurry_jobs(&self) {
        let mut tx = self.pools[1].begin().await.expect("a transaction");
        let statement = "update jobs set run_at = now() where state = 'ready' and run_at > now() \
                         and (kind <> all ($1) or last_error is not null)";
        let hurried =
            sqlx::query(statement).bind(SCHEDULED).execute(&mut *tx).await.expect("jobs are made due");
        if hurried.rows_affected() > 0 {
            // Committing wakes the worker.
            tx.commit().await.expect("jobs are made due");
        }
    }
}
