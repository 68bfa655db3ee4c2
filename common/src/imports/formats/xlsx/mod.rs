//! Price lists as Excel workbooks: the columns of a CSV list on the first sheet that is shown.
//!
//! A workbook is read as it comes, cell by cell, by readers of our own: the usual ones keep whole texts and sheets,
//! however large they unpack. What is kept is the table of its texts, which has a limit, and how its cells show
//! numbers, since a date is a number that is shown as one.
//!
//! A cell is the text that it shows, as far as it can be told: `4216292` and not `4216292.0`, a date as `2026-05-01`. A
//! formula is what it came to when the workbook was saved; one that came to an error is an error of its row.

use std::{
    io::{Read, Seek},
    ops::ControlFlow,
};

use super::{
    FileCode, FileError, Limits, ListSummary, RawGood, ReadError,
    format::{Form, Sink, Source},
    table::Columns,
    writing::{ListHead, ListWriter, Out, WriteError},
};
use crate::imports::{FieldCode, FieldError, said};

mod book;
mod cells;
mod numbers;
mod package;
mod sheet;
#[cfg(test)]
pub(super) mod tests;
mod write;

use book::Book;
use cells::Cell;
use package::Package;
use sheet::{Row, Rows};
use write::XlsxWriter;

/// The form.
pub(super) struct Xlsx;

impl Form for Xlsx {
    fn extensions(&self) -> &'static [&'static str] {
        &["xlsx", "xlsm"]
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"]
    }

    fn is_certain(&self, head: &[u8]) -> bool {
        head.starts_with(b"PK\x03\x04")
    }

    fn is_likely(&self, _: &str) -> bool {
        false
    }

    fn writer(&self, out: Out, head: &ListHead) -> Result<Box<dyn ListWriter>, WriteError> {
        Ok(Box::new(XlsxWriter::begin(out, head)?))
    }

    fn read(&self, source: &mut dyn Source, limits: Limits, sink: Sink) -> Result<ListSummary, ReadError> {
        read(source, limits, sink)
    }
}

fn read(source: impl Read + Seek, limits: Limits, sink: Sink) -> Result<ListSummary, ReadError> {
    let mut package = Package::open(source)?;
    let book = Book::read(&mut package)?;
    let mut rows = Rows::open(package.part(&book.sheet, limits.bytes)?, &book)?;
    let mut summary = ListSummary::default();
    let Some(header) = rows.next()? else {
        let detail = said!(
            "found an empty sheet, expected a header and a row for each good",
            "лист пуст, ожидается заголовок и по строке на товар"
        );
        return Err(FileError::new(FileCode::Empty, detail).into());
    };
    let columns = Columns::of(header.cells.iter().map(Cell::text), header.number)?;
    while let Some(row) = rows.next()? {
        if summary.rows == limits.goods {
            return Err(limits.too_many_goods().at(row.number, None).into());
        }
        summary.rows += 1;
        let good = good_of(&columns, row, &mut summary);
        if sink(good) == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(summary)
}

fn good_of(columns: &Columns, row: Row, summary: &mut ListSummary) -> RawGood {
    let mut good = RawGood { row: summary.rows, line: Some(row.number), ..RawGood::default() };
    for (n, cell) in row.cells.into_iter().enumerate() {
        match cell {
            Cell::Text(text) if text.trim().is_empty() => {}
            Cell::Text(text) => columns.put(n, text, &mut good, summary),
            Cell::Error(found) => {
                let detail = said!(
                    "found a formula that came to {found}, expected a value",
                    "найдена формула с ошибкой {found}, ожидается значение"
                );
                good.errors.push(FieldError::new(columns.name(n), FieldCode::FormulaError, detail));
            }
        }
    }
    good
}
