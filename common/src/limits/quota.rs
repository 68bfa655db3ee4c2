//! How much of something, and in which time.

use std::{fmt, str::FromStr};

use time::Duration;

/// So many in so much time: `10/m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    count: u32,
    period: Period,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    Second,
    Minute,
    Hour,
    Day,
}

impl Period {
    const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::Hour, Self::Day];

    fn letter(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
            Self::Day => "d",
        }
    }
}

impl Quota {
    /// How many.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }

    /// In which time.
    #[must_use]
    pub fn period(self) -> Duration {
        match self.period {
            Period::Second => Duration::SECOND,
            Period::Minute => Duration::MINUTE,
            Period::Hour => Duration::HOUR,
            Period::Day => Duration::DAY,
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.period.letter())
    }
}

/// A text that is no quota.
#[derive(Debug, thiserror::Error)]
#[error("expected so many in a second, minute, hour or day, such as 10/m; found {0:?}")]
pub struct InvalidQuota(String);

impl FromStr for Quota {
    type Err = InvalidQuota;

    fn from_str(text: &str) -> Result<Self, InvalidQuota> {
        let parsed = text.split_once('/').and_then(|(count, letter)| {
            let count = count.parse().ok().filter(|count| (1..=1_000_000).contains(count))?;
            let period = Period::ALL.into_iter().find(|period| period.letter() == letter)?;
            Some(Self { count, period })
        });
        parsed.ok_or_else(|| InvalidQuota(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_reads_as_it_is_written() {
        for (text, count, seconds) in [("1/s", 1, 1), ("10/m", 10, 60), ("5/h", 5, 3_600), ("9/d", 9, 86_400)]
        {
            let quota: Quota = text.parse().unwrap();
            assert_eq!((quota.count(), quota.period().whole_seconds()), (count, seconds));
            assert_eq!(quota.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_quota_is_refused() {
        for text in ["", "10", "0/m", "-1/m", "10/w", "10 / m", "1000001/s", "m/10", "10/m/s"] {
            assert!(text.parse::<Quota>().is_err(), "{text}");
        }
    }
}
