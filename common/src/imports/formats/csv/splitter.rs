//! Splits a CSV text into rows of cells, fed in pieces.
//!
//! Written by hand, because the usual splitter reads on where a quote is wrong: a quote that is opened and never
//! closed swallows the rows after it without a word, and in a list that replaces the one before, goods that were
//! swallowed are goods that are withdrawn. Here a quoted cell that goes on after its closing quote marks its row,
//! a quote that is open at the end of the text is noticed, and no row outgrows its limits.

/// The most bytes of a row.
pub(super) const MAX_ROW_BYTES: usize = 1 << 20;
/// The most cells of a row.
pub(super) const MAX_CELLS: usize = super::super::table::MAX_COLUMNS;

/// One row of a CSV text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    /// How many cells it has; only the first [`MAX_CELLS`] of them are kept.
    pub(super) cells: usize,
    /// Whether a quoted cell goes on after its closing quote.
    pub(super) bad_quotes: bool,
    /// Whether it runs over more than one line.
    pub(super) many_lines: bool,
    text: String,
    ends: Vec<usize>,
}

impl Row {
    /// The cell at a place, from 0.
    pub(super) fn cell(&self, n: usize) -> Option<&str> {
        let end = *self.ends.get(n)?;
        let begin = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(begin..end)
    }

    /// All cells that are kept.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).filter_map(|n| self.cell(n))
    }

    /// Whether nothing stands in it, as in the rows that spreadsheets leave at the end.
    pub(super) fn is_blank(&self) -> bool {
        !self.bad_quotes && self.text.chars().all(|c| c.is_whitespace() || c == '\u{feff}')
    }

    fn end_cell(&mut self) {
        self.cells += 1;
        if self.cells <= MAX_CELLS {
            self.ends.push(self.text.len());
        }
    }

    fn clear(&mut self, line: u64) {
        *self = Self {
            line,
            text: std::mem::take(&mut self.text),
            ends: std::mem::take(&mut self.ends),
            ..Self::default()
        };
        self.text.clear();
        self.ends.clear();
    }
}

/// How far a piece of text led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// A row is complete after so many bytes.
    Row(usize),
    /// The piece is used up, and the row goes on.
    More,
    /// The row outgrew [`MAX_ROW_BYTES`].
    TooLong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    RowStart,
    CellStart,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or the first half of a doubled quote.
    QuoteInQuoted,
}

/// The splitter's place in the text.
#[derive(Clone, Debug)]
pub(super) struct Splitter {
    delimiter: u8,
    state: State,
    line: u64,
    quote_line: u64,
}

impl Splitter {
    /// At the beginning of a text whose cells are parted by `delimiter`, an ASCII character.
    pub(super) fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::RowStart, line: 1, quote_line: 1 }
    }

    /// The line on which the quote stands that is open now.
    pub(super) fn open_quote(&self) -> Option<u64> {
        (self.state == State::Quoted).then_some(self.quote_line)
    }

    /// Reads on into `row`, to its end if the piece has it.
    pub(super) fn feed(&mut self, piece: &str, row: &mut Row) -> Fed {
        let bytes = piece.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            match self.state {
                State::RowStart => {
                    row.clear(self.line);
                    self.state = State::CellStart;
                }
                State::CellStart if byte == b'"' => {
                    (self.state, self.quote_line) = (State::Quoted, self.line);
                    at += 1;
                }
                State::CellStart => self.state = State::Plain,
                State::Quoted if byte == b'"' => {
                    self.state = State::QuoteInQuoted;
                    at += 1;
                }
                State::Quoted => {
                    let run = run_length(&bytes[at..], |b| b == b'"');
                    let breaks = bytes[at..at + run].iter().filter(|b| **b == b'\n').count();
                    self.line += breaks as u64;
                    row.many_lines |= breaks > 0;
                    row.text.push_str(&piece[at..at + run]);
                    at += run;
                }
                State::QuoteInQuoted if byte == b'"' => {
                    row.text.push('"');
                    self.state = State::Quoted;
                    at += 1;
                }
                State::QuoteInQuoted => {
                    row.bad_quotes |= byte != self.delimiter && byte != b'\n';
                    self.state = State::Plain;
                }
                State::Plain if byte == self.delimiter => {
                    row.end_cell();
                    self.state = State::CellStart;
                    at += 1;
                }
                State::Plain if byte == b'\n' => {
                    row.end_cell();
                    self.line += 1;
                    self.state = State::RowStart;
                    return Fed::Row(at + 1);
                }
                State::Plain => {
                    let delimiter = self.delimiter;
                    let run = run_length(&bytes[at..], |b| b == delimiter || b == b'\n');
                    row.text.push_str(&piece[at..at + run]);
                    at += run;
                }
            }
            if row.text.len() + row.cells > MAX_ROW_BYTES {
                return Fed::TooLong;
            }
        }
        Fed::More
    }

    /// Ends the text: whether a last row, without a line break, is complete now.
    pub(super) fn finish(&mut self, row: &mut Row) -> bool {
        if self.state == State::RowStart {
            return false;
        }
        row.end_cell();
        self.state = State::RowStart;
        true
    }
}

fn run_length(bytes: &[u8], ends: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|b| ends(*b)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All rows of a text that is fed in pieces of so many characters.
    fn rows(text: &str, piece: usize) -> Vec<Row> {
        let (mut splitter, mut row, mut all) = (Splitter::new(b';'), Row::default(), Vec::new());
        let chars: Vec<char> = text.chars().collect();
        for piece in chars.chunks(piece) {
            let piece: String = piece.iter().collect();
            let mut rest = piece.as_str();
            while let Fed::Row(used) = splitter.feed(rest, &mut row) {
                all.push(row.clone());
                rest = &rest[used..];
            }
        }
        if splitter.finish(&mut row) {
            all.push(row);
        }
        all
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        rows(text, 1000).iter().map(|row| row.iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn cells_are_parted_by_the_delimiter_and_rows_by_line_breaks() {
        assert_eq!(cells("a;b\n;\nc"), [vec!["a", "b"], vec!["", ""], vec!["c"]]);
        assert_eq!(cells(""), Vec::<Vec<String>>::new());
        assert_eq!(cells("a;"), [["a", ""]]);
    }

    #[test]
    fn a_quote_at_the_start_of_a_cell_quotes_and_elsewhere_is_a_quote() {
        assert_eq!(cells("\"a;b\n\"\"c\"\"\";19\" экран\n"), [["a;b\n\"c\"", "19\" экран"]]);
        assert_eq!(cells("\"\";x"), [["", "x"]]);
    }

    #[test]
    fn text_after_a_closing_quote_marks_its_row_only() {
        let all = rows("\"19\" экран\";5\nb;6\n", 1000);
        assert_eq!(all.iter().map(|row| row.bad_quotes).collect::<Vec<_>>(), [true, false]);
        assert_eq!((all[0].cells, all[1].cell(1)), (2, Some("6")));
    }

    #[test]
    fn a_row_knows_its_first_line() {
        let all = rows("a\n\"b\n\nc\"\nd\n", 1000);
        assert_eq!(
            all.iter().map(|row| (row.line, row.many_lines)).collect::<Vec<_>>(),
            [(1, false), (2, true), (5, false)]
        );
    }

    #[test]
    fn an_open_quote_is_known_with_its_line() {
        let (mut splitter, mut row) = (Splitter::new(b','), Row::default());
        assert_eq!(splitter.feed("a\n", &mut row), Fed::Row(2));
        assert_eq!(splitter.feed("b,\"c\n\nd", &mut row), Fed::More);
        assert_eq!(splitter.open_quote(), Some(2));
    }

    #[test]
    fn a_row_never_outgrows_its_limits() {
        let (mut splitter, mut row) = (Splitter::new(b','), Row::default());
        assert_eq!(splitter.feed(&"x".repeat(MAX_ROW_BYTES + 1), &mut row), Fed::TooLong);
        let (mut splitter, mut row) = (Splitter::new(b','), Row::default());
        assert_eq!(splitter.feed(&",".repeat(MAX_ROW_BYTES + 1), &mut row), Fed::TooLong);
        assert_eq!(row.iter().count(), MAX_CELLS);
    }

    proptest! {
        #[test]
        fn the_pieces_in_which_a_text_comes_do_not_matter(text in "[ab;\"\nж]{0,60}", piece in 1usize..8) {
            prop_assert_eq!(rows(&text, piece), rows(&text, 1000));
        }

        #[test]
        fn quoted_cells_survive(all in prop::collection::vec("[ab;\"\nж]{0,8}", 1..6)) {
            let line: Vec<String> = all.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            prop_assert_eq!(cells(&line.join(";")), vec![all]);
        }
    }
}
