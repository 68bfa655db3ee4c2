//! Lists on their way out: in the form in which they can come in again.

use std::io::{self, Write};

use super::{
    RawGood,
    format::Format,
    table::{Field, MAX_COLUMNS, PARAMETER, REPORT},
};

/// What a list says before its goods.
#[derive(Clone, Debug, Default)]
pub struct ListHead {
    /// The name of the shop.
    pub shop: String,
    /// Every category that a good is of.
    pub categories: Vec<String>,
    /// Every parameter that a good has.
    pub parameters: Vec<String>,
    /// Whether it is a report, which says of each good what is wrong with it.
    pub is_report: bool,
}

impl ListHead {
    /// The names of the columns of a table: those of [`cells`], the parameters, and the report's.
    pub(super) fn columns(&self) -> Result<Vec<String>, WriteError> {
        let mut names: Vec<String> = Field::ALL.map(|(name, _)| name.to_owned()).into();
        names.extend(self.parameters.iter().map(|name| format!("{PARAMETER}{name}")));
        names.extend(self.is_report.then(|| REPORT.to_owned()));
        match names.len() {
            ..=MAX_COLUMNS => Ok(names),
            found => Err(WriteError::TooManyColumns { found }),
        }
    }
}

/// Why a list cannot be written in a form.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A table has no place for so many parameters.
    #[error("the list needs {found} columns, and a table has at most {MAX_COLUMNS}: take it as yaml")]
    TooManyColumns {
        /// How many it needs.
        found: usize,
    },
    /// A sheet has no place for so many goods.
    #[error("a sheet has at most 1048575 goods: take the list as yaml or csv")]
    TooManyRows,
    /// It could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Where a list goes.
pub type Out = Box<dyn Write + Send>;

/// Writes a list, good by good, in bounded memory.
pub trait ListWriter: Send {
    /// Writes a good, and in a report what is wrong with it.
    ///
    /// # Errors
    /// [`WriteError`].
    fn write(&mut self, good: &RawGood, error: Option<&str>) -> Result<(), WriteError>;

    /// Ends the list.
    ///
    /// # Errors
    /// [`WriteError`].
    fn finish(self: Box<Self>) -> Result<(), WriteError>;
}

/// Begins a list.
///
/// # Errors
/// [`WriteError`].
pub fn writer(format: Format, out: Out, head: &ListHead) -> Result<Box<dyn ListWriter>, WriteError> {
    format.form().writer(out, head)
}

/// What stands in the first columns of a table, in their order.
pub(super) fn cells(good: &RawGood) -> [Option<&str>; Field::ALL.len()] {
    Field::ALL.map(|(_, field)| field.in_good(good).as_deref())
}

/// Whether the text of one of [`cells`] is a number.
pub(super) fn is_number(cell: usize, text: &str) -> bool {
    Field::ALL.get(cell).is_some_and(|(_, field)| field.is_number()) && is_plain_number(text)
}

/// Whether a text is a number in plain digits: `110000.50`.
pub(super) fn is_plain_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}
