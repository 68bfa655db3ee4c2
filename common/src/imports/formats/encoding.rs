//! From the bytes of a list to its text.
//!
//! A byte-order mark decides, or NULs where UTF-16 has them. Without either, all is ASCII up to the first byte
//! that is not; there a window of 64 KiB is looked at, and whatever more of it is, characters of UTF-8 or bytes
//! that UTF-8 does not have, makes the list UTF-8 or windows-1251. (Russian in windows-1251 is hardly ever
//! valid UTF-8, and a broken character or two, as left by a database that cuts at bytes, does not turn a list of
//! UTF-8 into gibberish.) What then cannot be decoded becomes U+FFFD, which the check of its good refuses: a
//! broken character costs one row, not the list.
//!
//! All line breaks become `\n`, so that the forms count lines alike.

use std::io::Read;

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251};

use super::{FileCode, FileError, Limits, ReadError};
use crate::imports::said;

const WINDOW: usize = 64 << 10;

/// The text of a list, in chunks.
pub(super) struct Text<R> {
    source: R,
    max_bytes: u64,
    bytes_read: u64,
    /// Bytes that are read and not yet decoded.
    raw: Vec<u8>,
    ended: bool,
    /// Nothing while all was ASCII.
    decoder: Option<Decoder>,
    chunk: String,
    after_return: bool,
}

impl<R: Read> Text<R> {
    /// The text of `source`; what the encoding says about itself is read at once.
    pub(super) fn open(source: R, limits: Limits) -> Result<Self, ReadError> {
        let mut text = Self {
            source,
            max_bytes: limits.bytes,
            bytes_read: 0,
            raw: Vec::with_capacity(WINDOW),
            ended: false,
            decoder: None,
            chunk: String::new(),
            after_return: false,
        };
        text.fill()?;
        refuse_archives(&text.raw)?;
        if let Some((encoding, mark)) = announced(&text.raw) {
            text.decoder = Some(encoding.new_decoder_without_bom_handling());
            text.raw.drain(..mark);
        }
        Ok(text)
    }

    /// The next piece of the text, never empty; nothing at its end.
    pub(super) fn next_chunk(&mut self) -> Result<Option<&str>, ReadError> {
        self.chunk.clear();
        while self.chunk.is_empty() {
            self.fill()?;
            if self.raw.is_empty() && self.ended && self.decoder.is_none() {
                return Ok(None);
            }
            if self.decoder.is_none() {
                self.take_ascii();
            } else {
                self.decode();
            }
            self.unify_line_breaks();
        }
        Ok(Some(&self.chunk))
    }

    /// Reads until a window is full or the source ends.
    fn fill(&mut self) -> Result<(), ReadError> {
        let wanted = (WINDOW - self.raw.len()) as u64;
        if self.ended || wanted == 0 {
            return Ok(());
        }
        let read = self.source.by_ref().take(wanted).read_to_end(&mut self.raw)? as u64;
        self.ended = read < wanted;
        self.bytes_read += read;
        if self.bytes_read > self.max_bytes {
            let most = self.max_bytes;
            let detail = said!(
                "found more than {most} bytes, expected at most that many",
                "найдено больше {most} байт, ожидается не больше"
            );
            return Err(FileError::new(FileCode::TooLarge, detail).into());
        }
        Ok(())
    }

    /// Takes the ASCII at the front; the first byte beyond decides, with a full window after it.
    fn take_ascii(&mut self) {
        let ascii = self.raw.iter().position(|byte| !byte.is_ascii()).unwrap_or(self.raw.len());
        if ascii == 0 {
            self.decoder = Some(judged(&self.raw).new_decoder_without_bom_handling());
            return;
        }
        // ASCII is UTF-8, so nothing is lost.
        self.chunk.push_str(&String::from_utf8_lossy(&self.raw[..ascii]));
        self.raw.drain(..ascii);
    }

    fn decode(&mut self) {
        let Some(decoder) = &mut self.decoder else { return };
        let most = decoder.max_utf8_buffer_length(self.raw.len()).unwrap_or(WINDOW * 4);
        self.chunk.reserve(most);
        let (result, read, _) = decoder.decode_to_string(&self.raw, &mut self.chunk, self.ended);
        self.raw.drain(..read);
        if self.ended && result == CoderResult::InputEmpty {
            self.decoder = None;
        }
    }

    fn unify_line_breaks(&mut self) {
        if self.after_return && !self.chunk.is_empty() {
            self.after_return = false;
            if self.chunk.starts_with('\n') {
                self.chunk.remove(0);
            }
        }
        if self.chunk.contains('\r') {
            self.after_return = self.chunk.ends_with('\r');
            self.chunk = self.chunk.replace("\r\n", "\n").replace('\r', "\n");
        }
    }
}

/// The encoding that the first bytes announce, and the length of the mark by which they do.
fn announced(bytes: &[u8]) -> Option<(&'static Encoding, usize)> {
    match *bytes {
        [0xEF, 0xBB, 0xBF, ..] => Some((UTF_8, 3)),
        [0xFF, 0xFE, ..] => Some((UTF_16LE, 2)),
        [0xFE, 0xFF, ..] => Some((UTF_16BE, 2)),
        [first, 0, second, 0, ..] if first != 0 && second != 0 => Some((UTF_16LE, 0)),
        [0, first, 0, second, ..] if first != 0 && second != 0 => Some((UTF_16BE, 0)),
        _ => None,
    }
}

/// UTF-8 or windows-1251, by the majority of what is not ASCII.
fn judged(window: &[u8]) -> &'static Encoding {
    let (mut characters, mut broken) = (0, 0);
    for piece in window.utf8_chunks() {
        characters += piece.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!piece.invalid().is_empty());
    }
    if characters >= broken.max(1) { UTF_8 } else { WINDOWS_1251 }
}

fn refuse_archives(bytes: &[u8]) -> Result<(), FileError> {
    let found = match *bytes {
        [b'P', b'K', 3, 4, ..] => said!("a ZIP archive", "архив ZIP"),
        [0x1F, 0x8B, ..] => said!("a gzip archive inside a gzip archive", "архив gzip внутри архива gzip"),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => said!(
            "an old or protected Excel workbook (.xls)",
            "старая или защищённая паролем книга Excel (.xls)"
        ),
        [b'%', b'P', b'D', b'F', ..] => said!("a PDF document", "документ PDF"),
        _ => return Ok(()),
    };
    let detail = said!(
        "found {}, expected a price list as text (YAML, CSV or YML) or an .xlsx workbook",
        "найдено: {}; ожидается прайс-лист в виде текста (YAML, CSV или YML) или книга .xlsx";
        found.en, found.ru
    );
    Err(FileError::new(FileCode::NotText, detail))
}

#[cfg(test)]
mod tests;
