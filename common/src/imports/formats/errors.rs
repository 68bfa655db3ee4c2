//! What makes a whole list unreadable.

use std::{fmt, io};

use serde::{Deserialize, Serialize};

use crate::imports::Wording;

/// Why a list could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The list itself is at fault; reading it again changes nothing.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its bytes could not be had; trying again may help.
    #[error("the price list's bytes could not be read")]
    Source(#[source] io::Error),
}

/// What reads for others can only fail like a source; a fault of the list comes in its error.
impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        error.downcast::<FileError>().map_or_else(Self::Source, Self::File)
    }
}

/// What makes a whole list unreadable, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileError {
    /// The line, from 1, where it is known.
    pub line: Option<u64>,
    /// The character in that line, from 1, where it is known.
    pub column: Option<u64>,
    /// What is wrong, for programs.
    pub code: FileCode,
    /// What was found and what was expected, for people.
    pub detail: Wording,
}

impl FileError {
    /// An error that has no place of its own.
    pub(super) fn new(code: FileCode, detail: Wording) -> Self {
        Self { line: None, column: None, code, detail }
    }

    /// This error at a place.
    pub(super) fn at(self, line: u64, column: impl Into<Option<u64>>) -> Self {
        Self { line: Some(line), column: column.into(), ..self }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: {}", self.detail.en),
            (Some(line), None) => write!(f, "line {line}: {}", self.detail.en),
            (None, _) => f.write_str(&self.detail.en),
        }
    }
}

impl std::error::Error for FileError {}

/// What can make a list unreadable. The names are part of the API, and do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileCode {
    /// Nothing in it.
    Empty,
    /// An archive or a document, not a text.
    NotText,
    /// An archive that is no Excel workbook, or one that cannot be opened.
    NotAWorkbook,
    /// An archive that is damaged or was cut off.
    Damaged,
    /// An archive that unpacks to far more than a list would.
    DecompressionBomb,
    /// XML with definitions of its own.
    OwnDefinitions,
    /// More bytes than a list may have.
    TooLarge,
    /// More goods than a list may have.
    TooManyGoods,
    /// Not YAML or XML, from the place that is named.
    Syntax,
    /// A value or row of more than 1 MiB.
    ValueTooLong,
    /// A list without `goods` or `offers`.
    GoodsMissing,
    /// A part of a list that is not what it should be: `goods` that is no list.
    WrongShape,
    /// A part of a YAML list that is there twice.
    DuplicateKey,
    /// More categories than a list may have.
    TooManyCategories,
    /// YAML aliases that stand for far more than was written.
    TooManyAliases,
    /// A header without the columns that every list has.
    MissingColumns,
    /// A column that is there twice.
    DuplicateColumn,
    /// More columns than a list may have.
    TooManyColumns,
    /// A quote that is opened and never closed.
    UnclosedQuote,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::said;

    #[test]
    fn an_error_reads_alone_with_its_place() {
        let error = FileError::new(FileCode::Empty, said!("found nothing, expected a list", "пусто"));
        assert_eq!(error.to_string(), "found nothing, expected a list");
        assert_eq!(error.clone().at(3, None).to_string(), "line 3: found nothing, expected a list");
        assert_eq!(error.at(3, 5).to_string(), "line 3, column 5: found nothing, expected a list");
    }
}
