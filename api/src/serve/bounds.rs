//! What the process takes on at once, and for how long it waits.

use std::time::Duration;

/// The bounds; tests make them smaller.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many connections may be open. Further ones wait until one closes.
    pub connections: usize,
    /// How many requests may run at once. Further ones are told to come again.
    pub requests: usize,
    /// How many of them may be uploads.
    pub uploads: usize,
    /// How long a request may take.
    pub request_within: Duration,
    /// How long an upload may take.
    pub upload_within: Duration,
    /// How long is waited for each piece of a body.
    pub piece_within: Duration,
    /// How much of an upload is a piece, in bytes; another body is one piece.
    pub upload_piece: u64,
    /// How long an answer may find no reader, and a connection may be idle or send headers.
    pub reader_within: Duration,
    /// How long at most a connection that is being closed still reads, and throws away, what its client sends.
    pub linger_within: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 4_096,
            requests: 1_000,
            uploads: 16,
            request_within: Duration::from_secs(30),
            upload_within: Duration::from_secs(15 * 60),
            piece_within: Duration::from_secs(10),
            // 16 KiB/s: slower than any line that is used for files.
            upload_piece: 160 << 10,
            reader_within: Duration::from_secs(30),
            linger_within: Duration::from_secs(30),
        }
    }
}
