//! A line between a program and its PostgreSQL that fails on request: it is cut, or falls silent so that neither side hears of
//! the other any more, or loses the answer to a statement that has happened.

mod conversation;
mod frames;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use anyhow::Context;
use tokio::{
    net::{UnixListener, UnixStream},
    task::{AbortHandle, JoinHandle},
};
use uuid::Uuid;

use conversation::Conversation;

/// The name of PostgreSQL's socket in its directory.
const SOCKET: &str = ".s.PGSQL.5432";

/// A conversation that was begun, and who carries it.
#[derive(Debug)]
struct Begun {
    carrying: AbortHandle,
    conversation: Weak<Conversation>,
}

type Conversations = Arc<Mutex<Vec<Begun>>>;

/// Carries what is said between programs and the server whose socket a URL names, until it is dropped.
#[derive(Debug)]
pub struct Line {
    dir: PathBuf,
    server_dir: String,
    accepting: JoinHandle<()>,
    conversations: Conversations,
    /// Conversations that fell silent: neither side sees the other go.
    silent: Mutex<Vec<Arc<Conversation>>>,
    losses: Arc<Mutex<Losses>>,
}

/// Answers that are to be lost.
#[derive(Debug, Default)]
struct Losses {
    /// A part of the statement, and how often yet.
    wanted: Option<(String, usize)>,
    /// How many were lost so far.
    lost: usize,
}

impl Losses {
    /// Whether the answer to a statement is to be lost; then it is one less.
    fn strike(&mut self, statement: &str) -> bool {
        match &mut self.wanted {
            Some((part, times)) if *times > 0 && statement.contains(part.as_str()) => {
                *times -= 1;
                true
            }
            _ => false,
        }
    }
}

impl Line {
    /// A line to the server of a URL that names its socket's directory.
    ///
    /// # Errors
    /// When the URL names none, or no socket can be made.
    pub fn to(url: &str) -> anyhow::Result<Self> {
        let server_dir = directory(url).context("the URL names no directory of a socket")?;
        let dir = std::env::temp_dir().join(format!("pl-{}", &Uuid::now_v7().simple().to_string()[16..]));
        fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let listener = UnixListener::bind(dir.join(SOCKET)).context("cannot make a socket")?;
        let (conversations, losses) = (Arc::default(), Arc::default());
        let accepting = accept(
            listener,
            Path::new(&server_dir).join(SOCKET),
            Arc::clone(&conversations),
            Arc::clone(&losses),
        );
        let accepting = tokio::spawn(async move { _ = accepting.await });
        Ok(Self { dir, server_dir, accepting, conversations, silent: Mutex::default(), losses })
    }

    /// The URL of a database of that server, behind this line.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        url.replace(&format!("host={}", self.server_dir), &format!("host={}", self.dir.display()))
    }

    /// From now on nothing is carried in any conversation that has begun, and neither side is told; new ones work. Returns
    /// how many those were.
    pub fn fall_silent(&self) -> usize {
        let mut silent = lock(&self.silent);
        let before = silent.len();
        for begun in lock(&self.conversations).drain(..) {
            silent.extend(begun.conversation.upgrade());
            begun.carrying.abort();
        }
        silent.len() - before
    }

    /// Ends every conversation that has begun; returns how many those were.
    pub fn hang_up(&self) -> usize {
        let mut conversations = lock(&self.conversations);
        let going_on = conversations.drain(..).filter(|begun| begun.conversation.strong_count() > 0);
        going_on.map(|begun| begun.carrying.abort()).count()
    }

    /// The answers to the next statements that contain this text are lost, so many of them: each happens, and then its
    /// connection breaks before anybody is told.
    pub fn lose_answers(&self, part: &str, times: usize) {
        lock(&self.losses).wanted = Some((part.to_owned(), times));
    }

    /// How many answers were lost so far.
    #[must_use]
    pub fn lost(&self) -> usize {
        lock(&self.losses).lost
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
        for begun in lock(&self.conversations).drain(..) {
            begun.carrying.abort();
        }
        _ = fs::remove_dir_all(&self.dir);
    }
}

async fn accept(
    listener: UnixListener,
    server: PathBuf,
    conversations: Conversations,
    losses: Arc<Mutex<Losses>>,
) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        // Where the server is away the client sees its connection end.
        let Ok(server) = UnixStream::connect(&server).await else { continue };
        let conversation = Arc::new(Conversation::new(client, server, Arc::clone(&losses)));
        let known = Arc::downgrade(&conversation);
        let carrying = tokio::spawn(async move { conversation.carry().await });
        lock(&conversations).push(Begun { carrying: carrying.abort_handle(), conversation: known });
    }
}

fn directory(url: &str) -> Option<String> {
    let host = url.split("host=").nth(1)?;
    host.split('&').next().map(str::to_owned)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept here is whole whoever panicked beside it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
