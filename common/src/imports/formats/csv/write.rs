//! Writing CSV as spreadsheets in Russia open it: semicolons, a decimal comma, UTF-8 that says so.

use std::collections::HashMap;

use csv::{Writer, WriterBuilder};

use super::formulas::guarded;
use crate::imports::formats::{
    RawGood,
    writing::{ListHead, ListWriter, Out, WriteError, cells, is_number},
};

pub(super) struct CsvWriter {
    rows: Writer<Out>,
    /// The columns of the parameters.
    parameters: HashMap<String, usize>,
    columns: usize,
    is_report: bool,
}

impl CsvWriter {
    pub(super) fn begin(mut out: Out, head: &ListHead) -> Result<Self, WriteError> {
        let names = head.columns()?;
        out.write_all("\u{feff}".as_bytes())?;
        let mut rows = WriterBuilder::new().delimiter(b';').from_writer(out);
        rows.write_record(&names).map_err(failed)?;
        let first = cells(&RawGood::default()).len();
        let parameters = head.parameters.iter().cloned().zip(first..).collect();
        Ok(Self { rows, parameters, columns: names.len(), is_report: head.is_report })
    }
}

fn failed(error: csv::Error) -> WriteError {
    WriteError::Io(error.into())
}

impl ListWriter for CsvWriter {
    fn write(&mut self, good: &RawGood, error: Option<&str>) -> Result<(), WriteError> {
        let mut row = vec![String::new(); self.columns];
        for (n, text) in cells(good).into_iter().enumerate() {
            let text = text.unwrap_or_default();
            row[n] = if is_number(n, text) { text.replace('.', ",") } else { guarded(text).into_owned() };
        }
        for (name, text) in &good.parameters {
            if let Some(column) = self.parameters.get(name) {
                row[*column] = guarded(text).into_owned();
            }
        }
        if let (true, Some(last)) = (self.is_report, row.last_mut()) {
            *last = guarded(error.unwrap_or_default()).into_owned();
        }
        self.rows.write_record(&row).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        Ok(self.rows.flush()?)
    }
}
