//! Lists that are packed by gzip, read as if they were not, and what may be unpacked at all.
//!
//! A few kilobytes can unpack to gigabytes. Lists do not: what grows to far more than it was, beyond an amount that
//! anything may have, is refused while it grows.

use std::{
    borrow::Cow,
    io::{self, Read, Seek, SeekFrom},
};

use flate2::read::MultiGzDecoder;

use super::{FileCode, FileError};
use crate::imports::said;

const GZIP: [u8; 2] = [0x1F, 0x8B];

/// So many bytes may come of anything.
const FREE_BYTES: u64 = 8 << 20;

/// Beyond that a byte may become so many. Lists become 5 to 30 times as large; bombs 150 times at the least.
const MAX_GROWTH: u64 = 100;

/// A source, unpacked if it was packed.
pub(super) enum Unpacked<S> {
    AsItIs(S),
    Gzip(Box<Gunzip<S>>),
}

impl<S: Read + Seek> Unpacked<S> {
    /// Looks at the first bytes of `source`, which stays where it is.
    pub(super) fn open(mut source: S) -> io::Result<Self> {
        let start = source.stream_position()?;
        let mut head = Vec::new();
        source.by_ref().take(GZIP.len() as u64).read_to_end(&mut head)?;
        source.seek(SeekFrom::Start(start))?;
        Ok(if head == GZIP {
            let decoder = MultiGzDecoder::new(Counted { source, bytes: 0 });
            Self::Gzip(Box::new(Gunzip { start, decoder: Some(decoder), unpacked: 0 }))
        } else {
            Self::AsItIs(source)
        })
    }
}

impl<S: Read + Seek> Read for Unpacked<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::AsItIs(source) => source.read(buffer),
            Self::Gzip(gunzip) => gunzip.read(buffer),
        }
    }
}

impl<S: Read + Seek> Seek for Unpacked<S> {
    /// What is packed goes back to its beginning only.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::AsItIs(source) => source.seek(to),
            Self::Gzip(gunzip) => gunzip.seek(to),
        }
    }
}

/// What a gzip file holds.
pub(super) struct Gunzip<S> {
    /// Where the packed file begins in its source.
    start: u64,
    /// There, but for the moment of going back.
    decoder: Option<MultiGzDecoder<Counted<S>>>,
    unpacked: u64,
}

impl<S: Read + Seek> Gunzip<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else { return Ok(0) };
        let read = decoder.read(buffer).map_err(damaged)?;
        self.unpacked += read as u64;
        refuse_bomb(decoder.get_ref().bytes, self.unpacked)?;
        Ok(read)
    }

    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Current(0) => return Ok(self.unpacked),
            SeekFrom::Start(0) => {}
            _ => return Err(io::ErrorKind::Unsupported.into()),
        }
        if let Some(decoder) = self.decoder.take() {
            let mut source = decoder.into_inner().source;
            source.seek(SeekFrom::Start(self.start))?;
            self.decoder = Some(MultiGzDecoder::new(Counted { source, bytes: 0 }));
            self.unpacked = 0;
        }
        Ok(0)
    }
}

/// A source that knows how much was read of it.
struct Counted<S> {
    source: S,
    bytes: u64,
}

impl<S: Read> Read for Counted<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Refuses what has grown to more than a list would.
pub(super) fn refuse_bomb(packed: u64, unpacked: u64) -> io::Result<()> {
    if unpacked <= FREE_BYTES || unpacked / MAX_GROWTH <= packed {
        return Ok(());
    }
    let detail = said!(
        "found an archive that unpacks to more than {MAX_GROWTH} times its size, expected a price list",
        "архив распаковывается больше чем в {MAX_GROWTH} раз, ожидается прайс-лист"
    );
    Err(io::Error::other(FileError::new(FileCode::DecompressionBomb, detail)))
}

/// Tells a damaged archive from a source that fails.
pub(super) fn damaged(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            let detail = said!(
                "found an archive that is damaged or was cut off, expected a whole one",
                "архив повреждён или обрезан, ожидается целый"
            );
            io::Error::other(FileError::new(FileCode::Damaged, detail))
        }
        _ => error,
    }
}

/// The beginning of a file as it reads unpacked, as far as it goes.
pub(super) fn unpacked_head(head: &[u8]) -> Cow<'_, [u8]> {
    if !head.starts_with(&GZIP) {
        return Cow::Borrowed(head);
    }
    let mut unpacked = Vec::new();
    // It is cut off, so it ends in an error.
    let _cut = MultiGzDecoder::new(head).take(super::Format::HEAD_BYTES as u64).read_to_end(&mut unpacked);
    Cow::Owned(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn code(error: io::Error) -> FileCode {
        error.downcast::<FileError>().unwrap().code
    }

    #[test]
    fn what_is_packed_reads_as_it_was_and_what_is_not_as_it_is() {
        for packed in [gzip(b"id,name"), b"id,name".to_vec(), [gzip(b"id,"), gzip(b"name")].concat()] {
            let mut file = Unpacked::open(Cursor::new(packed)).unwrap();
            for _ in 0..2 {
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                assert_eq!(text, "id,name");
                file.rewind().unwrap();
            }
        }
    }

    #[test]
    fn what_grows_too_much_is_refused_while_it_grows() {
        let bomb = gzip(&vec![0; 64 << 20]);
        let mut read = Vec::new();
        let error = Unpacked::open(Cursor::new(bomb)).unwrap().read_to_end(&mut read).unwrap_err();
        assert_eq!(
            (code(error), read.len() as u64 <= FREE_BYTES + (1 << 20)),
            (FileCode::DecompressionBomb, true)
        );
    }

    #[test]
    fn a_damaged_archive_is_told_from_a_failing_source() {
        let whole = gzip("id,name\n".repeat(1_000).as_bytes());
        let mut cut = Unpacked::open(Cursor::new(&whole[..whole.len() - 9])).unwrap();
        assert_eq!(code(cut.read_to_end(&mut Vec::new()).unwrap_err()), FileCode::Damaged);
        assert_eq!(damaged(io::ErrorKind::TimedOut.into()).kind(), io::ErrorKind::TimedOut);
    }
}
