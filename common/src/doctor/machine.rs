//! The machine around the process: the mail server that it reaches, and the disk that it writes to.

use std::{path::Path, time::Duration};

use rustix::process::{Resource, getrlimit};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use super::Finding;
use crate::mail::{Encryption, SmtpServer};

/// How long a mail server may take for its part of the conversation.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The longest line and the most lines that are read of a mail server.
const MAX_LINE: usize = 2_048;
const MAX_LINES: usize = 64;

/// What uploads need at most at once, and what is too little for any, in bytes.
const ROOM_WANTED: u64 = 9 << 30;
const ROOM_NEEDED: u64 = 1 << 30;

/// 4,096 connections, and what else the API opens.
const DESCRIPTORS_WANTED: u64 = 8_192;

/// Looks at a mail server: it is reached, greets, and knows our EHLO. Certificates and passwords are the worker's to
/// try, which sends.
pub async fn smtp(url: Option<&str>) -> Finding {
    const CHECK: &str = "SMTP_URL";
    let Some(url) = url.filter(|url| !url.is_empty()) else {
        return Finding::ok(CHECK, "it is not set here; the workers need it");
    };
    let server = match SmtpServer::parse(url) {
        Ok(server) => server,
        Err(error) => {
            return Finding::fail(
                CHECK,
                format!("{error:#}"),
                "write smtp://host:25, smtp://host:587?tls=required or smtps://user:password@host",
            );
        }
    };
    let place = format!("{}:{}", server.host, server.port);
    let remedy = "check SMTP_URL, the mail server, and what stands between";
    match timeout(ANSWERS_WITHIN, speak(&server)).await {
        Ok(Ok(found)) => Finding::ok(CHECK, format!("{place}: {found}")),
        Ok(Err(error)) => Finding::fail(CHECK, format!("{place}: {error}"), remedy),
        Err(_) => {
            let found = format!("{place} does not answer within {} s", ANSWERS_WITHIN.as_secs());
            Finding::fail(CHECK, found, remedy)
        }
    }
}

async fn speak(server: &SmtpServer) -> Result<String, String> {
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await;
    let mut stream = BufReader::new(stream.map_err(|error| error.to_string())?);
    if server.encryption == Encryption::Tls {
        return Ok("it is reached".to_owned());
    }
    let greeting = reply(&mut stream).await?;
    if !greeting.starts_with("220") {
        return Err(format!("it does not greet: {greeting}"));
    }
    let hello = server.hello.as_deref().unwrap_or("localhost");
    let said = stream.write_all(format!("EHLO {hello}\r\n").as_bytes()).await;
    said.map_err(|error| error.to_string())?;
    let answer = reply(&mut stream).await?;
    _ = stream.write_all(b"QUIT\r\n").await;
    if !answer.starts_with("250") {
        return Err(format!("it does not take EHLO: {answer}"));
    }
    let has_tls = answer.lines().any(|line| line.get(4..) == Some("STARTTLS"));
    if server.encryption == Encryption::StartTls && !has_tls {
        return Err("it offers no STARTTLS".to_owned());
    }
    Ok(format!("it answers: {greeting}"))
}

/// A reply, in as many lines as it has.
async fn reply(stream: &mut BufReader<TcpStream>) -> Result<String, String> {
    let mut whole = String::new();
    for _ in 0..MAX_LINES {
        let mut line = Vec::new();
        let mut limited = tokio::io::AsyncReadExt::take(&mut *stream, MAX_LINE as u64);
        limited.read_until(b'\n', &mut line).await.map_err(|error| error.to_string())?;
        if line.is_empty() {
            return Err("it closed the connection".to_owned());
        }
        whole.push_str(String::from_utf8_lossy(&line).trim());
        // `250-` goes on, `250 ` ends.
        if line.get(3) != Some(&b'-') {
            return Ok(whole);
        }
        whole.push('\n');
    }
    Err("its reply does not end".to_owned())
}

/// Looks at how many connections and files a process may have open at once.
#[must_use]
pub fn descriptors() -> Finding {
    descriptors_of(getrlimit(Resource::Nofile).current)
}

fn descriptors_of(limit: Option<u64>) -> Finding {
    const CHECK: &str = "descriptors";
    match limit {
        None => Finding::ok(CHECK, "as many as wanted"),
        Some(limit) if limit < DESCRIPTORS_WANTED => {
            let remedy = format!(
                "allow {DESCRIPTORS_WANTED}: LimitNOFILE= of systemd, --ulimit nofile= of a container, ulimit -Hn of a shell"
            );
            Finding::warn(CHECK, format!("{limit} connections and files may be open at once"), remedy)
        }
        Some(limit) => Finding::ok(CHECK, format!("{limit} connections and files may be open at once")),
    }
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

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    #[test]
    fn a_usual_limit_of_open_files_is_too_low() {
        for (limit, level) in [(Some(1_024), Level::Warn), (Some(8_192), Level::Ok), (None, Level::Ok)] {
            assert_eq!(descriptors_of(limit).level, level, "{limit:?}");
        }
    }
}
