//! When a failed job is tried again.

use std::time::Duration;

use rand::RngExt;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(3600);

/// The wait before the attempt after `attempts` failed ones: 1 s, doubling, at most an hour, each shortened by
/// up to a quarter at random so that jobs that failed together do not come back together.
#[must_use]
pub fn delay_after(attempts: u16) -> Duration {
    let doublings = u32::from(attempts.saturating_sub(1)).min(12);
    let full = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    full.mul_f64(1.0 - rand::rng().random_range(0.0..0.25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_are_never_short() {
        for (attempts, full_s) in [(1, 1), (2, 2), (5, 16), (12, 2048), (13, 3600), (u16::MAX, 3600)] {
            let full = Duration::from_secs(full_s);
            let delay = delay_after(attempts);
            assert!(delay <= full && delay >= full.mul_f64(0.75), "{attempts}: {delay:?}");
        }
    }
}
