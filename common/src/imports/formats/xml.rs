//! XML as lists have it: its nodes one after the other, in bounded memory.
//!
//! A document type that defines something is refused, so that there is nothing to expand, and what it points at is
//! never fetched. No node may have more than 1 MiB, and no element more than a few dozen around it.

use std::{
    borrow::Cow,
    io::{self, BufRead, Read},
    sync::Arc,
};

use quick_xml::{
    Error, Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::{FileCode, FileError, Limits, ReadError, encoding::Text};
use crate::imports::said;

/// The most bytes of a node.
const MAX_NODE_BYTES: usize = 1 << 20;
/// How deep elements may be nested.
const MAX_DEPTH: usize = 64;

/// One node, or what is none and can be passed over.
pub(super) enum Node<'n> {
    Start(Element<'n>),
    /// A text, or a piece of it.
    Text(Cow<'n, str>),
    /// A reference to what XML does not know: `&nbsp;`.
    Unknown(String),
    End,
    Other,
    EndOfDocument,
}

/// An element with its attributes.
pub(super) struct Element<'n>(BytesStart<'n>);

impl Element<'_> {
    /// Its name, without a prefix.
    pub(super) fn name(&self) -> String {
        self.0.local_name().as_ref().to_owned()
    }

    /// An attribute of it, its name taken without a prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let mut all = self.0.attributes();
        let found = all.with_checks(false).flatten().find(|it| it.key.local_name().as_ref() == name)?;
        Some(found.normalized_value(XmlVersion::Implicit1_0).unwrap_or(found.value.clone()).into_owned())
    }
}

/// The nodes of a document.
pub(super) struct Nodes<R> {
    reader: Reader<Utf8<R>>,
    buffer: Vec<u8>,
    depth: usize,
    line: u64,
}

impl<R: Read> Nodes<R> {
    pub(super) fn open(source: R, limits: Limits) -> Result<Self, ReadError> {
        let text = Text::open(source, limits)?;
        let mut reader = Reader::from_reader(Utf8 { text, piece: Vec::new(), at: 0, since_node: 0, line: 1 });
        reader.config_mut().expand_empty_elements = true;
        // A lone `&` is a mistake that costs nothing.
        reader.config_mut().allow_dangling_amp = true;
        Ok(Self { reader, buffer: Vec::new(), depth: 0, line: 1 })
    }

    /// The line on which the last node begins.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The next node.
    pub(super) fn next(&mut self) -> Result<Node<'_>, ReadError> {
        self.buffer.clear();
        let source = self.reader.get_mut();
        source.since_node = source.piece.len() - source.at;
        self.line = source.line;
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(error) => return Err(failure(error, self.line)),
        };
        Ok(match event {
            Event::Start(start) | Event::Empty(start) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(too_deep(self.line));
                }
                Node::Start(Element(start))
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Node::End
            }
            Event::Text(text) => Node::Text(text.into_inner()),
            Event::CData(text) => Node::Text(text.into_inner()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(c)) => Node::Text(Cow::Owned(c.to_string())),
                _ => named(&reference),
            },
            Event::DocType(definition) => {
                if definition.contains(['[', '%']) {
                    return Err(defines(self.line));
                }
                Node::Other
            }
            Event::Eof if self.depth > 0 => return Err(cut_off(self.line)),
            Event::Eof => Node::EndOfDocument,
            _ => Node::Other,
        })
    }

    /// Passes over the rest of an element that has just begun.
    pub(super) fn skip(&mut self) -> Result<(), ReadError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            self.next()?;
        }
        Ok(())
    }
}

fn named(name: &str) -> Node<'static> {
    match name {
        "lt" => Node::Text("<".into()),
        "gt" => Node::Text(">".into()),
        "amp" => Node::Text("&".into()),
        "apos" => Node::Text("'".into()),
        "quot" => Node::Text("\"".into()),
        other => Node::Unknown(other.to_owned()),
    }
}

/// What stopped the reader: the source, a limit, or the document.
fn failure(error: Error, line: u64) -> ReadError {
    match error {
        Error::Io(error) => {
            let error = Arc::try_unwrap(error).unwrap_or_else(|shared| io::Error::other(shared.to_string()));
            match ReadError::from(error) {
                ReadError::File(file) if file.line.is_none() => file.at(line, None).into(),
                other => other,
            }
        }
        other => {
            let detail = said!(
                "found what is not XML, expected well-formed XML: {other}",
                "найдено то, что не XML, ожидается правильный XML: {other}"
            );
            FileError::new(FileCode::Syntax, detail).at(line, None).into()
        }
    }
}

fn too_deep(line: u64) -> ReadError {
    let detail = said!(
        "found elements nested deeper than {MAX_DEPTH}, expected fewer",
        "найдены элементы с вложенностью больше {MAX_DEPTH}, ожидается меньше"
    );
    FileError::new(FileCode::Syntax, detail).at(line, None).into()
}

fn defines(line: u64) -> ReadError {
    let detail = said!(
        "found a document type with definitions of its own, expected none",
        "найден тип документа (DOCTYPE) с собственными определениями, ожидается без них"
    );
    FileError::new(FileCode::OwnDefinitions, detail).at(line, None).into()
}

fn cut_off(line: u64) -> ReadError {
    let detail = said!(
        "found the end of the file inside an element, expected its end tag",
        "файл кончился внутри элемента, ожидается закрывающий тег"
    );
    FileError::new(FileCode::Syntax, detail).at(line, None).into()
}

/// The text of a list as bytes, with an eye on how much one node takes.
struct Utf8<R> {
    text: Text<R>,
    piece: Vec<u8>,
    at: usize,
    /// Bytes in hand or handed out since the last node.
    since_node: usize,
    line: u64,
}

impl<R: Read> BufRead for Utf8<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.piece.len() {
            if self.since_node > MAX_NODE_BYTES {
                let detail = said!(
                    "found a value of more than 1 MiB, expected a shorter one",
                    "найдено значение больше 1 МиБ, ожидается короче"
                );
                return Err(io::Error::other(FileError::new(FileCode::ValueTooLong, detail)));
            }
            self.piece.clear();
            self.at = 0;
            match self.text.next_chunk() {
                Ok(Some(chunk)) => self.piece.extend_from_slice(chunk.as_bytes()),
                Ok(None) => {}
                Err(ReadError::File(error)) => return Err(io::Error::other(error)),
                Err(ReadError::Source(error)) => return Err(error),
            }
            self.since_node += self.piece.len();
        }
        Ok(&self.piece[self.at..])
    }

    fn consume(&mut self, count: usize) {
        let end = (self.at + count).min(self.piece.len());
        self.line += self.piece[self.at..end].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = end;
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
