//! The file as it comes: onto the disk, off the runtime's threads, unpacked, hashed and counted on the way.

use std::{
    fs::File,
    io::{self, Seek, Write},
};

use anyhow::anyhow;
use bytes::Bytes;
use common::imports::{formats::Format, urls::FetchFailure};
use flate2::write::MultiGzDecoder;
use sha2::{Digest, Sha256};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::{self, JoinHandle},
};

/// How many pieces may wait for the disk.
const WAITING_PIECES: usize = 16;

/// How an answer is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is, which was asked for.
    Identity,
    /// By gzip, all the same.
    Gzip,
}

impl Encoding {
    /// The one of that name.
    pub(super) fn named(name: Option<&str>) -> Result<Self, FetchFailure> {
        match name.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Ok(Self::Identity),
            Some("gzip" | "x-gzip") => Ok(Self::Gzip),
            Some(_) => Err(FetchFailure::wrong_encoding()),
        }
    }
}

/// Why a file was not kept.
#[derive(Debug)]
pub(super) enum SpoolError {
    /// It is larger than it may be.
    TooLarge,
    /// It cannot be unpacked.
    Damaged,
    /// The disk refused.
    Disk(anyhow::Error),
}

/// A file that was kept.
#[derive(Debug)]
pub(super) struct Spooled {
    /// At its beginning, without a name: it is gone with whoever has it.
    pub(super) file: File,
    /// The first bytes.
    pub(super) head: Vec<u8>,
    /// How many there are.
    pub(super) bytes: u64,
    /// Their hash.
    pub(super) sha256: Vec<u8>,
}

/// A file that is being kept.
pub(super) struct Spool {
    pieces: Sender<Bytes>,
    writing: JoinHandle<Result<Spooled, SpoolError>>,
}

impl Spool {
    /// Begins one of at most so many bytes.
    pub(super) fn begin(encoding: Encoding, most: u64) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_PIECES);
        Self { pieces: sender, writing: task::spawn_blocking(move || write(encoding, most, receiver)) }
    }

    /// Takes the next piece; false when something is wrong and no more is wanted.
    pub(super) async fn take(&mut self, piece: Bytes) -> bool {
        self.pieces.send(piece).await.is_ok()
    }

    /// All of it was taken.
    pub(super) async fn end(self) -> Result<Spooled, SpoolError> {
        drop(self.pieces);
        self.writing.await.unwrap_or_else(|error| Err(SpoolError::Disk(anyhow!(error))))
    }
}

fn write(encoding: Encoding, most: u64, mut pieces: Receiver<Bytes>) -> Result<Spooled, SpoolError> {
    let file = tempfile::tempfile().map_err(|error| SpoolError::Disk(anyhow!(error)))?;
    let kept = Kept { file, head: Vec::new(), bytes: 0, hash: Sha256::new(), most };
    let kept = match encoding {
        Encoding::Identity => {
            let mut kept = kept;
            while let Some(piece) = pieces.blocking_recv() {
                kept.write_all(&piece).map_err(reason)?;
            }
            kept
        }
        Encoding::Gzip => {
            let mut unpacking = MultiGzDecoder::new(kept);
            while let Some(piece) = pieces.blocking_recv() {
                unpacking.write_all(&piece).map_err(reason)?;
            }
            unpacking.finish().map_err(reason)?
        }
    };
    kept.end().map_err(|error| SpoolError::Disk(anyhow!(error)))
}

/// What went wrong: our own limit, the disk, or what cannot be unpacked.
fn reason(error: io::Error) -> SpoolError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => SpoolError::TooLarge,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            SpoolError::Damaged
        }
        _ => SpoolError::Disk(anyhow!(error)),
    }
}

/// A file, and what is known of it.
struct Kept {
    file: File,
    head: Vec<u8>,
    bytes: u64,
    hash: Sha256,
    most: u64,
}

impl Kept {
    fn end(self) -> io::Result<Spooled> {
        let Self { mut file, head, bytes, hash, .. } = self;
        file.rewind()?;
        Ok(Spooled { file, head, bytes, sha256: hash.finalize().to_vec() })
    }
}

impl Write for Kept {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let rest = Format::HEAD_BYTES.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..rest]);
        self.hash.update(piece);
        self.file.write_all(piece)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    async fn spool(encoding: Encoding, most: u64, bytes: &[u8]) -> Result<Spooled, SpoolError> {
        let mut spool = Spool::begin(encoding, most);
        for piece in bytes.chunks(1_000) {
            if !spool.take(Bytes::copy_from_slice(piece)).await {
                break;
            }
        }
        spool.end().await
    }

    #[tokio::test]
    async fn a_file_is_kept_as_it_is_also_when_it_came_packed() {
        let list = "id,name\n".repeat(2_000);
        for (encoding, bytes) in
            [(Encoding::Identity, list.as_bytes().to_vec()), (Encoding::Gzip, gzip(list.as_bytes()))]
        {
            let mut kept = spool(encoding, 1 << 20, &bytes).await.unwrap();
            let mut text = String::new();
            kept.file.read_to_string(&mut text).unwrap();
            assert_eq!((text.as_str(), kept.bytes), (list.as_str(), list.len() as u64));
            assert_eq!(kept.head, &list.as_bytes()[..Format::HEAD_BYTES]);
            assert_eq!(kept.sha256, Sha256::digest(list.as_bytes()).to_vec());
        }
    }

    #[tokio::test]
    async fn what_is_too_large_or_damaged_is_refused_while_it_comes() {
        let bomb = gzip(&vec![0; 8 << 20]);
        assert!(bomb.len() < 100 << 10);
        assert!(matches!(spool(Encoding::Gzip, 1 << 20, &bomb).await, Err(SpoolError::TooLarge)));
        assert!(matches!(spool(Encoding::Identity, 10, &[0; 11]).await, Err(SpoolError::TooLarge)));
        assert!(matches!(spool(Encoding::Gzip, 1 << 20, b"no gzip at all").await, Err(SpoolError::Damaged)));
        let cut = &gzip(&[7; 1_000_000])[..500];
        assert!(matches!(spool(Encoding::Gzip, 2 << 20, cut).await, Err(SpoolError::Damaged)));
        assert!(spool(Encoding::Identity, 10, &[0; 10]).await.is_ok());
    }

    #[test]
    fn what_was_not_asked_for_is_understood_where_it_is_gzip() {
        for (name, encoding) in [
            (None, Some(Encoding::Identity)),
            (Some("identity"), Some(Encoding::Identity)),
            (Some("GZIP"), Some(Encoding::Gzip)),
            (Some("br"), None),
            (Some("gzip, gzip"), None),
        ] {
            assert_eq!(Encoding::named(name).ok(), encoding, "{name:?}");
        }
    }
}
