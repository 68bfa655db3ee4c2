//! The archive that a workbook is: its parts by their names, in bounded memory.
//!
//! Only what a workbook needs is understood, and nothing in it is believed: a part is neither longer than it says nor
//! longer than it may be, and its checksum is right, or there is an error.

use std::{
    collections::HashMap,
    io::{self, Read, Seek, SeekFrom, Take},
};

use flate2::{Crc, read::DeflateDecoder};

use super::super::{
    FileCode, FileError, ReadError,
    packed::{damaged, refuse_bomb},
};
use crate::imports::said;

/// The most parts of a workbook; usual are two dozen.
const MAX_PARTS: u64 = 10_000;
/// The most bytes of their directory.
const MAX_DIRECTORY_BYTES: u64 = 4 << 20;
/// How far from the end the directory's place is noted: the note itself, with the longest comment.
const MAX_TAIL_BYTES: u64 = 22 + 65_535 + 20;

/// How workbooks begin that are old, or protected by a password.
const OLD: [u8; 4] = [0xD0, 0xCF, 0x11, 0xE0];

/// An archive of parts.
pub(super) struct Package<S> {
    source: S,
    parts: HashMap<String, Entry>,
}

/// Where a part is, and what the directory says of it.
#[derive(Clone, Copy)]
struct Entry {
    offset: u64,
    packed: u64,
    unpacked: u64,
    crc: u32,
    deflated: bool,
    /// Whether it can be unpacked: neither protected nor packed in an unusual way.
    readable: bool,
}

impl<S: Read + Seek> Package<S> {
    pub(super) fn open(mut source: S) -> Result<Self, ReadError> {
        let length = match source.seek(SeekFrom::End(0)) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Err(packed_twice().into()),
            Err(error) => return Err(error.into()),
        };
        let mut head = Vec::new();
        source.rewind()?;
        source.by_ref().take(4).read_to_end(&mut head)?;
        if head == OLD {
            return Err(old_or_protected().into());
        }
        let (offset, bytes, count) = directory(&mut source, length)?;
        if count > MAX_PARTS || bytes > MAX_DIRECTORY_BYTES || offset.saturating_add(bytes) > length {
            return Err(broken().into());
        }
        let mut listed = vec![0; usize::try_from(bytes).unwrap_or(0)];
        source.seek(SeekFrom::Start(offset))?;
        source.read_exact(&mut listed).map_err(damaged)?;
        let parts = entries(&listed).ok_or_else(broken)?;
        Ok(Self { source, parts })
    }

    /// A part of at most `most` bytes.
    pub(super) fn part(&mut self, name: &str, most: u64) -> Result<Part<&mut S>, ReadError> {
        let Some(entry) = self.parts.get(name).copied() else {
            let detail = said!(
                "found an archive without {name}, expected an .xlsx workbook",
                "в архиве нет {name}, ожидается книга .xlsx"
            );
            return Err(FileError::new(FileCode::NotAWorkbook, detail).into());
        };
        if !entry.readable {
            let detail = said!(
                "found a part that is protected or packed in an unusual way, expected a plain workbook",
                "найдена часть, защищённая или сжатая необычным способом, ожидается обычная книга"
            );
            return Err(FileError::new(FileCode::NotAWorkbook, detail).into());
        }
        if entry.unpacked > most {
            let detail = said!(
                "found {name} of {} bytes, expected at most {most}; save the list as CSV",
                "найдена часть {name} размером {} байт, ожидается не больше {most}; сохраните список как CSV",
                entry.unpacked
            );
            return Err(FileError::new(FileCode::TooLarge, detail).into());
        }
        Part::open(&mut self.source, entry)
    }
}

/// Where the directory begins, how many bytes it has and how many parts it names.
fn directory<S: Read + Seek>(source: &mut S, length: u64) -> Result<(u64, u64, u64), ReadError> {
    let from = length.saturating_sub(MAX_TAIL_BYTES);
    source.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    source.by_ref().take(MAX_TAIL_BYTES).read_to_end(&mut tail)?;
    let note = (0..tail.len().saturating_sub(21))
        .rev()
        .find(|at| {
            tail[*at..].starts_with(b"PK\x05\x06") && at + 22 + short(&tail, at + 20) as usize == tail.len()
        })
        .ok_or_else(broken)?;
    let (count, bytes, offset) = (short(&tail, note + 10), long(&tail, note + 12), long(&tail, note + 16));
    let locator = note.checked_sub(20).filter(|at| tail[*at..].starts_with(b"PK\x06\x07"));
    let large = count == 0xFFFF || bytes == 0xFFFF_FFFF || offset == 0xFFFF_FFFF;
    let (true, Some(locator)) = (large, locator) else { return Ok((offset, bytes, count)) };
    // The numbers of a large archive stand in a note of their own.
    source.seek(SeekFrom::Start(huge(&tail, locator + 8)))?;
    let mut note = [0; 56];
    source.read_exact(&mut note).map_err(damaged)?;
    if !note.starts_with(b"PK\x06\x06") {
        return Err(broken().into());
    }
    Ok((huge(&note, 48), huge(&note, 40), huge(&note, 32)))
}

/// The entries of a directory; nothing if it is not one.
fn entries(listed: &[u8]) -> Option<HashMap<String, Entry>> {
    let mut parts = HashMap::new();
    let mut rest = listed;
    while rest.starts_with(b"PK\x01\x02") && rest.len() >= 46 {
        let (name, extra, comment) = (short(rest, 28), short(rest, 30), short(rest, 32));
        let name_end = 46 + name as usize;
        let extra_end = name_end + extra as usize;
        let (flags, method) = (short(rest, 8), short(rest, 10));
        let sizes = [long(rest, 24), long(rest, 20), long(rest, 42)];
        let [unpacked, packed, offset] = enlarged(sizes, rest.get(name_end..extra_end)?);
        let name = String::from_utf8_lossy(rest.get(46..name_end)?).into_owned();
        let (deflated, readable) = (method == 8, flags & 1 == 0 && matches!(method, 0 | 8));
        let crc = u32::try_from(long(rest, 16)).ok()?;
        parts.insert(name, Entry { offset, packed, unpacked, crc, deflated, readable });
        rest = rest.get(extra_end + comment as usize..)?;
    }
    Some(parts)
}

/// Numbers that were too large for their places stand in the extra field, in the same order.
fn enlarged(mut numbers: [u64; 3], mut extra: &[u8]) -> [u64; 3] {
    while extra.len() >= 4 {
        let (kind, length) = (short(extra, 0), short(extra, 2) as usize);
        let Some(mut field) = extra.get(4..4 + length) else { break };
        if kind == 1 {
            for number in numbers.iter_mut().filter(|number| **number == 0xFFFF_FFFF) {
                if field.len() >= 8 {
                    *number = huge(field, 0);
                    field = &field[8..];
                }
            }
        }
        extra = &extra[4 + length..];
    }
    numbers
}

/// The bytes of a part.
pub(super) struct Part<S> {
    data: Data<S>,
    entry: Entry,
    read: u64,
    crc: Crc,
}

enum Data<S> {
    Stored(Take<S>),
    Deflated(DeflateDecoder<Take<S>>),
}

impl<S: Read + Seek> Part<S> {
    fn open(mut source: S, entry: Entry) -> Result<Self, ReadError> {
        let mut head = [0; 30];
        source.seek(SeekFrom::Start(entry.offset))?;
        source.read_exact(&mut head).map_err(damaged)?;
        if !head.starts_with(b"PK\x03\x04") {
            return Err(broken().into());
        }
        source.seek(SeekFrom::Start(entry.offset + 30 + short(&head, 26) + short(&head, 28)))?;
        let data = source.take(entry.packed);
        let data =
            if entry.deflated { Data::Deflated(DeflateDecoder::new(data)) } else { Data::Stored(data) };
        Ok(Self { data, entry, read: 0, crc: Crc::new() })
    }
}

impl<S: Read> Read for Part<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.data {
            Data::Stored(data) => data.read(buffer)?,
            Data::Deflated(data) => data.read(buffer).map_err(damaged)?,
        };
        self.crc.update(&buffer[..read]);
        self.read += read as u64;
        refuse_bomb(self.entry.packed, self.read)?;
        let ended = read == 0;
        let whole = self.read == self.entry.unpacked && self.crc.sum() == self.entry.crc;
        if self.read > self.entry.unpacked || (ended && !whole) {
            return Err(io::Error::other(broken()));
        }
        Ok(read)
    }
}

fn broken() -> FileError {
    let detail = said!(
        "found an archive that is damaged, expected an .xlsx workbook",
        "архив повреждён, ожидается книга .xlsx"
    );
    FileError::new(FileCode::Damaged, detail)
}

fn packed_twice() -> FileError {
    let detail = said!(
        "found a workbook inside a gzip archive, expected the workbook itself",
        "найдена книга внутри архива gzip, ожидается сама книга"
    );
    FileError::new(FileCode::NotAWorkbook, detail)
}

fn old_or_protected() -> FileError {
    let detail = said!(
        "found an old (.xls) or protected workbook, expected an .xlsx workbook without a password",
        "найдена старая (.xls) или защищённая паролем книга, ожидается книга .xlsx без пароля"
    );
    FileError::new(FileCode::NotAWorkbook, detail)
}

/// Two bytes at a place.
fn short(bytes: &[u8], at: usize) -> u64 {
    number(bytes, at, 2)
}

/// Four bytes at a place.
fn long(bytes: &[u8], at: usize) -> u64 {
    number(bytes, at, 4)
}

/// Eight bytes at a place.
fn huge(bytes: &[u8], at: usize) -> u64 {
    number(bytes, at, 8)
}

/// A number, its lowest byte first; zero beyond the end.
fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    let bytes = bytes.get(at..at + length).unwrap_or_default();
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
