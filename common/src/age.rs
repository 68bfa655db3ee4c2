//! How old something may be: `30d`, `24h`, `90m`, `45s`.

use std::{fmt, str::FromStr, time::Duration};

/// The longest age, some hundred years.
const MOST_DAYS: u64 = 36_500;

/// An age in whole seconds, minutes, hours or days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(Duration);

/// What was written is no age.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number and s, m, h or d, such as 30d or 24h, found {0:?}")]
pub struct InvalidAge(String);

impl Age {
    /// So many days.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        Self(Duration::from_secs(days as u64 * 86_400))
    }

    /// How long that is.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.0
    }

    /// How long that is, in seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0.as_secs_f64()
    }
}

impl FromStr for Age {
    type Err = InvalidAge;

    fn from_str(text: &str) -> Result<Self, InvalidAge> {
        let seconds = || {
            let unit = match text.chars().last()? {
                's' => 1,
                'm' => 60,
                'h' => 3_600,
                'd' => 86_400,
                _ => return None,
            };
            let number: u64 = text.get(..text.len() - 1)?.parse().ok()?;
            number.checked_mul(unit).filter(|seconds| (1..=MOST_DAYS * 86_400).contains(seconds))
        };
        seconds().map(|seconds| Self(Duration::from_secs(seconds))).ok_or_else(|| InvalidAge(text.to_owned()))
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (unit, letter) = [(86_400, 'd'), (3_600, 'h'), (60, 'm')]
            .into_iter()
            .find(|(unit, _)| seconds.is_multiple_of(*unit))
            .unwrap_or((1, 's'));
        write!(f, "{}{letter}", seconds / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_reads_as_it_is_written() {
        for (text, seconds) in [("45s", 45), ("90m", 5_400), ("25h", 90_000), ("30d", 2_592_000)] {
            let age: Age = text.parse().unwrap();
            assert_eq!((age.duration().as_secs(), age.to_string().as_str()), (seconds, text));
        }
        assert_eq!("24h".parse(), Ok(Age::days(1)));
    }

    #[test]
    fn what_is_no_age_is_refused() {
        for text in ["", "d", "0d", "-1d", "1.5h", "1 d", "1w", "36501d", "99999999999999999999s", "д", "1д"]
        {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }
}
