//! What looks like a slip in a price list: then the list waits for somebody, instead of ruining a catalogue at once.

use serde::{Deserialize, Serialize};

use super::{Wording, said};
use crate::text::Invalid;

/// What a supplier lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Prices that move by more than this are looked at.
    pub price_factor: PriceFactor,
    /// More than so many of a hundred offers withdrawn at once are looked at.
    pub withdrawn_percent: Percent,
}

/// How many times as much, or as little, a price may become: 1.01 to 1000, in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct PriceFactor(i32);

impl PriceFactor {
    /// Checks it; it is rounded to hundredths.
    ///
    /// # Errors
    /// `out_of_range` beyond 1.01 to 1000.
    pub fn parse(times: f64) -> Result<Self, Invalid> {
        let hundredths = (times * 100.0).round();
        if (101.0..=100_000.0).contains(&hundredths) {
            #[expect(clippy::cast_possible_truncation, reason = "it is a whole number within these limits")]
            return Ok(Self(hundredths as i32));
        }
        Err(Invalid::new("out_of_range", format!("expected 1.01 to 1000, found {times}")))
    }

    /// How many times.
    #[must_use]
    pub fn times(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

/// A share of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Percent(i16);

impl Percent {
    /// Checks it.
    ///
    /// # Errors
    /// `out_of_range` beyond 0 to 100.
    pub fn parse(percent: i64) -> Result<Self, Invalid> {
        match i16::try_from(percent) {
            Ok(percent @ 0..=100) => Ok(Self(percent)),
            _ => Err(Invalid::new("out_of_range", format!("expected 0 to 100, found {percent}"))),
        }
    }

    /// How many of a hundred.
    #[must_use]
    pub fn of_a_hundred(self) -> i16 {
        self.0
    }
}

/// What looks like a slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspicionCode {
    /// Prices of about a hundred times as much or as little.
    #[serde(rename = "price_times_100")]
    PriceTimes100,
    /// Prices of about ten times as much or as little.
    #[serde(rename = "price_times_10")]
    PriceTimes10,
    /// Other prices that move by more than the factor.
    PriceMoved,
    /// More of the offers are withdrawn than usual.
    ManyWithdrawn,
    /// Nothing is in stock any more.
    NoStock,
}

impl SuspicionCode {
    /// Its word in answers, letters and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PriceTimes100 => "price_times_100",
            Self::PriceTimes10 => "price_times_10",
            Self::PriceMoved => "price_moved",
            Self::ManyWithdrawn => "many_withdrawn",
            Self::NoStock => "no_stock",
        }
    }
}

/// What looks like a slip, and how much of it there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicion {
    /// What.
    pub code: SuspicionCode,
    /// How many offers are concerned.
    pub offers: i64,
    /// Of how many.
    pub of: i64,
}

impl Suspicion {
    /// For people.
    #[must_use]
    pub fn detail(&self) -> Wording {
        let Self { code, offers, of } = self;
        let (en, ru) = match code {
            SuspicionCode::PriceTimes100 => {
                ("would cost about 100 times as much, or as little", "цена меняется примерно в 100 раз")
            }
            SuspicionCode::PriceTimes10 => {
                ("would cost about 10 times as much, or as little", "цена меняется примерно в 10 раз")
            }
            SuspicionCode::PriceMoved => ("would cost far more, or far less", "цена меняется слишком сильно"),
            SuspicionCode::ManyWithdrawn => {
                ("are missing in the list, and would be withdrawn", "нет в списке, они будут сняты")
            }
            SuspicionCode::NoStock => ("have none left in stock", "остаток становится нулевым"),
        };
        said!("{offers} of {of} offers {en}", "{offers} из {of} предложений: {ru}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_is_kept_to_hundredths_and_within_its_limits() {
        for (times, kept) in [(3.0, 3.0), (1.01, 1.01), (1000.0, 1000.0), (2.499, 2.5)] {
            assert_eq!(PriceFactor::parse(times).map(PriceFactor::times), Ok(kept));
        }
        for times in [1.0, 1.004, 0.0, -3.0, 1000.01, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(
                PriceFactor::parse(times).map_err(|invalid| invalid.code),
                Err("out_of_range"),
                "{times}"
            );
        }
    }

    #[test]
    fn the_words_of_suspicions_are_those_that_are_stored() {
        use SuspicionCode::{ManyWithdrawn, NoStock, PriceMoved, PriceTimes10, PriceTimes100};
        for code in [PriceTimes100, PriceTimes10, PriceMoved, ManyWithdrawn, NoStock] {
            assert_eq!(serde_json::to_value(code).ok(), Some(code.as_str().into()));
        }
    }
}
