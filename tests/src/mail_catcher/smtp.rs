//! The SMTP server: connections, lines and patience.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError},
    time::Duration,
};

use mailin::Action;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::{
    PostOffice,
    session::{self, Instead},
};

/// How many clients are served at once; further ones are told to come later.
const MAX_CONNECTIONS: usize = 500;
/// How long a line may be, far beyond what the standard allows.
const MAX_LINE_BYTES: u64 = 64 << 10;
/// How long a client may be silent, or read nothing.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long the server is silent when it is asked to hang.
const HANG: Duration = Duration::from_secs(600);

/// Serves clients until it is dropped.
pub(super) async fn serve(listener: TcpListener, office: Arc<PostOffice>) {
    let mut conversations = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while conversations.try_join_next().is_some() {}
        match accepted {
            Ok((mut stream, _)) if conversations.len() >= MAX_CONNECTIONS => {
                // Should this fail, the client sees a closed connection, which says the same.
                _ = stream.try_write(b"421 4.3.2 Too many connections, come back later\r\n");
                _ = stream.shutdown().await;
            }
            Ok((stream, client)) => {
                let office = Arc::clone(&office);
                // A client that breaks off is its own affair, so the outcome is nobody's.
                conversations.spawn(async move { _ = converse(stream, client, office).await });
            }
            // Out of file descriptors, most likely: in a moment there may be some.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn converse(mut stream: TcpStream, client: SocketAddr, office: Arc<PostOffice>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    let (mut session, decision) = session::begin(client.ip(), office);
    say(&mut writer, &session.greeting().buffer()?).await?;
    let mut line = Vec::new();
    loop {
        line.clear();
        timeout(PATIENCE, (&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut line)).await??;
        if !line.ends_with(b"\n") {
            if !line.is_empty() {
                say(&mut writer, b"500 5.5.6 Line too long, or cut off\r\n").await?;
            }
            return Ok(());
        }
        let mut response = session.process(&line);
        let instead = decision.lock().unwrap_or_else(PoisonError::into_inner).take();
        match instead {
            None => {}
            Some(Instead::Answer(other)) => response = other,
            Some(Instead::HangUp) => return Ok(()),
            Some(Instead::Hang) => {
                // Reading on, to notice when the client has had enough.
                _ = timeout(HANG, tokio::io::copy(&mut reader, &mut tokio::io::sink())).await;
                return Ok(());
            }
        }
        say(&mut writer, &response.buffer()?).await?;
        if response.action == Action::Close {
            return Ok(());
        }
    }
}

async fn say(writer: &mut (impl AsyncWrite + Unpin), what: &[u8]) -> io::Result<()> {
    timeout(PATIENCE, writer.write_all(what)).await?
}
