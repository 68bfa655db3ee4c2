//! The forms of a price list, and what they have in common.
//!
//! [`read`] turns the bytes of a list into [`RawGood`]s, one after the other, in bounded memory whatever the
//! size of the list, and whether it is packed by gzip. A form decides only what is one entry and which text stands in
//! which field; what the text means is for [`Good::check`](super::Good::check), so that one good is the same from every
//! form. [`writer`] writes them out again.

use std::{collections::BTreeMap, ops::ControlFlow};

use serde::{Deserialize, Serialize};

use super::{FieldError, said};
use crate::money::Currency;

mod categories;
mod csv;
mod encoding;
mod errors;
mod format;
mod mending;
mod packed;
mod table;
mod writing;
mod xlsx;
mod xml;
mod yaml;
mod yml;

#[cfg(test)]
mod demonstration;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod parity;

pub use errors::{FileCode, FileError, ReadError};
pub use format::{Format, Source};
pub use writing::{ListHead, ListWriter, WriteError, writer};

use packed::Unpacked;

/// The most characters of a field that are kept; no field may have so many, and its check says so.
const KEPT_CHARS: usize = 20_001;

/// What a list must keep to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of its text, unpacked.
    pub bytes: u64,
    /// The most goods in it.
    pub goods: u64,
    /// The currency of its prices, where it names one.
    pub currency: Option<Currency>,
}

impl Default for Limits {
    /// 512 MiB and 2,000,000 goods, in any currency.
    fn default() -> Self {
        Self { bytes: 512 << 20, goods: 2_000_000, currency: None }
    }
}

impl Limits {
    /// A list has one good more than it may have.
    fn too_many_goods(self) -> FileError {
        let most = self.goods;
        let detail = said!(
            "found more than {most} goods, expected at most that many",
            "найдено больше {most} товаров, ожидается не больше"
        );
        FileError::new(FileCode::TooManyGoods, detail)
    }
}

/// An entry of a list, as the text that stands there. What is absent, or empty in YAML's sense, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RawGood {
    /// The ordinal of the entry, from 1; a header and empty rows are not counted.
    #[serde(skip)]
    pub row: u64,
    /// The line on which the entry begins, from 1.
    #[serde(skip)]
    pub line: Option<u64>,
    /// The field `id`; absent also where it cannot be trusted, as in a row of the wrong length.
    pub sku: Option<String>,
    /// The category's name; a YAML list's ids are resolved already.
    pub category: Option<String>,
    /// The field `model`.
    pub model: Option<String>,
    /// The field `name`.
    pub name: Option<String>,
    /// The field `description`.
    pub description: Option<String>,
    /// The field `price`.
    pub price: Option<String>,
    /// The field `price_rrc`.
    pub price_rrc: Option<String>,
    /// The field `quantity`.
    pub quantity: Option<String>,
    /// The field `gtin`.
    pub gtin: Option<String>,
    /// The field `vat`.
    pub vat: Option<String>,
    /// The field `unit`.
    pub unit: Option<String>,
    /// The field `min_quantity`.
    pub min_quantity: Option<String>,
    /// The field `multiple`.
    pub multiple: Option<String>,
    /// Names and values, in the order of the list; perhaps repeated.
    pub parameters: Vec<(String, String)>,
    /// What is wrong with the entry's form: a list where a text belongs, a missing cell.
    #[serde(skip)]
    pub errors: Vec<FieldError>,
}

/// What is known of a list once it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListSummary {
    /// The name that the list gives its shop; for the report only.
    pub shop: Option<String>,
    /// How many entries it has.
    pub rows: u64,
    /// Fields that mean nothing to us, and how often they occurred: `currency`, `goods[].url`. At most
    /// [`ListSummary::MAX_IGNORED`] names are kept, the others count under [`ListSummary::OTHERS`].
    pub ignored_fields: BTreeMap<String, u64>,
}

impl ListSummary {
    /// The most names of ignored fields that are kept.
    pub const MAX_IGNORED: usize = 100;
    /// Under what further ignored fields are counted.
    pub const OTHERS: &'static str = "…";

    /// Counts a field that means nothing to us.
    fn ignore(&mut self, parent: &str, name: &str) {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
        let path = format!("{parent}{shown}");
        let known = self.ignored_fields.contains_key(&path) || self.ignored_fields.len() < Self::MAX_IGNORED;
        let path = if known { path } else { Self::OTHERS.to_owned() };
        *self.ignored_fields.entry(path).or_default() += 1;
    }
}

/// Reads a list and hands its entries to `sink` in their order, until it breaks off or the list ends.
///
/// The source is read from its present position, which must be its beginning; a list whose categories come after its
/// goods is rewound to that beginning and read a second time. Blocks.
///
/// # Errors
/// [`ReadError::File`] when the list cannot be read as a whole (entries before the place in question have been
/// handed out then), [`ReadError::Source`] when its bytes could not be had.
pub fn read(
    format: Format,
    source: impl Source,
    limits: Limits,
    sink: &mut dyn FnMut(RawGood) -> ControlFlow<()>,
) -> Result<ListSummary, ReadError> {
    format.form().read(&mut Unpacked::open(source)?, limits, sink)
}

/// Cuts a text to what a check needs to see that it is too long.
fn kept(mut text: String) -> String {
    if text.len() > KEPT_CHARS * char::MAX_LEN_UTF8 {
        let end = text.floor_char_boundary(KEPT_CHARS * char::MAX_LEN_UTF8);
        text.truncate(end);
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_ignored_fields_are_bounded() {
        let mut summary = ListSummary::default();
        for n in 0..1_000 {
            summary.ignore("goods[].", &n.to_string());
        }
        assert_eq!(summary.ignored_fields.len(), ListSummary::MAX_IGNORED + 1);
        assert_eq!(summary.ignored_fields[ListSummary::OTHERS], 900);
    }
}
