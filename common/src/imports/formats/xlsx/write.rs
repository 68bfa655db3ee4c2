//! Writing workbooks, row by row: what was written is in a temporary file, and not in memory.

use std::collections::HashMap;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use crate::imports::formats::{
    RawGood,
    writing::{ListHead, ListWriter, Out, WriteError, cells, is_number},
};

/// The last row of a sheet, from 0.
const LAST_ROW: u32 = 1_048_575;
/// The most of a text that a cell holds, in UTF-16 units; only descriptions can be longer, and end there.
const MAX_CELL_UNITS: usize = 32_767;
/// How many digits a number has at most to be the same in a workbook.
const EXACT_DIGITS: usize = 15;

pub(super) struct XlsxWriter {
    book: Workbook,
    out: Out,
    row: u32,
    /// The columns of the parameters.
    parameters: HashMap<String, u16>,
    report: Option<u16>,
}

impl XlsxWriter {
    pub(super) fn begin(out: Out, head: &ListHead) -> Result<Self, WriteError> {
        let names = head.columns()?;
        let mut book = Workbook::new();
        let sheet = book.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        for (column, width) in [(1, 20.0), (2, 20.0), (3, 50.0), (4, 30.0)] {
            sheet.set_column_width(column, width).map_err(failed)?;
        }
        let bold = Format::new().set_bold();
        for (name, column) in names.iter().zip(0..) {
            sheet.write_string_with_format(0, column, name, &bold).map_err(failed)?;
        }
        let first = u16::try_from(cells(&RawGood::default()).len()).unwrap_or(u16::MAX);
        let parameters: HashMap<String, u16> = head.parameters.iter().cloned().zip(first..).collect();
        let report = head.is_report.then(|| first + u16::try_from(head.parameters.len()).unwrap_or(0));
        Ok(Self { book, out, row: 0, parameters, report })
    }
}

fn failed(error: XlsxError) -> WriteError {
    match error {
        XlsxError::IoError(error) => WriteError::Io(error),
        other => WriteError::Io(std::io::Error::other(other)),
    }
}

fn put(sheet: &mut Worksheet, row: u32, column: u16, text: &str) -> Result<(), WriteError> {
    if text.is_empty() {
        return Ok(());
    }
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= MAX_CELL_UNITS
    };
    // A text of few bytes need not be counted.
    let result = if text.len() <= MAX_CELL_UNITS {
        sheet.write_string(row, column, text)
    } else {
        sheet.write_string(row, column, text.chars().take_while(fits).collect::<String>())
    };
    result.map(|_| ()).map_err(failed)
}

impl ListWriter for XlsxWriter {
    fn write(&mut self, good: &RawGood, error: Option<&str>) -> Result<(), WriteError> {
        if self.row == LAST_ROW {
            return Err(WriteError::TooManyRows);
        }
        self.row += 1;
        let sheet = self.book.worksheet_from_index(0).map_err(failed)?;
        for (text, column) in cells(good).into_iter().zip(0_u16..) {
            let text = text.unwrap_or_default();
            let is_number = is_number(column.into(), text)
                && text.bytes().filter(u8::is_ascii_digit).count() <= EXACT_DIGITS;
            match text.parse::<f64>() {
                Ok(number) if is_number => {
                    sheet.write_number(self.row, column, number).map_err(failed)?;
                }
                _ => put(sheet, self.row, column, text)?,
            }
        }
        // The columns of a row are written in their order.
        let mut parameters: Vec<(u16, &str)> = (good.parameters.iter())
            .filter_map(|(name, text)| Some((*self.parameters.get(name)?, text.as_str())))
            .collect();
        parameters.sort_unstable();
        for (column, text) in parameters {
            put(sheet, self.row, column, text)?;
        }
        if let (Some(column), Some(error)) = (self.report, error) {
            put(sheet, self.row, column, error)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        self.book.save_to_writer(&mut self.out).map_err(failed)?;
        Ok(self.out.flush()?)
    }
}
