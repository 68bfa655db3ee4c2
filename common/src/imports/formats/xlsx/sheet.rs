//! The rows of a sheet, one after the other.

use std::io::Read;

use super::{
    super::{
        FileCode, FileError, Limits, ReadError,
        table::MAX_COLUMNS,
        xml::{Node, Nodes},
    },
    book::Book,
    cells::{Cell, CellForm},
};
use crate::imports::said;

/// The most bytes of a row's texts.
const MAX_ROW_BYTES: usize = 1 << 20;

/// A row in which something stands.
pub(super) struct Row {
    /// Its number as the program shows it.
    pub(super) number: u64,
    /// Its cells from the first column on; empty texts where there are none.
    pub(super) cells: Vec<Cell>,
}

/// The rows of a sheet.
pub(super) struct Rows<'b, R> {
    nodes: Nodes<R>,
    book: &'b Book,
    number: u64,
}

impl<'b, R: Read> Rows<'b, R> {
    pub(super) fn open(part: R, book: &'b Book) -> Result<Self, ReadError> {
        // The part knows how long it may be.
        let limits = Limits { bytes: u64::MAX, ..Limits::default() };
        Ok(Self { nodes: Nodes::open(part, limits)?, book, number: 0 })
    }

    /// The next row that is not empty.
    pub(super) fn next(&mut self) -> Result<Option<Row>, ReadError> {
        loop {
            match self.nodes.next()? {
                Node::Start(element) if element.name() == "row" => {
                    let number = element.attribute("r").and_then(|text| text.parse().ok());
                    self.number = number.unwrap_or(self.number + 1);
                    let cells = self.cells()?;
                    if cells.iter().any(|cell| !cell.text().trim().is_empty()) {
                        return Ok(Some(Row { number: self.number, cells }));
                    }
                }
                Node::EndOfDocument => return Ok(None),
                _ => {}
            }
        }
    }

    fn cells(&mut self) -> Result<Vec<Cell>, ReadError> {
        let outside = self.nodes.depth().saturating_sub(1);
        let (mut cells, mut bytes) = (Vec::new(), 0);
        while self.nodes.depth() > outside {
            let form = match self.nodes.next()? {
                Node::Start(element) if element.name() == "c" => CellForm::of(&element),
                _ => continue,
            };
            let cell = Cell::read(&mut self.nodes, &form, self.book)?;
            if cell.text().is_empty() {
                continue;
            }
            let place = form.place.unwrap_or(cells.len());
            bytes += cell.text().len();
            if place >= MAX_COLUMNS || bytes > MAX_ROW_BYTES {
                return Err(self.too_much(place));
            }
            if cells.len() <= place {
                cells.resize(place + 1, Cell::Text(String::new()));
            }
            cells[place] = cell;
        }
        Ok(cells)
    }

    fn too_much(&self, place: usize) -> ReadError {
        let error = if place >= MAX_COLUMNS {
            let detail = said!(
                "found more than {MAX_COLUMNS} columns, expected at most that many",
                "найдено больше {MAX_COLUMNS} столбцов, ожидается не больше"
            );
            FileError::new(FileCode::TooManyColumns, detail)
        } else {
            let detail = said!(
                "found a row of more than 1 MiB, expected at most that",
                "найдена строка больше 1 МиБ, ожидается не больше"
            );
            FileError::new(FileCode::ValueTooLong, detail)
        };
        error.at(self.number, None).into()
    }
}
