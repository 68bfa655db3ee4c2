//! What one program and the server say to each other.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};

use tokio::net::UnixStream;

use super::{Losses, frames::Frames, lock};

/// Both ends of a conversation, and where it stands.
#[derive(Debug)]
pub(super) struct Conversation {
    client: UnixStream,
    server: UnixStream,
    story: Mutex<Story>,
    losses: Arc<Mutex<Losses>>,
}

/// Where a conversation stands: the client asks and waits for as many answers, each of which ends in "ready".
#[derive(Debug)]
struct Story {
    /// The statements that were prepared, by name.
    prepared: HashMap<Vec<u8>, String>,
    /// The statement that is executed next.
    bound: String,
    asked: u64,
    answered: u64,
    /// Which answer is lost.
    lost: Option<u64>,
}

impl Conversation {
    pub(super) fn new(client: UnixStream, server: UnixStream, losses: Arc<Mutex<Losses>>) -> Self {
        let story = Story {
            prepared: HashMap::new(),
            bound: String::new(),
            // A client that introduces itself is answered.
            asked: 1,
            answered: 0,
            lost: None,
        };
        Self { client, server, story: Mutex::new(story), losses }
    }

    /// Carries what is said both ways until either side ends, or an answer is lost.
    pub(super) async fn carry(&self) {
        tokio::select! {
            _ = self.ask() => {}
            _ = self.answer() => {}
        }
    }

    async fn ask(&self) -> io::Result<()> {
        let mut frames = Frames::of_client();
        loop {
            frames.hear(&self.client).await?;
            while let Some(frame) = frames.next() {
                lock(&self.story).ask(&frame, &mut lock(&self.losses));
                say(&self.server, &frame).await?;
            }
        }
    }

    async fn answer(&self) -> io::Result<()> {
        let mut frames = Frames::of_server();
        loop {
            frames.hear(&self.server).await?;
            while let Some(frame) = frames.next() {
                let lost = lock(&self.story).is_lost();
                if !lost {
                    say(&self.client, &frame).await?;
                }
                if frame.first() == Some(&b'Z') {
                    lock(&self.story).answered += 1;
                    if lost {
                        lock(&self.losses).lost += 1;
                        return Ok(());
                    }
                }
            }
        }
    }
}

impl Story {
    fn ask(&mut self, frame: &[u8], losses: &mut Losses) {
        let mut words = frame.get(5..).unwrap_or_default().split(|byte| *byte == 0);
        let mut word = || words.next().unwrap_or_default();
        match frame.first() {
            // Parse: a name and the statement. Bind: a portal and the name.
            Some(b'P') => {
                let (name, statement) = (word().to_owned(), word());
                self.prepared.insert(name, String::from_utf8_lossy(statement).into_owned());
            }
            Some(b'B') => {
                word();
                self.bound = self.prepared.get(word()).cloned().unwrap_or_default();
            }
            // Execute is answered together with the Sync that follows it.
            Some(b'E') if losses.strike(&self.bound) => self.lost = Some(self.asked + 1),
            Some(b'S') => self.asked += 1,
            Some(b'Q') => {
                self.asked += 1;
                if losses.strike(&String::from_utf8_lossy(word())) {
                    self.lost = Some(self.asked);
                }
            }
            _ => {}
        }
    }

    /// Whether the answer that is being given is to be lost.
    fn is_lost(&self) -> bool {
        self.lost == Some(self.answered + 1)
    }
}

async fn say(stream: &UnixStream, mut what: &[u8]) -> io::Result<()> {
    while !what.is_empty() {
        stream.writable().await?;
        match stream.try_write(what) {
            Ok(written) => what = &what[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
