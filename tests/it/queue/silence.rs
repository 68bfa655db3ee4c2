//! Connections that die in silence: nobody says that they are gone, and nobody answers.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use common::queue::lease::LeaseSettings;
use tokio::{
    io,
    net::{UnixListener, UnixStream},
    task::{AbortHandle, JoinHandle},
};
use uuid::Uuid;

use super::{
    jobs::{Act, Play, Script, Stage},
    workers::{Queue, until},
};

/// Stands between a worker and its database.
struct Line {
    dir: PathBuf,
    accepting: JoinHandle<()>,
    /// Who carries the bytes of each conversation. The sockets outlive it: see [`Line::fall_silent`].
    conversations: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Line {
    /// A line to the server whose socket a URL names.
    fn to(url: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("pl-{}", &Uuid::now_v7().simple().to_string()[16..]));
        fs::create_dir(&dir).expect("a directory");
        let name = ".s.PGSQL.5432";
        let server = Path::new(&directory(url)).join(name);
        let listener = UnixListener::bind(dir.join(name)).expect("a socket");
        let conversations = Arc::new(Mutex::new(Vec::new()));
        let begun = Arc::clone(&conversations);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.expect("the server's socket");
                // Kept for good, so that neither side sees the other go.
                let (client, server) = (Arc::new(client), Arc::new(server));
                let kept = (Arc::clone(&client), Arc::clone(&server));
                let carrying = tokio::spawn(async move { carry(&client, &server).await });
                begun.lock().unwrap_or_else(PoisonError::into_inner).push(carrying.abort_handle());
                std::mem::forget(kept);
            }
        });
        Self { dir, accepting, conversations }
    }

    /// The URL of a database behind this line.
    fn url(&self, url: &str) -> String {
        url.replace(&format!("host={}", directory(url)), &format!("host={}", self.dir.display()))
    }

    /// From now on nothing is carried in any conversation that has begun; new ones work.
    fn fall_silent(&self) -> usize {
        let mut conversations = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        conversations.drain(..).map(|conversation| conversation.abort()).count()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
        _ = fs::remove_dir_all(&self.dir);
    }
}

fn directory(url: &str) -> String {
    let host = url.split("host=").nth(1).expect("a socket's directory");
    host.split('&').next().expect("a socket's directory").to_owned()
}

/// Carries bytes both ways until either side ends.
async fn carry(client: &UnixStream, server: &UnixStream) {
    tokio::select! {
        () = copy(client, server) => {}
        () = copy(server, client) => {}
    }
}

async fn copy(from: &UnixStream, to: &UnixStream) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        if from.readable().await.is_err() {
            return;
        }
        let read = match from.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        };
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            if to.writable().await.is_err() {
                return;
            }
            match to.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// Shorter than a dead connection would be waited for.
const LEASE: LeaseSettings =
    LeaseSettings { lease: Duration::from_secs(6), heartbeat: Duration::from_secs(1) };

#[tokio::test]
async fn a_worker_outlives_the_silent_death_of_all_its_connections() {
    let queue = Queue::create().await;
    let line = Line::to(queue.url());
    let (long, outcome, after) = (Stage::new(), Stage::new(), Stage::new());
    let (url, watching) = (line.url(queue.url()), queue.start(1).await);
    let worker = queue
        .start_with(3, |start| {
            start.url = url;
            start.run.lease = LEASE;
        })
        .await;
    // The watcher would take over from it, and is kept from taking anything else.
    let kept = Stage::new();
    queue.enqueue(&Play(Script::new(&kept, [Act::WaitThenEffect]))).await;
    let long_id = queue.enqueue(&Play(Script::new(&long, [Act::WaitThenEffect]))).await;
    let outcome_id = queue.enqueue(&Play(Script::new(&outcome, [Act::WaitThenNothing]))).await;
    until("all run", async || [&kept, &long, &outcome].iter().all(|stage| stage.seen().at_once == 1)).await;
    let holder = queue.job(long_id).await.lock_by;

    assert!(line.fall_silent() >= 2, "it has no connections");
    outcome.open(1);
    // Its outcome is written, and more is claimed, over connections that are made anew.
    queue.wait_for_state(outcome_id, "done").await;
    let more: Vec<_> = (0..4).map(|_| Play(Script::new(&after, [Act::Effect]))).collect();
    queue.enqueue_all(&more).await;
    until("they are done", async || queue.effects(&after).await == 4).await;
    assert_eq!(queue.job(long_id).await.lock_by, holder, "its lease has ended");
    assert_eq!((long.seen().begun, outcome.seen().begun), (vec![1], vec![1]));
    // An attempt may still meet a dead connection, and then there is a next one.
    long.open(u16::MAX);
    kept.open(u16::MAX);
    queue.drain().await;
    for stage in [&long, &kept] {
        assert_eq!(queue.effects(stage).await, 1);
    }
    for worker in [worker, watching] {
        worker.stop().await;
    }
    queue.finish().await;
}
