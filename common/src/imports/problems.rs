//! What is wrong with one entry of a price list, said so that its supplier can mend it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Sku, Wording, formats::RawGood};
use crate::locale::Locale;

/// An entry that does not come into the catalogue, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The ordinal of the entry in its list, from 1; a header is not counted.
    pub row: u64,
    /// The line of the file on which the entry begins, from 1.
    pub line: Option<u64>,
    /// The entry's sku, where it can be trusted. Without it nobody knows which offer the entry speaks of.
    pub sku: Option<Sku>,
    /// What is wrong; never empty.
    pub errors: Vec<FieldError>,
    /// What stood there, to be mended and sent again; nothing where that is more than anybody would mend.
    pub good: Option<Box<RawGood>>,
}

impl Rejected {
    /// How many bytes its texts are, about as much memory as it takes.
    pub(super) fn weight(&self) -> usize {
        let errors: usize = self.errors.iter().map(|error| error.field.len() + error.detail.len()).sum();
        errors + self.good.as_ref().map_or(0, |good| good.weight())
    }
}

/// One thing that is wrong with one field of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field as the list names it: `price`, `parameters.Цвет`; `row` for the entry as a whole.
    pub field: String,
    /// What is wrong, for programs.
    pub code: FieldCode,
    /// What was found and what was expected, for people.
    pub detail: Wording,
}

impl FieldError {
    /// The name of the field for what concerns the whole entry.
    pub const ROW: &'static str = "row";

    /// An error of `field`.
    #[must_use]
    pub fn new(field: impl Into<String>, code: FieldCode, detail: Wording) -> Self {
        Self { field: field.into(), code, detail }
    }

    /// Its field, and what is wrong with that: `price: found «дорого», expected …`.
    #[must_use]
    pub fn said_in(&self, locale: Locale) -> String {
        match self.field.as_str() {
            Self::ROW => self.detail.in_locale(locale).to_owned(),
            field => format!("{field}: {}", self.detail.in_locale(locale)),
        }
    }
}

/// Rows of an import in which the same is wrong, and mended the same way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProblemGroup {
    /// The field, without the name of a parameter.
    pub field: String,
    /// What is wrong with it.
    pub code: String,
    /// In how many rows.
    pub rows: i64,
    /// The first of them.
    pub first_row: Option<i64>,
    /// What was found there.
    pub detail: Wording,
}

/// What can be wrong with a field. The names are part of the API, and do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldCode {
    /// Missing or empty.
    Required,
    /// A list or mapping where a text belongs, or the reverse.
    WrongShape,
    /// Given twice.
    DuplicateKey,
    /// Carries a YAML tag of its own, such as `!ruby/object`.
    UnknownTag,
    /// A YAML merge key (`<<`), which lists do not have.
    MergeKey,
    /// A row with more or fewer cells than the header.
    CellCount,
    /// A quoted cell that goes on after its closing quote.
    BadQuotes,
    /// A category id that the list's `categories` does not name, or names twice.
    UnknownCategory,
    /// Not a decimal number.
    NotANumber,
    /// A number that can be read in two ways, such as `1,234`.
    Ambiguous,
    /// Below zero.
    Negative,
    /// Zero where only more will do.
    NotPositive,
    /// A fraction where only whole numbers will do.
    Fractional,
    /// A number beyond its limit.
    TooLarge,
    /// A text beyond its limit.
    TooLong,
    /// More parameters than one offer may have.
    TooMany,
    /// A control character, such as NUL.
    ControlCharacter,
    /// A character that did not survive the file's encoding.
    UnreadableCharacter,
    /// An id that stands in more than one row.
    Repeated,
    /// Not a GTIN: another number of digits, a wrong check digit, or one that is for use inside a shop.
    NotAGtin,
    /// A VAT rate that the installation does not know.
    UnknownVatRate,
    /// A minimum that is no whole number of packs.
    NotAMultiple,
    /// A formula that came to an error.
    FormulaError,
    /// A price in a currency that is not the installation's.
    WrongCurrency,
    /// A reference to a character that XML does not know.
    UnknownEntity,
    /// A price of about a hundred times as much as before, or as little.
    #[serde(rename = "price_times_100")]
    PriceTimes100,
    /// A price of about ten times as much as before, or as little.
    #[serde(rename = "price_times_10")]
    PriceTimes10,
    /// Another price that moves by more than usual.
    PriceMoved,
    /// Nothing in stock, where there was something.
    NoStock,
    /// What was to be taken back has changed since.
    ChangedSince,
}

impl fmt::Display for FieldCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_in_snake_case() {
        assert_eq!(FieldCode::NotANumber.to_string(), "not_a_number");
        assert_eq!(serde_json::to_string(&FieldCode::TooLong).unwrap(), "\"too_long\"");
    }
}
