//! Rates of value added tax, and which of them an installation knows.

use std::{collections::HashSet, fmt};

use serde::Serialize;

/// A rate: whole percent of 0 to 99, or `none` for what is not taxed, which is not the same as 0 %.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct VatRate(String);

impl VatRate {
    /// The word of what is not taxed.
    const NONE: &'static str = "none";

    /// Reads a rate as people write it: `22`, `22%`, `НДС 22 %`, `VAT_22`; `none`, `без НДС`, `NO_VAT`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase().replace(['_', '\u{a0}'], " ");
        if [Self::NONE, "без ндс", "не облагается", "ндс не облагается", "no vat"].contains(&text.as_str())
        {
            return Some(Self(Self::NONE.to_owned()));
        }
        let rate = text.strip_prefix("ндс").or_else(|| text.strip_prefix("vat")).unwrap_or(&text);
        let rate = rate.strip_suffix('%').unwrap_or(rate).trim();
        let (whole, fraction) = rate.split_once(['.', ',']).unwrap_or((rate, "0"));
        let is_whole = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
        let digits = (1..=2).contains(&whole.len()) && whole.bytes().all(|byte| byte.is_ascii_digit());
        let percent = whole.parse::<u8>().ok().filter(|_| is_whole && digits)?;
        Some(Self(percent.to_string()))
    }

    /// Whether it is that of what is not taxed.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0 == Self::NONE
    }

    /// `none`, or the number of percent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VatRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rates that an installation knows, in the order in which they are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VatRates(Vec<VatRate>);

impl VatRates {
    /// Those of Russia in 2026.
    pub const RUSSIAN: &'static str = "none,0,5,7,10,22";

    /// Reads a list with commas between.
    ///
    /// # Errors
    /// A sentence that says what was found and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rate = |text: &str| {
            VatRate::parse(text).ok_or_else(|| {
                format!("expected none or 0 to 99 percent, with commas between, found {text:?}")
            })
        };
        let rates = text.split(',').map(rate).collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        match rates.iter().find(|rate| !seen.insert(*rate)) {
            Some(twice) => Err(format!("the rate {twice} is there twice")),
            None => Ok(Self(rates)),
        }
    }

    /// Whether a rate is one of them.
    #[must_use]
    pub fn know(&self, rate: &VatRate) -> bool {
        self.0.contains(rate)
    }
}

impl Default for VatRates {
    fn default() -> Self {
        Self(Self::RUSSIAN.split(',').map(|rate| VatRate(rate.to_owned())).collect())
    }
}

impl fmt::Display for VatRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(VatRate::as_str).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        VatRate::parse(text).map(|rate| rate.to_string())
    }

    #[test]
    fn a_rate_is_read_as_people_write_it() {
        for text in ["22", " 22% ", "22 %", "НДС 22%", "ндс22", "VAT_22", "22.0", "22,00"] {
            assert_eq!(read(text).as_deref(), Some("22"), "{text}");
        }
        for text in ["none", "Без НДС", "без\u{a0}НДС", "NO_VAT", "не облагается"] {
            assert_eq!(read(text).as_deref(), Some("none"), "{text}");
        }
        assert_eq!(read("05").as_deref(), Some("5"));
        assert_eq!(read("0").as_deref(), Some("0"));
    }

    #[test]
    fn what_is_no_rate_is_none() {
        for text in ["", "%", "-5", "+5", "22.5", "22.", "100", "0x16", "VAT_20_120", "двадцать", "٢٢"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_rates_of_an_installation_are_those_it_names() {
        let rates = VatRates::parse("none, 0, 20%").unwrap();
        assert_eq!(rates.to_string(), "none, 0, 20");
        assert!(rates.know(&VatRate::parse("20").unwrap()) && !rates.know(&VatRate::parse("22").unwrap()));
        assert_eq!(VatRates::parse(VatRates::RUSSIAN).unwrap(), VatRates::default());
        assert!(VatRates::parse("22;10").is_err() && VatRates::parse("").is_err());
        assert_eq!(VatRates::parse("22,НДС 22%").unwrap_err(), "the rate 22 is there twice");
    }
}
