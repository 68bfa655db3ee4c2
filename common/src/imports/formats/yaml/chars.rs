//! The text of a list as the parser takes it: one character at a time, with an eye on how much it takes.

use std::{
    cell::{Cell, RefCell},
    io::Read,
    rc::Rc,
};

use granit_parser::ErrorKind;

use super::super::{FileCode, FileError, ReadError, encoding::Text};

/// The most characters between one event of the parser and the next: what one value may have, with its key.
const MAX_VALUE_CHARS: usize = 1 << 20;

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
    chunk: Vec<char>,
    at: usize,
    shared: Rc<Shared>,
}

impl<R: Read> Chars<R> {
    pub(super) fn new(text: Text<R>, shared: Rc<Shared>) -> Self {
        Self { text, chunk: Vec::new(), at: 0, shared }
    }

    fn refill(&mut self) -> Result<bool, ReadError> {
        // Looked at once a chunk: a value is over its limit by a chunk at most.
        if self.shared.since_event.get() > MAX_VALUE_CHARS {
            let detail =
                "found a value of more than 1 MiB, expected a shorter one (is a quote never closed?)";
            return Err(FileError::new(FileCode::ValueTooLong, detail).into());
        }
        self.chunk.clear();
        self.at = 0;
        if let Some(chunk) = self.text.next_chunk()? {
            self.chunk.extend(chunk.chars());
        }
        self.shared.since_event.update(|n| n + self.chunk.len());
        Ok(!self.chunk.is_empty())
    }
}

impl<R: Read> Iterator for Chars<R> {
    type Item = Result<char, ErrorKind>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.chunk.len() {
            match self.refill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.shared.failure.replace(Some(error));
                    return Some(Err(ErrorKind::InputDecoding { message: String::new() }));
                }
            }
        }
        let c = self.chunk[self.at];
        self.at += 1;
        Some(Ok(c))
    }
}
