//! The time, as business rules see it: passed in, so that a test can set it.
//!
//! Leases and `run_at` do not use it: they go by the database's clock, which all machines share.

use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

/// Where "now" comes from.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Mutex<Duration>>>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// The machine's clock plus a shift that [`Clock::advance`] moves, shared by all clones.
    #[must_use]
    pub fn shifted() -> Self {
        Self(Some(Arc::default()))
    }

    /// Moves a [shifted](Clock::shifted) clock forward; does nothing to the system's.
    pub fn advance(&self, by: Duration) {
        if let Some(shift) = &self.0 {
            *shift.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }

    /// Now, in UTC, to the microsecond: as exact as the database keeps it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn now(&self) -> OffsetDateTime {
        let shift = self
            .0
            .as_ref()
            .map_or(Duration::ZERO, |shift| *shift.lock().unwrap_or_else(PoisonError::into_inner));
        let now = OffsetDateTime::now_utc() + shift;
        now.replace_nanosecond(now.nanosecond() / 1_000 * 1_000).unwrap_or(now)
    }
}
