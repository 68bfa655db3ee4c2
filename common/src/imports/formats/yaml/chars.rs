//! The text of a list as the parser takes it: a window of characters that moves over it, with an eye on how much
//! the parser takes for one value.
//!
//! The parser has an input of its own for streams, which costs a fifth of the whole reading: it moves every
//! character through a queue.

use std::{
    cell::{Cell, RefCell},
    io::Read,
    rc::Rc,
};

use granit_parser::{BorrowedInput, ErrorKind, Input};

use super::super::{FileCode, FileError, ReadError, encoding::Text};
use crate::imports::said;

/// The most characters between one event of the parser and the next: what one value may have, with its key.
const MAX_VALUE_CHARS: usize = 1 << 20;
/// How many characters the parser can always look at, unless the text ends before.
const AHEAD: usize = 128;

/// What the characters and the reader of their events know in common; the parser stands between them.
#[derive(Default)]
pub(super) struct Shared {
    /// Characters handed out since the last event.
    pub(super) since_event: Cell<usize>,
    /// Why there are no more characters, unless the text has ended.
    pub(super) failure: RefCell<Option<ReadError>>,
}

/// The characters of a text.
pub(super) struct Chars<R> {
    text: Text<R>,
    window: Vec<char>,
    at: usize,
    /// Nothing more comes into the window: the text has ended, or failed.
    ended: bool,
    failed: bool,
    shared: Rc<Shared>,
}

impl<R: Read> Chars<R> {
    pub(super) fn new(text: Text<R>, shared: Rc<Shared>) -> Self {
        let mut chars = Self { text, window: Vec::new(), at: 0, ended: false, failed: false, shared };
        chars.advance(0);
        chars
    }

    /// Passes over characters that are in the window, and fills it up again.
    #[inline]
    fn advance(&mut self, count: usize) {
        self.at = (self.at + count).min(self.window.len());
        if self.window.len() - self.at < AHEAD && !self.ended {
            self.refill();
        }
    }

    #[cold]
    fn refill(&mut self) {
        self.window.drain(..self.at);
        self.at = 0;
        while self.window.len() < AHEAD && !self.ended {
            if let Err(error) = self.take_chunk() {
                self.shared.failure.replace(Some(error));
                (self.ended, self.failed) = (true, true);
            }
        }
    }

    fn take_chunk(&mut self) -> Result<(), ReadError> {
        // Looked at once a chunk: a value is over its limit by a chunk at most.
        if self.shared.since_event.get() > MAX_VALUE_CHARS {
            let detail = said!(
                "found a value of more than 1 MiB, expected a shorter one (is a quote never closed?)",
                "найдено значение больше 1 МиБ, ожидается короче (не закрыта кавычка?)"
            );
            return Err(FileError::new(FileCode::ValueTooLong, detail).into());
        }
        let before = self.window.len();
        match self.text.next_chunk()? {
            Some(chunk) => self.window.extend(chunk.chars()),
            None => self.ended = true,
        }
        self.shared.since_event.update(|n| n + self.window.len() - before);
        Ok(())
    }

    /// The characters from here that `goes_on` takes.
    fn run(&self, goes_on: impl Fn(char) -> bool) -> &[char] {
        let rest = &self.window[self.at..];
        let end = rest.iter().position(|c| !goes_on(*c)).unwrap_or(rest.len());
        &rest[..end]
    }
}

/// NUL stands for the end as well as for itself; [`Input::next_is_z`] tells them apart.
impl<R: Read> Input for Chars<R> {
    #[inline]
    fn lookahead(&mut self, _count: usize) {
        // The window is never let run short.
    }

    #[inline]
    fn buflen(&self) -> usize {
        AHEAD
    }

    #[inline]
    fn bufmaxlen(&self) -> usize {
        AHEAD
    }

    #[inline]
    fn raw_read_ch(&mut self) -> char {
        let c = self.peek();
        self.advance(1);
        c
    }

    #[inline]
    fn raw_read_non_breakz_ch(&mut self) -> Option<char> {
        match self.peek() {
            '\0' | '\n' | '\r' => None,
            c => {
                self.advance(1);
                Some(c)
            }
        }
    }

    #[inline]
    fn skip(&mut self) {
        self.advance(1);
    }

    #[inline]
    fn skip_n(&mut self, count: usize) {
        // The parser skips what it has looked at, so the window holds it.
        self.advance(count);
    }

    #[inline]
    fn peek(&self) -> char {
        self.peek_nth(0)
    }

    #[inline]
    fn peek_nth(&self, n: usize) -> char {
        self.window.get(self.at + n).copied().unwrap_or('\0')
    }

    #[inline]
    fn next_is_z(&self) -> bool {
        self.at == self.window.len()
    }

    fn take_source_error(&mut self) -> Option<ErrorKind> {
        std::mem::take(&mut self.failed).then(|| ErrorKind::InputDecoding { message: String::new() })
    }

    fn skip_while_blank(&mut self) -> usize {
        let mut skipped = 0;
        loop {
            let run = self.run(|c| c == ' ' || c == '\t').len();
            if run == 0 {
                return skipped;
            }
            skipped += run;
            self.advance(run);
        }
    }

    fn fetch_block_scalar_line(&mut self, out: &mut String) -> usize {
        let mut fetched = 0;
        loop {
            let run = self.run(|c| !matches!(c, '\0' | '\n' | '\r'));
            let length = run.len();
            out.extend(run);
            if length == 0 {
                return fetched;
            }
            fetched += length;
            self.advance(length);
        }
    }
}

impl<R: Read> BorrowedInput<'static> for Chars<R> {
    fn slice_borrowed(&self, _start: usize, _end: usize) -> Option<&'static str> {
        None
    }
}

#[cfg(test)]
mod tests {
    use granit_parser::{Event, Parser};
    use proptest::prelude::*;

    use super::*;
    use crate::imports::formats::Limits;

    /// The events of a text with their places, and the error that ends them.
    fn events<'i, I: BorrowedInput<'i>>(parser: Parser<'i, I>) -> Vec<(String, usize, usize)> {
        let told = |event: Event<'_>| format!("{event:?}");
        parser
            .map(|next| match next {
                Ok((event, span)) => (told(event), span.start.line(), span.start.col()),
                Err(error) => (error.info(), error.marker().line(), error.marker().col()),
            })
            .collect()
    }

    fn chars(text: &str) -> Chars<&[u8]> {
        let text = Text::open(text.as_bytes(), Limits::default());
        Chars::new(text.unwrap(), Rc::new(Shared::default()))
    }

    proptest! {
        #[test]
        fn the_parser_reads_a_stream_as_it_reads_a_text(
            text in "(goods:|- |a: |  |\n|\n  |\"|'|\\||>|[\\[\\]{},&*!#%?ж0.\t]|---|[a-zж ]{0,150}|\u{0}){0,40}",
            // Long enough to put the text across the border of two chunks.
            before in 65_300..65_540_usize,
        ) {
            let text = format!("#{}\n{text}", "x".repeat(before));
            prop_assert_eq!(events(Parser::new(chars(&text))), events(Parser::new_from_str(&text)));
        }
    }
}
