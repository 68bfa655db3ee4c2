//! Price lists as CSV: a header and a row for each good.
//!
//! The header is that of [every table](super::table). Empty rows do not count.
//!
//! A row with more or fewer cells than the header, or with misplaced quotes, is not taken. Its sku is believed
//! only where nothing can have moved it or hidden other rows: it is the first cell, and the row is well quoted
//! and on one line.

use std::io::Read;

use super::{
    FileCode, FileError, Limits, ListSummary, RawGood, ReadError,
    encoding::Text,
    format::{Form, Sink, Source},
    kept,
    table::Columns,
    writing::{ListHead, ListWriter, Out, WriteError},
};
use crate::imports::{FieldCode, FieldError, said};

mod delimiter;
mod formulas;
mod splitter;
mod write;

use delimiter::{delimiter_of, is_header};
use formulas::unguarded;
use splitter::{Fed, MAX_CELLS, MAX_ROW_BYTES, Row, Splitter};
use write::CsvWriter;

/// The form.
pub(super) struct Csv;

impl Form for Csv {
    fn extensions(&self) -> &'static [&'static str] {
        &["csv", "tsv"]
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["text/csv", "application/csv", "text/tab-separated-values"]
    }

    fn is_certain(&self, _: &[u8]) -> bool {
        false
    }

    fn is_likely(&self, head: &str) -> bool {
        is_header(head)
    }

    fn writer(&self, out: Out, head: &ListHead) -> Result<Box<dyn ListWriter>, WriteError> {
        Ok(Box::new(CsvWriter::begin(out, head)?))
    }

    fn read(&self, source: &mut dyn Source, limits: Limits, sink: Sink) -> Result<ListSummary, ReadError> {
        read(source, limits, sink)
    }
}

fn read(source: impl Read, limits: Limits, sink: Sink) -> Result<ListSummary, ReadError> {
    let mut rows = Rows::open(Text::open(source, limits)?)?;
    let mut row = Row::default();
    if !rows.next(&mut row)? {
        let detail = said!(
            "found an empty file, expected a header and a row for each good",
            "файл пуст, ожидается заголовок и по строке на товар"
        );
        return Err(FileError::new(FileCode::Empty, detail).into());
    }
    let columns = header(&row)?;
    let mut summary = ListSummary::default();
    while rows.next(&mut row)? {
        if summary.rows == limits.goods {
            return Err(limits.too_many_goods().at(row.line, None).into());
        }
        summary.rows += 1;
        if sink(good_of(&columns, &row, &mut summary)).is_break() {
            break;
        }
    }
    Ok(summary)
}

fn header(row: &Row) -> Result<Columns, FileError> {
    if row.bad_quotes {
        let detail = said!(
            "found text after a closing quote in the header, expected the delimiter",
            "в заголовке найден текст после закрывающей кавычки, ожидается разделитель"
        );
        return Err(FileError::new(FileCode::MissingColumns, detail).at(row.line, None));
    }
    if row.cells > MAX_CELLS {
        let found = row.cells;
        let detail = said!(
            "found {found} columns, expected at most {MAX_CELLS}",
            "найдено {found} столбцов, ожидается не больше {MAX_CELLS}"
        );
        return Err(FileError::new(FileCode::TooManyColumns, detail).at(row.line, None));
    }
    Columns::of(row.iter(), row.line)
}

fn good_of(columns: &Columns, row: &Row, summary: &mut ListSummary) -> RawGood {
    let mut good = RawGood { row: summary.rows, line: Some(row.line), ..RawGood::default() };
    if let Some(error) = form_error(columns, row) {
        good.errors.push(error);
        let sku_is_safe = columns.begin_with_sku() && !row.bad_quotes && !row.many_lines;
        good.sku = row.cell(0).filter(|_| sku_is_safe).and_then(filled);
        return good;
    }
    for (n, cell) in row.iter().enumerate() {
        if let Some(text) = filled(cell) {
            columns.put(n, text, &mut good, summary);
        }
    }
    good
}

/// What is wrong with the row as such, so that its cells cannot be told apart.
fn form_error(columns: &Columns, row: &Row) -> Option<FieldError> {
    if row.bad_quotes {
        let detail = said!(
            "found text after a closing quote, expected the delimiter: double the quotes inside a cell (\"\")",
            "найден текст после закрывающей кавычки, ожидается разделитель: удваивайте кавычки внутри ячейки (\"\")"
        );
        return Some(FieldError::new(FieldError::ROW, FieldCode::BadQuotes, detail));
    }
    if row.cells != columns.count() {
        let (found, expected) = (row.cells, columns.count());
        let detail = said!(
            "found {found} cells, expected {expected} as in the header",
            "найдено ячеек: {found}, ожидается {expected}, как в заголовке"
        );
        return Some(FieldError::new(FieldError::ROW, FieldCode::CellCount, detail));
    }
    None
}

fn filled(cell: &str) -> Option<String> {
    (!cell.trim().is_empty()).then(|| kept(unguarded(cell).to_owned()))
}

/// The rows of a text that are not blank.
struct Rows<R> {
    text: Text<R>,
    splitter: Splitter,
    piece: String,
    at: usize,
}

impl<R: Read> Rows<R> {
    /// Reads far enough to see a whole header, and chooses the delimiter by it.
    fn open(mut text: Text<R>) -> Result<Self, ReadError> {
        let mut piece = String::new();
        while piece.len() <= MAX_ROW_BYTES
            && let Some(chunk) = text.next_chunk()?
        {
            piece.push_str(chunk);
        }
        let splitter = Splitter::new(delimiter_of(&piece));
        Ok(Self { text, splitter, piece, at: 0 })
    }

    /// Reads the next row into `row`; false at the end.
    fn next(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        while self.next_or_blank(row)? {
            if !row.is_blank() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn next_or_blank(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        loop {
            match self.splitter.feed(&self.piece[self.at..], row) {
                Fed::Row(used) => {
                    self.at += used;
                    return Ok(true);
                }
                Fed::TooLong => return Err(self.too_long(row).into()),
                Fed::More => {}
            }
            let Some(chunk) = self.text.next_chunk()? else { break };
            self.piece.clear();
            self.piece.push_str(chunk);
            self.at = 0;
        }
        self.at = self.piece.len();
        if let Some(line) = self.splitter.open_quote() {
            let detail = said!(
                "found the end of the file inside a quoted cell, expected its closing quote",
                "файл кончился внутри ячейки в кавычках, ожидается закрывающая кавычка"
            );
            return Err(FileError::new(FileCode::UnclosedQuote, detail).at(line, None).into());
        }
        Ok(self.splitter.finish(row))
    }

    fn too_long(&self, row: &Row) -> FileError {
        if let Some(line) = self.splitter.open_quote() {
            let detail = said!(
                "found more than 1 MiB after an opening quote, expected its closing quote",
                "после открывающей кавычки найдено больше 1 МиБ, ожидается закрывающая кавычка"
            );
            return FileError::new(FileCode::UnclosedQuote, detail).at(line, None);
        }
        let detail = said!(
            "found a row of more than 1 MiB, expected at most that and {MAX_CELLS} cells",
            "найдена строка больше 1 МиБ, ожидается не больше и не больше {MAX_CELLS} ячеек"
        );
        FileError::new(FileCode::ValueTooLong, detail).at(row.line, None)
    }
}

#[cfg(test)]
mod tests;
