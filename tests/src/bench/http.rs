//! A load of HTTP requests, cheap enough not to be what is measured.
//!
//! Each client keeps one connection and sends its next request when it has the answer. Requests are bytes that were made
//! before, answers are read to their `Content-Length` and looked at for their status only. All clients share one thread.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use super::CLIENTS;

/// The largest answer that is expected.
const MAX_ANSWER: usize = 4 << 20;

/// Requests, as bytes.
#[derive(Clone, Debug)]
pub struct Load {
    address: SocketAddr,
    /// Of each client, what it sends in turn.
    clients: Vec<Arc<Vec<Vec<u8>>>>,
    expected: &'static [u16],
}

impl Load {
    /// 16 clients that read these paths in turn, each from another one on.
    #[must_use]
    pub fn reading(address: SocketAddr, paths: &[String]) -> Self {
        let requests: Vec<Vec<u8>> = paths.iter().map(|path| request("GET", path, "", "")).collect();
        let clients = (0..CLIENTS).map(|client| {
            let mut requests = requests.clone();
            if !requests.is_empty() {
                let first = client * requests.len() / CLIENTS;
                requests.rotate_left(first);
            }
            Arc::new(requests)
        });
        Self { address, clients: clients.collect(), expected: &[200] }
    }

    /// A client for each list of requests, answered by one of these statuses.
    #[must_use]
    pub fn of(address: SocketAddr, clients: Vec<Vec<Vec<u8>>>, expected: &'static [u16]) -> Self {
        Self { address, clients: clients.into_iter().map(Arc::new).collect(), expected }
    }

    /// Runs it for a time, on a thread of its own. Returns how many requests a second were answered.
    ///
    /// # Errors
    /// When the connection breaks, or an answer has another status than was expected.
    pub fn run(&self, time: Duration) -> anyhow::Result<f64> {
        let load = self.clone();
        let running = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(load.answered_in(time))
        });
        running.join().map_err(|_| anyhow!("the load has panicked"))?
    }

    async fn answered_in(self, time: Duration) -> anyhow::Result<f64> {
        let (answered, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let mut clients = JoinSet::new();
        for requests in self.clients {
            let (answered, expected) = (Arc::clone(&answered), self.expected);
            let mut client = Client::connect(self.address).await?;
            clients.spawn(async move {
                for request in requests.iter().cycle() {
                    if began.elapsed() >= time {
                        break;
                    }
                    let (status, _) = client.send(request).await?;
                    ensure!(expected.contains(&status), "{status}: {}", String::from_utf8_lossy(request));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let answered = answered.load(Ordering::Relaxed) as f64;
        Ok(answered / began.elapsed().as_secs_f64())
    }
}

/// A request as bytes.
#[must_use]
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let content = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Type: application/json\r\nContent-Length: {length}\r\n")
    };
    format!("{method} {path} HTTP/1.1\r\nHost: bench\r\n{headers}{content}\r\n{body}").into_bytes()
}

/// Sends one request on a connection of its own, and returns the status and body of the answer.
///
/// # Errors
/// When there is none.
pub async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> anyhow::Result<(u16, String)> {
    let mut client = Client::connect(address).await?;
    let (status, body) = client.send(&request(method, path, headers, body)).await?;
    Ok((status, String::from_utf8_lossy(body).into_owned()))
}

/// Reads JSON.
///
/// # Errors
/// When the answer is not 200 with JSON.
pub async fn get(address: SocketAddr, path: &str) -> anyhow::Result<serde_json::Value> {
    let (status, body) = send(address, "GET", path, "", "").await?;
    ensure!(status == 200, "{path}: {status}: {body}");
    serde_json::from_str(&body).with_context(|| format!("{path}: {body}"))
}

/// One connection.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        ensure!(address.ip().is_loopback(), "a load is for this machine only");
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 64 << 10] })
    }

    async fn send(&mut self, request: &[u8]) -> anyhow::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        let (mut filled, mut wanted) = (0, None::<(u16, usize, usize)>);
        loop {
            if filled == self.buffer.len() {
                ensure!(filled < MAX_ANSWER, "an answer of more than {MAX_ANSWER} bytes");
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "the server has closed the connection");
            filled += read;
            if wanted.is_none() {
                wanted = head_of(&self.buffer[..filled])?;
            }
            if let Some((status, head, length)) = wanted
                && filled >= head + length
            {
                return Ok((status, &self.buffer[head..head + length]));
            }
        }
    }
}

/// The status of an answer, and the lengths of its head and its body; `None` while the head is not whole.
fn head_of(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?;
    let status: u16 = head.split(' ').nth(1).context("no status")?.parse()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    match (length, status) {
        (Some(length), _) => Ok(Some((status, end + 4, length))),
        (None, 204 | 304) => Ok(Some((status, end + 4, 0))),
        (None, _) => bail!("an answer without a length: {head}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_by_its_head() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 3\r\n\r\nabc";
        assert_eq!(head_of(&whole[..20]).unwrap(), None);
        assert_eq!(head_of(whole).unwrap(), Some((200, whole.len() - 3, 3)));
        assert_eq!(head_of(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(), Some((204, 27, 0)));
        assert!(head_of(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
