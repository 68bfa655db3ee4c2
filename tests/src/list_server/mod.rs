//! A supplier's web server, which keeps price lists: well, badly, or maliciously, as it is told.
//!
//! It speaks HTTP/1.1 byte by byte, so that it can say what no library would; it counts who connects, and remembers what
//! was asked.

mod answers;
mod conversation;

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{net::TcpListener, task::AbortHandle};

pub use answers::Answer;

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The path, with the query.
    pub target: String,
    /// Its headers, their names in lower case.
    pub headers: HashMap<String, String>,
}

/// What a server says, and what it has seen.
#[derive(Debug, Default)]
struct Shelf {
    /// What it answers for each path, in turn; the last answer stays.
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    asked: Mutex<Vec<Asked>>,
    connections: AtomicUsize,
}

impl Shelf {
    fn next(&self, asked: Asked) -> Answer {
        let path = asked.target.split('?').next().unwrap_or_default().to_owned();
        locked(&self.asked).push(asked);
        let mut answers = locked(&self.answers);
        match answers.get_mut(&path) {
            Some(turn) if turn.len() > 1 => turn.pop_front().unwrap_or_else(Answer::not_found),
            Some(turn) => turn.front().cloned().unwrap_or_else(Answer::not_found),
            None => Answer::not_found(),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct ListServer {
    addr: SocketAddr,
    shelf: Arc<Shelf>,
    serving: AbortHandle,
}

impl ListServer {
    /// Starts one; at port 0 it chooses its own.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start(addr: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let (addr, shelf) = (listener.local_addr()?, Arc::<Shelf>::default());
        let serving = tokio::spawn(serve(listener, Arc::clone(&shelf))).abort_handle();
        Ok(Self { addr, shelf, serving })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// What it answers for a path from now on.
    pub fn answer(&self, path: &str, answer: Answer) {
        self.answer_in_turn(path, [answer]);
    }

    /// What it answers for a path, in turn; the last answer stays.
    pub fn answer_in_turn(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        locked(&self.shelf.answers).insert(path.to_owned(), answers.into_iter().collect());
    }

    /// How many have connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shelf.connections.load(Ordering::SeqCst)
    }

    /// What was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.shelf.asked).clone()
    }
}

impl Drop for ListServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, shelf: Arc<Shelf>) {
    // Those who were answered last are let go with the server.
    let mut conversations = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shelf.connections.fetch_add(1, Ordering::SeqCst);
        conversations.spawn(conversation::hold(stream, Arc::clone(&shelf)));
    }
}
