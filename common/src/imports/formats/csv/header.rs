//! The first row of a CSV list: which column holds what, and what parts the columns.

use std::collections::BTreeSet;

use super::{
    super::{FileCode, FileError},
    splitter::{Fed, MAX_CELLS, Row, Splitter},
};
use crate::imports::{
    Wording, said,
    text::{Lines, clean, quoted},
};

const DELIMITERS: [u8; 3] = *b",;\t";

/// What a cell is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Known(Field),
    Parameter(String),
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
}

impl Field {
    const ALL: [(&'static str, Self); 8] = [
        ("id", Self::Id),
        ("category", Self::Category),
        ("model", Self::Model),
        ("name", Self::Name),
        ("description", Self::Description),
        ("price", Self::Price),
        ("price_rrc", Self::PriceRrc),
        ("quantity", Self::Quantity),
    ];
    const REQUIRED: [Self; 5] = [Self::Id, Self::Category, Self::Name, Self::Price, Self::Quantity];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| *field)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }
}

/// The delimiter under which the first row of `text` names most known columns.
pub(super) fn delimiter_of(text: &str) -> u8 {
    let known = |delimiter: u8| {
        let row = first_row(text, delimiter);
        row.iter().filter(|cell| Field::named(&name_of(cell)).is_some()).count()
    };
    // Of equals the last one would win: the comma is to be the default.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| known(*delimiter)).unwrap_or(b',')
}

fn first_row(text: &str, delimiter: u8) -> Row {
    let (mut splitter, mut row, mut rest) = (Splitter::new(delimiter), Row::default(), text);
    while let Fed::Row(used) = splitter.feed(rest, &mut row) {
        if !row.is_blank() {
            return row;
        }
        rest = &rest[used..];
    }
    splitter.finish(&mut row);
    row
}

/// A column's name as it counts: cleaned, cut to the length of a parameter's name and a little more, so that
/// the check of every good says what is wrong with it. What cannot be cleaned stays, for the same reason.
fn name_of(cell: &str) -> String {
    let cell: String = cell.chars().take(200).collect();
    clean(cell.clone(), Lines::One, usize::MAX).unwrap_or(cell)
}

/// Reads the header.
///
/// # Errors
/// When a column that every list needs is missing, one is there twice, or there are too many.
pub(super) fn columns_of(header: &Row) -> Result<Vec<Column>, FileError> {
    let wrong = |code, detail: Wording| Err(FileError::new(code, detail).at(header.line, None));
    if header.bad_quotes {
        let detail = said!(
            "found text after a closing quote in the header, expected the delimiter",
            "в заголовке найден текст после закрывающей кавычки, ожидается разделитель"
        );
        return wrong(FileCode::MissingColumns, detail);
    }
    if header.cells > MAX_CELLS {
        let found = header.cells;
        let detail = said!(
            "found {found} columns, expected at most {MAX_CELLS}",
            "найдено {found} столбцов, ожидается не больше {MAX_CELLS}"
        );
        return wrong(FileCode::TooManyColumns, detail);
    }
    let columns: Vec<Column> = header.iter().map(|cell| column(&name_of(cell))).collect();
    let mut seen = BTreeSet::new();
    for column in &columns {
        let name = match column {
            Column::Known(field) => field.name(),
            Column::Parameter(name) => name,
            Column::Unnamed => continue,
        };
        // A parameter may be called `price` in its full form, `param:price`.
        if !seen.insert((matches!(column, Column::Known(_)), name)) {
            let name = quoted(name);
            let detail = said!(
                "found the column {name} twice, expected it once",
                "столбец {name} найден дважды, ожидается один раз"
            );
            return wrong(FileCode::DuplicateColumn, detail);
        }
    }
    let missing: Vec<&str> =
        Field::REQUIRED.map(Field::name).into_iter().filter(|name| !seen.contains(&(true, *name))).collect();
    if !missing.is_empty() {
        let found: Vec<String> = header.iter().take(10).map(|cell| quoted(&name_of(cell))).collect();
        let (missing, found) = (missing.join(", "), found.join(", "));
        let detail = said!(
            "found a header without {missing}, expected the columns id, category, name, price and quantity; the \
             header reads {found}",
            "в заголовке нет {missing}, ожидаются столбцы id, category, name, price и quantity; заголовок: {found}"
        );
        return wrong(FileCode::MissingColumns, detail);
    }
    Ok(columns)
}

fn column(name: &str) -> Column {
    if let Some(field) = Field::named(name) {
        return Column::Known(field);
    }
    match name.strip_prefix("param:").unwrap_or(name).trim() {
        "" => Column::Unnamed,
        parameter => Column::Parameter(parameter.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Result<Vec<Column>, FileError> {
        columns_of(&first_row(text, delimiter_of(text)))
    }

    fn code(text: &str) -> FileCode {
        columns(text).unwrap_err().code
    }

    #[test]
    fn the_delimiter_is_the_one_under_which_the_header_names_known_columns() {
        assert_eq!(delimiter_of("id,category,name\n"), b',');
        assert_eq!(delimiter_of("id;category;\"Длина, ширина, высота\"\n"), b';');
        assert_eq!(delimiter_of("\n\nЦвет, вид\tid\tname\n1,2,3"), b'\t');
        assert_eq!(delimiter_of("ничего знакомого"), b',');
    }

    #[test]
    fn columns_come_in_any_order_and_any_case() {
        let all = columns("Quantity;PRICE;name; category ;id;Цвет;param:price\n").unwrap();
        assert_eq!(all[0], Column::Known(Field::Quantity));
        assert_eq!(all[4], Column::Known(Field::Id));
        assert_eq!(all[5], Column::Parameter("Цвет".to_owned()));
        assert_eq!(all[6], Column::Parameter("price".to_owned()));
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = columns("\nid,category,name,quantity\n").unwrap_err();
        assert_eq!((error.code, error.line), (FileCode::MissingColumns, Some(2)));
        assert!(error.detail.en.starts_with("found a header without price,"), "{error}");
    }

    #[test]
    fn a_column_that_is_there_twice_is_refused() {
        assert_eq!(code("id,category,name,price,quantity,price"), FileCode::DuplicateColumn);
        assert_eq!(code("id,category,name,price,quantity,Цвет,param:Цвет"), FileCode::DuplicateColumn);
    }

    #[test]
    fn columns_without_a_name_are_left_alone() {
        assert_eq!(
            columns("id,category,name,price,quantity,,\n").unwrap()[5..],
            [Column::Unnamed, Column::Unnamed]
        );
    }

    #[test]
    fn ten_thousand_columns_are_too_many() {
        let header = format!("id,category,name,price,quantity{}", ",x".repeat(10_000));
        assert_eq!(code(&header), FileCode::TooManyColumns);
    }
}
