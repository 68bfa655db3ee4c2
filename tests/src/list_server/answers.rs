//! What a server can answer.

use std::time::Duration;

/// What is sent for one request, and then the connection is closed.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) steps: Vec<Step>,
    /// Where set, whoever has this version is told that it is still the last one.
    pub(super) etag: Option<String>,
}

/// A part of an answer.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    /// The same again and again, for ever.
    Repeat(Vec<u8>, Duration),
    /// Nothing more, for ever.
    Hang,
}

impl Answer {
    /// A whole answer, with these headers beside the length.
    #[must_use]
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len().to_string();
        let mut bytes = head(status, &[headers, &[("content-length", &length)]].concat());
        bytes.extend_from_slice(body);
        Self { steps: vec![Step::Send(bytes)], etag: None }
    }

    /// A list.
    #[must_use]
    pub fn list(body: impl AsRef<[u8]>) -> Self {
        Self::new(200, &[("content-type", "application/yaml")], body)
    }

    /// A list of a version: whoever has it is answered 304.
    #[must_use]
    pub fn version(etag: &str, body: impl AsRef<[u8]>) -> Self {
        let headers = [("content-type", "application/yaml"), ("etag", etag)];
        Self { etag: Some(etag.to_owned()), ..Self::new(200, &headers, body) }
    }

    /// A status without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::new(status, &[], "")
    }

    pub(super) fn not_found() -> Self {
        Self::status(404)
    }

    /// It is elsewhere.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status, &[("location", location)], "")
    }

    /// Promises so many bytes, sends these, and closes the connection.
    #[must_use]
    pub fn promising(length: u64, body: impl AsRef<[u8]>) -> Self {
        Self { steps: vec![Step::Send(promise(length, body.as_ref()))], etag: None }
    }

    /// Promises so many bytes, sends these, and then nothing more.
    #[must_use]
    pub fn hanging_after(length: u64, body: impl AsRef<[u8]>) -> Self {
        Self { steps: vec![Step::Send(promise(length, body.as_ref())), Step::Hang], etag: None }
    }

    /// Says nothing at all.
    #[must_use]
    pub fn silence() -> Self {
        Self { steps: vec![Step::Hang], etag: None }
    }

    /// Sends this list, piece by piece.
    #[must_use]
    pub fn in_pieces(body: impl AsRef<[u8]>, piece: usize, pause: Duration) -> Self {
        let body = body.as_ref();
        let mut steps = vec![Step::Send(head(200, &[("content-length", &body.len().to_string())]))];
        for piece in body.chunks(piece) {
            steps.extend([Step::Pause(pause), Step::Send(piece.to_vec())]);
        }
        Self { steps, etag: None }
    }

    /// Sends this again and again, with a pause each time, and never ends.
    #[must_use]
    pub fn endless(piece: impl AsRef<[u8]>, pause: Duration) -> Self {
        let piece = piece.as_ref();
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        let head = head(200, &[("content-type", "text/csv"), ("transfer-encoding", "chunked")]);
        Self { steps: vec![Step::Send(head), Step::Repeat(chunk, pause)], etag: None }
    }
}

fn promise(length: u64, body: &[u8]) -> Vec<u8> {
    let mut bytes =
        head(200, &[("content-type", "application/yaml"), ("content-length", &length.to_string())]);
    bytes.extend_from_slice(body);
    bytes
}

fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Answer\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}
