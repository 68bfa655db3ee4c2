//! The machine around the process: the mail server that it reaches, and the disk that it writes to.

use std::{path::Path, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use url::Url;

use super::Finding;

/// How long a mail server may take for its part of the conversation.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The longest line and the most lines that are read of a mail server.
const MAX_LINE: usize = 2_048;
const MAX_LINES: usize = 64;

/// What uploads need at most at once, and what is too little for any, in bytes.
const ROOM_WANTED: u64 = 9 << 30;
const ROOM_NEEDED: u64 = 1 << 30;

/// Looks at a mail server: it is reached, greets, and knows our EHLO. Certificates and passwords are the worker's to
/// try, which sends.
pub async fn smtp(url: Option<&str>) -> Finding {
    const CHECK: &str = "SMTP_URL";
    let Some(url) = url.filter(|url| !url.is_empty()) else {
        return Finding::ok(CHECK, "it is not set here; the workers need it");
    };
    let address = Url::parse(url).ok().and_then(|url| {
        let usual = if url.scheme() == "smtps" { 465 } else { 25 };
        Some((url.scheme().to_owned(), url.host_str()?.to_owned(), url.port().unwrap_or(usual)))
    });
    let Some((scheme, host, port)) =
        address.filter(|(scheme, ..)| matches!(scheme.as_str(), "smtp" | "smtps"))
    else {
        return Finding::fail(
            CHECK,
            "it cannot be read",
            "write smtp://host:25 or smtps://user:password@host",
        );
    };
    let conversation = async {
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| error.to_string())?;
        // Behind TLS from the first byte on.
        if scheme == "smtps" { Ok(format!("{host}:{port} is reached")) } else { greet(stream).await }
    };
    let remedy = "check SMTP_URL, the mail server, and what stands between";
    match timeout(ANSWERS_WITHIN, conversation).await {
        Ok(Ok(found)) => Finding::ok(CHECK, found),
        Ok(Err(error)) => Finding::fail(CHECK, format!("{host}:{port}: {error}"), remedy),
        Err(_) => {
            let found = format!("{host}:{port} does not answer within {} s", ANSWERS_WITHIN.as_secs());
            Finding::fail(CHECK, found, remedy)
        }
    }
}

async fn greet(stream: TcpStream) -> Result<String, String> {
    let mut stream = BufReader::new(stream);
    let greeting = reply(&mut stream).await?;
    if !greeting.starts_with("220") {
        return Err(format!("it does not greet: {greeting}"));
    }
    stream.write_all(b"EHLO localhost\r\n").await.map_err(|error| error.to_string())?;
    let answer = reply(&mut stream).await?;
    if !answer.starts_with("250") {
        return Err(format!("it does not take EHLO: {answer}"));
    }
    _ = stream.write_all(b"QUIT\r\n").await;
    Ok(format!("it answers: {greeting}"))
}

/// The last line of a reply.
async fn reply(stream: &mut BufReader<TcpStream>) -> Result<String, String> {
    for _ in 0..MAX_LINES {
        let mut line = Vec::new();
        let mut limited = tokio::io::AsyncReadExt::take(&mut *stream, MAX_LINE as u64);
        limited.read_until(b'\n', &mut line).await.map_err(|error| error.to_string())?;
        if line.is_empty() {
            return Err("it closed the connection".to_owned());
        }
        // `250-` goes on, `250 ` ends.
        if line.get(3) != Some(&b'-') {
            return Ok(String::from_utf8_lossy(&line).trim().to_owned());
        }
    }
    Err("its reply does not end".to_owned())
}

/// Looks at the directory through which uploads go.
#[must_use]
pub fn disk(dir: &Path) -> Finding {
    const CHECK: &str = "disk";
    let probe = dir.join(format!("postavka-doctor-{}", uuid::Uuid::now_v7()));
    let written = std::fs::write(&probe, "can this be written?");
    _ = std::fs::remove_file(&probe);
    let remedy = "set TMPDIR to a directory with room, which this user may write";
    if let Err(error) = written {
        return Finding::fail(CHECK, format!("{} cannot be written: {error}", dir.display()), remedy);
    }
    let room = match rustix::fs::statvfs(dir) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            return Finding::warn(CHECK, format!("{} tells no room: {error}", dir.display()), remedy);
        }
    };
    let found = format!("{} has {} MiB left", dir.display(), room >> 20);
    match room {
        0..ROOM_NEEDED => Finding::fail(CHECK, found, remedy),
        ROOM_NEEDED..ROOM_WANTED => {
            let remedy = format!("16 uploads of 512 MiB at once need {} MiB", ROOM_WANTED >> 20);
            Finding::warn(CHECK, found, remedy)
        }
        _ => Finding::ok(CHECK, found),
    }
}
