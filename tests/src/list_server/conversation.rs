//! One connection: a request, and what is answered to it.

use std::{collections::HashMap, io, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};

use super::{
    Asked, Shelf,
    answers::{Answer, Step},
};

/// The longest request.
const LONGEST: usize = 64 << 10;

/// Reads a request and answers it. A client that goes away meanwhile is no matter.
pub(super) async fn hold(mut stream: TcpStream, shelf: Arc<Shelf>) {
    _ = answer(&mut stream, &shelf).await;
}

async fn answer(stream: &mut TcpStream, shelf: &Shelf) -> io::Result<()> {
    let Some(asked) = read(stream).await? else { return Ok(()) };
    let known = asked.headers.get("if-none-match").cloned();
    let answer = shelf.next(asked);
    let answer = match answer.etag {
        Some(etag) if known.as_deref() == Some(&*etag) => Answer::new(304, &[("etag", &etag)], ""),
        _ => answer,
    };
    for step in answer.steps {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).await?,
            Step::Pause(pause) => time::sleep(pause).await,
            Step::Repeat(bytes, pause) => loop {
                stream.write_all(&bytes).await?;
                time::sleep(pause).await;
            },
            // Until the client is gone.
            Step::Hang => while stream.read(&mut [0; 1]).await? > 0 {},
        }
    }
    stream.shutdown().await
}

/// The head of a request; none when the client says nothing.
async fn read(stream: &mut TcpStream) -> io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 || bytes.len() >= LONGEST {
            return Ok(None);
        }
        bytes.extend(byte);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = text.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Some(Asked { target, headers }))
}
