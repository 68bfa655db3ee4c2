//! What a worker counts of its attempts.

use std::time::Duration;

use common::queue::{Failure, Outcome, QueueName};
use metrics::{counter, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// The figures, by their names.
const STARTED: &str = "jobs_started_total";
const FINISHED: &str = "jobs_finished_total";
const DURATION: &str = "job_duration_seconds";

/// The bounds of the durations' buckets, in seconds: from a statement to a long price list.
const DURATIONS_S: [f64; 12] = [0.005, 0.02, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0, 1_800.0];

/// How an attempt can end, as it is counted.
const RESULTS: [&str; 5] = ["done", "postponed", "lost", "retried", "dead"];

/// Begins to count, for `/metrics`. Once in a process.
///
/// # Errors
/// When something else counts already.
pub fn count() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &DURATIONS_S)?
        .install_recorder()
}

/// Shows zeros for what a queue's jobs may come to: to an alarm, a figure that appears with its first event has not grown.
pub(crate) fn begin(queue: QueueName, kinds: &[String]) {
    for kind in kinds {
        let queue = queue.as_str();
        counter!(STARTED, "queue" => queue, "kind" => kind.clone()).increment(0);
        for result in RESULTS {
            counter!(FINISHED, "queue" => queue, "kind" => kind.clone(), "result" => result).increment(0);
        }
    }
}

/// What is counted of an attempt.
pub(crate) struct Figures {
    pub(crate) queue: QueueName,
    pub(crate) kind: String,
}

impl Figures {
    pub(crate) fn started(&self) {
        counter!(STARTED, "queue" => self.queue.as_str(), "kind" => self.kind.clone()).increment(1);
    }

    /// An attempt that failed is `retried` as long as attempts are left, and `dead` after the last one.
    pub(crate) fn finished(&self, outcome: &Outcome, attempts_left: bool, took: Duration) {
        let result = match outcome {
            Ok(_) => "done",
            Err(Failure::NotYet(_)) => "postponed",
            Err(Failure::LeaseLost) => "lost",
            Err(Failure::Retry(_)) if attempts_left => "retried",
            Err(Failure::Retry(_) | Failure::GiveUp(_)) => "dead",
        };
        let (queue, kind) = (self.queue.as_str(), self.kind.clone());
        histogram!(DURATION, "queue" => queue, "kind" => kind.clone()).record(took.as_secs_f64());
        counter!(FINISHED, "queue" => queue, "kind" => kind, "result" => result).increment(1);
    }
}
