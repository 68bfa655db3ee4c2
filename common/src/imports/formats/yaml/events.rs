//! The events of a YAML document, with aliases written out and every limit held.
//!
//! An anchored node is kept on a tape while it passes, and an alias plays its stretch of the tape again. The tape
//! is bounded, and so is what is played from it against what was read, so that an alias bomb ends at once while
//! a program that writes equal parameters as aliases is understood.

use std::{collections::HashMap, io::Read, ops::Range, rc::Rc};

use granit_parser::{Event as Parsed, Parser, ScalarStyle, ScanError, Tag, options};

use super::{
    super::{FileCode, FileError, Limits, ReadError, encoding::Text},
    chars::{Chars, Shared},
};
use crate::imports::{Wording, said};

/// How deep collections may be nested; a list needs four levels.
const MAX_DEPTH: usize = 32;
/// The most events that anchored nodes may have in all.
const MAX_TAPE_EVENTS: usize = 200_000;
/// The most bytes of text that anchored nodes may have in all.
const MAX_TAPE_BYTES: usize = 16 << 20;
/// How much may be played from the tape anyway, and how much more for as much that was read.
const FREE_PLAYED: Volume = Volume { events: 10_000, bytes: 64 << 20 };
const PLAYED_PER_READ: Volume = Volume { events: 4, bytes: 16 };

/// A place in the list, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

/// What the document consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Scalar(Scalar),
    ListStart,
    ListEnd,
    MappingStart,
    MappingEnd,
    /// The end of the stream, after one document or none.
    End,
}

/// A text, with how it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Neither quoted nor a block, so that `null` means nothing.
    pub(super) plain: bool,
    /// A tag that is not one of YAML's own.
    pub(super) foreign_tag: Option<String>,
}

#[derive(Clone, Debug)]
enum Taped {
    Event(Event),
    Alias(usize),
}

impl Taped {
    /// The length of its text.
    fn bytes(&self) -> usize {
        match self {
            Self::Event(Event::Scalar(scalar)) => scalar.text.len(),
            _ => 0,
        }
    }
}

/// A number of events, and the bytes of their texts.
#[derive(Clone, Copy, Debug, Default)]
struct Volume {
    events: u64,
    bytes: u64,
}

impl Volume {
    fn add(&mut self, taped: &Taped) {
        self.events += 1;
        self.bytes += taped.bytes() as u64;
    }

    /// Whether so much was played where `read` was read that somebody means harm.
    fn exceeds(self, read: Self) -> bool {
        self.events > FREE_PLAYED.events + PLAYED_PER_READ.events * read.events
            || self.bytes > FREE_PLAYED.bytes + PLAYED_PER_READ.bytes * read.bytes
    }
}

/// The events of one list.
pub(super) struct Events<R: Read> {
    parser: Parser<'static, Chars<R>>,
    shared: Rc<Shared>,
    place: Place,
    documents: u32,
    depth: usize,
    read: Volume,
    played: Volume,
    tape: Vec<Taped>,
    tape_bytes: usize,
    /// Anchors whose node goes on: the anchor, where its tape begins, and the depth at which it ends.
    open: Vec<(usize, usize, usize)>,
    anchors: HashMap<usize, Range<usize>>,
    /// The stretches of tape that are being played, the innermost last.
    playing: Vec<Range<usize>>,
}

impl<R: Read> Events<R> {
    pub(super) fn open(source: R, limits: Limits) -> Result<Self, ReadError> {
        let shared = Rc::new(Shared::default());
        let chars = Chars::new(Text::open(source, limits)?, Rc::clone(&shared));
        let options = options! {
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        Ok(Self {
            parser: Parser::with_options(chars, options),
            shared,
            place: Place { line: 1, column: 1 },
            documents: 0,
            depth: 0,
            read: Volume::default(),
            played: Volume::default(),
            tape: Vec::new(),
            tape_bytes: 0,
            open: Vec::new(),
            anchors: HashMap::new(),
            playing: Vec::new(),
        })
    }

    /// Where the last event stands; of an event that an alias stands for, where the alias is.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// An error of the list at the last event.
    pub(super) fn error(&self, code: FileCode, detail: Wording) -> ReadError {
        FileError::new(code, detail).at(self.place.line, self.place.column).into()
    }

    /// The next event.
    pub(super) fn next(&mut self) -> Result<Event, ReadError> {
        loop {
            let next = match self.play() {
                Some(next) => {
                    self.played.add(&next);
                    if self.played.exceeds(self.read) {
                        let detail = said!(
                            "found aliases that stand for far more than the list has, expected few or none",
                            "найдены ссылки (*), за которыми стоит намного больше, чем есть в списке"
                        );
                        return Err(self.error(FileCode::TooManyAliases, detail));
                    }
                    next
                }
                None => match self.parse()? {
                    Some(next) => next,
                    None => return Ok(Event::End),
                },
            };
            match next {
                Taped::Event(event) => return Ok(event),
                Taped::Alias(anchor) => self.play_anchor(anchor)?,
            }
        }
    }

    /// Passes over the rest of a node whose first event was `event`.
    pub(super) fn skip(&mut self, event: &Event) -> Result<(), ReadError> {
        let mut open = match event {
            Event::ListStart | Event::MappingStart => 1_usize,
            _ => 0,
        };
        while open > 0 {
            match self.next()? {
                Event::ListStart | Event::MappingStart => open += 1,
                Event::ListEnd | Event::MappingEnd => open -= 1,
                Event::End => return Ok(()),
                Event::Scalar(_) => {}
            }
        }
        Ok(())
    }

    fn play(&mut self) -> Option<Taped> {
        while let Some(stretch) = self.playing.last_mut() {
            if let Some(at) = stretch.next() {
                return self.tape.get(at).cloned();
            }
            self.playing.pop();
        }
        None
    }

    fn play_anchor(&mut self, anchor: usize) -> Result<(), ReadError> {
        let Some(stretch) = self.anchors.get(&anchor).cloned() else {
            let detail = said!(
                "found an alias inside the node that it stands for, expected one that ends",
                "найдена ссылка (*) внутри того, на что она указывает"
            );
            return Err(self.error(FileCode::TooManyAliases, detail));
        };
        self.playing.push(stretch);
        Ok(())
    }

    /// The next event or alias of the parser, put on the tape where an anchored node is passing.
    fn parse(&mut self) -> Result<Option<Taped>, ReadError> {
        loop {
            let (event, span) = match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok(parsed)) => parsed,
                Some(Err(error)) => return Err(self.failure(&error)),
            };
            self.shared.since_event.set(0);
            self.place = Place { line: span.start.line() as u64, column: span.start.col() as u64 + 1 };
            let (taped, anchor) = match event {
                Parsed::StreamEnd => return Ok(None),
                Parsed::DocumentStart(..) => {
                    self.begin_document()?;
                    continue;
                }
                Parsed::Alias(anchor) => (Taped::Alias(anchor), 0),
                Parsed::Scalar(text, style, anchor, tag) => {
                    let plain = style == ScalarStyle::Plain;
                    let foreign_tag = tag.as_deref().and_then(foreign);
                    (
                        Taped::Event(Event::Scalar(Scalar { text: text.into_owned(), plain, foreign_tag })),
                        anchor,
                    )
                }
                Parsed::SequenceStart(_, anchor, _) => (Taped::Event(Event::ListStart), anchor),
                Parsed::MappingStart(_, anchor, _) => (Taped::Event(Event::MappingStart), anchor),
                Parsed::SequenceEnd => (Taped::Event(Event::ListEnd), 0),
                Parsed::MappingEnd => (Taped::Event(Event::MappingEnd), 0),
                _ => continue,
            };
            self.read.add(&taped);
            self.keep(&taped, anchor)?;
            return Ok(Some(taped));
        }
    }

    fn begin_document(&mut self) -> Result<(), ReadError> {
        self.documents += 1;
        if self.documents > 1 {
            let detail = said!(
                "found a second YAML document, expected one list",
                "найден второй документ YAML, ожидается один список"
            );
            return Err(self.error(FileCode::WrongShape, detail));
        }
        Ok(())
    }

    /// Keeps track of depth and anchors, and of the tape while an anchored node passes.
    fn keep(&mut self, taped: &Taped, anchor: usize) -> Result<(), ReadError> {
        if anchor > 0 {
            self.open.push((anchor, self.tape.len(), self.depth));
        }
        if !self.open.is_empty() {
            self.tape_bytes += taped.bytes();
            if self.tape.len() == MAX_TAPE_EVENTS || self.tape_bytes > MAX_TAPE_BYTES {
                let detail = said!(
                    "found too much under YAML anchors, expected the values written out",
                    "найдено слишком много под якорями YAML (&), пишите значения целиком"
                );
                return Err(self.error(FileCode::TooManyAliases, detail));
            }
            self.tape.push(taped.clone());
        }
        match taped {
            Taped::Event(Event::ListStart | Event::MappingStart) => self.depth += 1,
            Taped::Event(Event::ListEnd | Event::MappingEnd) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        while let Some((anchor, begin, _)) = self.open.pop_if(|(_, _, depth)| *depth == self.depth) {
            self.anchors.insert(anchor, begin..self.tape.len());
        }
        Ok(())
    }

    /// What stopped the parser: the source, a limit, or the list.
    fn failure(&self, error: &ScanError) -> ReadError {
        let (line, column) = (error.marker().line() as u64, error.marker().col() as u64 + 1);
        match self.shared.failure.take() {
            Some(ReadError::File(file)) if file.line.is_none() => file.at(line, column).into(),
            Some(other) => other,
            None => {
                let detail = said!(
                    "found what is not YAML, expected a list as in the description: {}",
                    "найдено то, что не YAML, ожидается список, как в описании: {}",
                    error.info()
                );
                FileError::new(FileCode::Syntax, detail).at(line, column).into()
            }
        }
    }
}

/// The name of a tag, unless it is one of YAML's own, which say nothing that the text does not.
fn foreign(tag: &Tag) -> Option<String> {
    let own = ["str", "int", "float", "bool", "null", "timestamp"];
    let harmless = tag.original() == "!" || own.into_iter().any(|name| tag.is_yaml_core_schema_tag(name));
    (!harmless).then(|| tag.original())
}
