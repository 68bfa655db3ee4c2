//! Lists that are tables: what the first row says of the columns, and where each cell of a good goes.
//!
//! The header names `id`, `category` (by name), `name`, `price`, `quantity`, and perhaps `model`, `description`,
//! `price_rrc`, `gtin`, `vat`, `unit`, `min_quantity` and `multiple`, in any order; every further column, or
//! `param:<name>`, is a parameter, absent where its cell is empty.
//! The column `error` is what a report says of a row, and means nothing.

use std::collections::BTreeSet;

use super::{FileCode, FileError, ListSummary, RawGood};
use crate::imports::{
    said,
    text::{Lines, clean, quoted},
};

/// The most columns of a list.
pub(super) const MAX_COLUMNS: usize = 1_000;

/// The column in which a report says what is wrong.
pub(super) const REPORT: &str = "error";

/// What makes a column's name that of a parameter, whatever it is.
pub(super) const PARAMETER: &str = "param:";

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Known(Field),
    Parameter(String),
    Report,
    /// A column without a name, as spreadsheets leave at the end.
    Unnamed,
}

/// A column that has a meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Category,
    Model,
    Name,
    Description,
    Price,
    PriceRrc,
    Quantity,
    Gtin,
    Vat,
    Unit,
    MinQuantity,
    Multiple,
}

impl Field {
    /// All of them, in the order in which they are written.
    pub(super) const ALL: [(&'static str, Self); 13] = [
        ("id", Self::Id),
        ("category", Self::Category),
        ("model", Self::Model),
        ("name", Self::Name),
        ("description", Self::Description),
        ("price", Self::Price),
        ("price_rrc", Self::PriceRrc),
        ("quantity", Self::Quantity),
        ("gtin", Self::Gtin),
        ("vat", Self::Vat),
        ("unit", Self::Unit),
        ("min_quantity", Self::MinQuantity),
        ("multiple", Self::Multiple),
    ];
    const REQUIRED: [Self; 5] = [Self::Id, Self::Category, Self::Name, Self::Price, Self::Quantity];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| *field)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }

    pub(super) fn of(self, good: &mut RawGood) -> &mut Option<String> {
        match self {
            Self::Id => &mut good.sku,
            Self::Category => &mut good.category,
            Self::Model => &mut good.model,
            Self::Name => &mut good.name,
            Self::Description => &mut good.description,
            Self::Price => &mut good.price,
            Self::PriceRrc => &mut good.price_rrc,
            Self::Quantity => &mut good.quantity,
            Self::Gtin => &mut good.gtin,
            Self::Vat => &mut good.vat,
            Self::Unit => &mut good.unit,
            Self::MinQuantity => &mut good.min_quantity,
            Self::Multiple => &mut good.multiple,
        }
    }

    /// The text that a good has in it.
    pub(super) fn in_good(self, good: &RawGood) -> &Option<String> {
        match self {
            Self::Id => &good.sku,
            Self::Category => &good.category,
            Self::Model => &good.model,
            Self::Name => &good.name,
            Self::Description => &good.description,
            Self::Price => &good.price,
            Self::PriceRrc => &good.price_rrc,
            Self::Quantity => &good.quantity,
            Self::Gtin => &good.gtin,
            Self::Vat => &good.vat,
            Self::Unit => &good.unit,
            Self::MinQuantity => &good.min_quantity,
            Self::Multiple => &good.multiple,
        }
    }

    /// Whether numbers stand in it. A GTIN is none: a spreadsheet would take the zeros before it away.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Price | Self::PriceRrc | Self::Quantity | Self::MinQuantity | Self::Multiple)
    }
}

/// How many columns with a meaning of their own these names name.
pub(super) fn count_known<'c>(names: impl Iterator<Item = &'c str>) -> usize {
    names.filter(|name| Field::named(&name_of(name)).is_some()).count()
}

/// A column's name as it counts: cleaned, cut to the length of a parameter's name and a little more, so that
/// the check of every good says what is wrong with it. What cannot be cleaned stays, for the same reason.
fn name_of(cell: &str) -> String {
    let cell: String = cell.chars().take(200).collect();
    clean(cell.clone(), Lines::One, usize::MAX).unwrap_or(cell)
}

/// The columns of a list.
#[derive(Debug)]
pub(super) struct Columns(Vec<Column>);

impl Columns {
    /// Reads the header, which stands on `line`.
    ///
    /// # Errors
    /// When a column that every list needs is missing, one is there twice, or there are too many.
    pub(super) fn of<'c>(header: impl Iterator<Item = &'c str>, line: u64) -> Result<Self, FileError> {
        let names: Vec<String> = header.take(MAX_COLUMNS + 1).map(name_of).collect();
        let columns: Vec<Column> = names.iter().map(|name| column(name)).collect();
        check(&columns, &names).map_err(|error| error.at(line, None))?;
        Ok(Self(columns))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether the first one holds the skus.
    pub(super) fn begin_with_sku(&self) -> bool {
        self.0.first() == Some(&Column::Known(Field::Id))
    }

    /// What errors call a column, counted from 0.
    pub(super) fn name(&self, n: usize) -> String {
        match self.0.get(n) {
            Some(Column::Known(field)) => field.name().to_owned(),
            Some(Column::Parameter(name)) => format!("parameters.{name}"),
            Some(Column::Report) => REPORT.to_owned(),
            Some(Column::Unnamed) | None => format!("column {}", n + 1),
        }
    }

    /// Puts the text of a cell where it belongs.
    pub(super) fn put(&self, n: usize, text: String, good: &mut RawGood, summary: &mut ListSummary) {
        match self.0.get(n) {
            Some(Column::Known(field)) => *field.of(good) = Some(text),
            Some(Column::Parameter(name)) => good.parameters.push((name.clone(), text)),
            Some(Column::Report) => summary.ignore("column ", REPORT),
            Some(Column::Unnamed) | None => summary.ignore("column ", &(n + 1).to_string()),
        }
    }
}

fn column(name: &str) -> Column {
    if let Some(field) = Field::named(name) {
        return Column::Known(field);
    }
    match name.strip_prefix(PARAMETER).unwrap_or(name).trim() {
        "" => Column::Unnamed,
        REPORT if name == REPORT => Column::Report,
        parameter => Column::Parameter(parameter.to_owned()),
    }
}

fn check(columns: &[Column], names: &[String]) -> Result<(), FileError> {
    if columns.len() > MAX_COLUMNS {
        let detail = said!(
            "found more than {MAX_COLUMNS} columns, expected at most that many",
            "найдено больше {MAX_COLUMNS} столбцов, ожидается не больше"
        );
        return Err(FileError::new(FileCode::TooManyColumns, detail));
    }
    let mut seen = BTreeSet::new();
    for column in columns {
        let name = match column {
            Column::Known(field) => field.name(),
            Column::Parameter(name) => name,
            Column::Report | Column::Unnamed => continue,
        };
        // A parameter may be called `price` in its full form, `param:price`.
        if !seen.insert((matches!(column, Column::Known(_)), name)) {
            let name = quoted(name);
            let detail = said!(
                "found the column {name} twice, expected it once",
                "столбец {name} найден дважды, ожидается один раз"
            );
            return Err(FileError::new(FileCode::DuplicateColumn, detail));
        }
    }
    let missing: Vec<&str> =
        Field::REQUIRED.map(Field::name).into_iter().filter(|name| !seen.contains(&(true, *name))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let found: Vec<String> = names.iter().take(10).map(|name| quoted(name)).collect();
    let (missing, found) = (missing.join(", "), found.join(", "));
    let detail = said!(
        "found a header without {missing}, expected the columns id, category, name, price and quantity; the header \
         reads {found}",
        "в заголовке нет {missing}, ожидаются столбцы id, category, name, price и quantity; заголовок: {found}"
    );
    Err(FileError::new(FileCode::MissingColumns, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: [&str; 5] = ["id", "category", "name", "price", "quantity"];

    fn columns(names: &[&str]) -> Result<Vec<Column>, FileError> {
        Columns::of(names.iter().copied(), 2).map(|columns| columns.0)
    }

    fn with(more: &[&'static str]) -> Result<Vec<Column>, FileError> {
        columns(&[&NEEDED, more].concat())
    }

    #[test]
    fn columns_come_in_any_order_and_any_case() {
        let all = columns(&["Quantity", "PRICE", "name", " category ", "id", "Цвет", "param:price"]).unwrap();
        assert_eq!(all[0], Column::Known(Field::Quantity));
        assert_eq!(all[4], Column::Known(Field::Id));
        assert_eq!(all[5], Column::Parameter("Цвет".to_owned()));
        assert_eq!(all[6], Column::Parameter("price".to_owned()));
    }

    #[test]
    fn a_parameter_may_be_called_like_a_field_in_its_full_form_only() {
        let all = with(&["gtin", "VAT", "multiple", "param:gtin"]).unwrap();
        let known = [Field::Gtin, Field::Vat, Field::Multiple].map(Column::Known);
        assert_eq!(all[5..8], known);
        assert_eq!(all[8], Column::Parameter("gtin".to_owned()));
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = columns(&["id", "category", "name", "quantity"]).unwrap_err();
        assert_eq!((error.code, error.line), (FileCode::MissingColumns, Some(2)));
        assert!(error.detail.en.starts_with("found a header without price,"), "{error}");
    }

    #[test]
    fn a_column_that_is_there_twice_is_refused() {
        for more in [["price", ""], ["Цвет", "param:Цвет"]] {
            assert_eq!(with(&more).unwrap_err().code, FileCode::DuplicateColumn);
        }
    }

    #[test]
    fn columns_without_a_name_and_that_of_a_report_are_left_alone() {
        let all = with(&["", "", "error", "param:error"]).unwrap();
        let parameter = Column::Parameter("error".to_owned());
        assert_eq!(all[5..], [Column::Unnamed, Column::Unnamed, Column::Report, parameter]);
    }

    #[test]
    fn ten_thousand_columns_are_too_many() {
        assert_eq!(with(&["x"; 10_000]).unwrap_err().code, FileCode::TooManyColumns);
    }
}
