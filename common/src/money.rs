//! Money: whole minor units (kopecks, cents) in the installation's one currency, never a float.
//!
//! Text in, text out: `"110000.50"` is read by [`Money::parse`] and written by `Display`; sums are checked.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in minor units (1/100 of the currency), between zero and [`Money::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct Money(i64);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not digits with an optional `.` and more digits.
    #[error("expected an amount such as 110000 or 110000.50")]
    NotAnAmount,
    /// Below zero.
    #[error("an amount cannot be negative")]
    Negative,
    /// More than [`Money::MAX`].
    #[error("the amount is larger than {}", Money::MAX)]
    TooLarge,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Just under ten million million of the currency; a sum beyond it is refused.
    pub const MAX: Self = Self(999_999_999_999_999);

    /// An amount from minor units, as the database keeps it.
    ///
    /// # Errors
    /// [`MoneyError`] when it is negative or beyond [`Money::MAX`].
    pub fn from_minor(minor: i64) -> Result<Self, MoneyError> {
        match minor {
            i64::MIN..0 => Err(MoneyError::Negative),
            _ if minor > Self::MAX.0 => Err(MoneyError::TooLarge),
            _ => Ok(Self(minor)),
        }
    }

    /// The amount in minor units.
    #[must_use]
    pub fn minor(self) -> i64 {
        self.0
    }

    /// Reads digits with an optional fraction after `.`; a third and further decimal rounds half up.
    ///
    /// # Errors
    /// [`MoneyError`] for anything else: signs other than a leading `-`, exponents, spaces, `NaN`.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(MoneyError::NotAnAmount);
        }
        let digit = |place: usize| i64::from(fraction.as_bytes().get(place).map_or(0, |b| b - b'0'));
        let cents = digit(0) * 10 + digit(1) + i64::from(digit(2) >= 5);
        let minor = whole
            .parse::<i64>()
            .ok()
            .and_then(|units| units.checked_mul(100)?.checked_add(cents))
            .ok_or(MoneyError::TooLarge)?;
        if negative && minor > 0 {
            return Err(MoneyError::Negative);
        }
        Self::from_minor(minor)
    }

    /// Like [`parse`](Money::parse), for what must not be rounded: at most two decimals.
    ///
    /// # Errors
    /// As [`parse`](Money::parse).
    pub fn parse_exact(text: &str) -> Result<Self, MoneyError> {
        match text.split_once('.') {
            Some((_, fraction)) if fraction.len() > 2 => Err(MoneyError::NotAnAmount),
            _ => Self::parse(text),
        }
    }

    /// The sum, or `None` beyond [`Money::MAX`].
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(|minor| Self::from_minor(minor).ok())
    }

    /// A price times a number of pieces, or `None` beyond [`Money::MAX`].
    #[must_use]
    pub fn checked_mul(self, quantity: i64) -> Option<Self> {
        self.0.checked_mul(quantity).and_then(|minor| Self::from_minor(minor).ok())
    }
}

/// The installation's one currency, by its ISO 4217 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The code, e.g. `RUB`.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(format!("expected three capital letters such as RUB, found {text:?}")),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Self::parse(text)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, minor) in [("110000", 11_000_000), ("0.5", 50), ("1.10", 110), ("007", 700), ("0.005", 1)]
        {
            assert_eq!(Money::parse(text), Ok(Money(minor)), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "+1", "1e9", "NaN", "0x10", "1 000", "1,5", "--1", "-"] {
            assert_eq!(Money::parse(text), Err(MoneyError::NotAnAmount), "{text}");
        }
        assert_eq!(Money::parse("-5"), Err(MoneyError::Negative));
        assert_eq!(Money::parse(&"9".repeat(40)), Err(MoneyError::TooLarge));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(minor in 0..=Money::MAX.0) {
            let money = Money(minor);
            prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _unused = Money::parse(&text);
        }

        #[test]
        fn sums_never_wrap(a in 0..=Money::MAX.0, b in 0..=Money::MAX.0, quantity in 0..=i64::MAX) {
            prop_assert_eq!(Money(a).checked_add(Money(b)).is_some(), a + b <= Money::MAX.0);
            let product = i128::from(a) * i128::from(quantity);
            prop_assert_eq!(Money(a).checked_mul(quantity).is_some(), product <= i128::from(Money::MAX.0));
        }
    }
}
