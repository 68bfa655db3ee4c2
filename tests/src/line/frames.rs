//! PostgreSQL's protocol as a stream of messages: a letter, a length that counts itself, and what is said.

use std::{io, mem};

use tokio::net::UnixStream;

/// The codes of what a client asks before its first letter: for encryption.
const ENCRYPTION: [i32; 2] = [80_877_103, 80_877_104];

/// Whose messages they are: both begin without letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The client has not said who it is.
    Introduction,
    /// The server has not asked for a password or let the client in; to encryption it says one letter, no.
    Admission,
    Letters,
}

/// What one side has said and nobody has read yet.
#[derive(Debug)]
pub(super) struct Frames {
    phase: Phase,
    heard: Vec<u8>,
}

impl Frames {
    pub(super) fn of_client() -> Self {
        Self { phase: Phase::Introduction, heard: Vec::new() }
    }

    pub(super) fn of_server() -> Self {
        Self { phase: Phase::Admission, heard: Vec::new() }
    }

    /// Hears more.
    pub(super) async fn hear(&mut self, stream: &UnixStream) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        loop {
            stream.readable().await?;
            match stream.try_read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.heard.extend_from_slice(&buffer[..read]);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next message that was heard whole.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        let (length, after) = match self.phase {
            Phase::Introduction if ENCRYPTION.contains(&self.number(4)?) => (self.number(0)?, self.phase),
            Phase::Introduction => (self.number(0)?, Phase::Letters),
            Phase::Admission if self.heard.first() == Some(&b'N') => (1, self.phase),
            Phase::Admission | Phase::Letters => (self.number(1)? + 1, Phase::Letters),
        };
        let length = usize::try_from(length).ok().filter(|length| *length <= self.heard.len())?;
        // Not before it is whole: what comes next is told by what this was.
        self.phase = after;
        let rest = self.heard.split_off(length);
        Some(mem::replace(&mut self.heard, rest))
    }

    fn number(&self, at: usize) -> Option<i32> {
        let bytes = self.heard.get(at..at + 4)?;
        bytes.try_into().ok().map(i32::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_wherever_they_were_cut() {
        let encryption = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
        let introduction = [0, 0, 0, 10, 0, 3, 0, 0, b'a', 0];
        let (query, sync) = ([b'Q', 0, 0, 0, 6, b';', 0], [b'S', 0, 0, 0, 4]);
        let all = [&encryption[..], &introduction, &query, &sync].concat();
        let mut frames = Frames::of_client();
        let mut heard = Vec::new();
        for byte in all {
            frames.heard.push(byte);
            heard.extend(frames.next());
        }
        assert_eq!(heard, [&encryption[..], &introduction, &query, &sync]);

        let mut frames = Frames::of_server();
        frames.heard.extend([b'N', b'R', 0, 0, 0, 8, 0, 0, 0, 0, b'N', 0, 0, 0, 5, 0]);
        assert_eq!(frames.next().unwrap(), [b'N']);
        assert_eq!(frames.next().unwrap().len(), 9);
        assert_eq!(frames.next().unwrap().len(), 6);
        assert_eq!(frames.next(), None);
    }
}
