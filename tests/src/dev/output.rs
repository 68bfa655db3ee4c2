//! What appears in the terminal: our own words, and what the processes print, with the process's name before it.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

/// A longer line is broken.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// The colours of names, in turn: those that can be read on black and on white.
const COLOURS: [u8; 6] = [36, 33, 35, 32, 34, 31];

/// Prints a line of our own. That nobody may be reading any more is no reason to stop in disorder.
pub(super) fn say(line: &str) {
    _ = writeln!(io::stderr().lock(), "{line}");
}

/// What stands before each line of a process.
pub(super) fn prefix(name: &str, width: usize, index: usize) -> String {
    let colourful = io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
    match COLOURS.get(index % COLOURS.len()) {
        Some(colour) if colourful => format!("\x1b[{colour}m{name:width$} |\x1b[0m "),
        _ => format!("{name:width$} | "),
    }
}

/// Passes on everything that a process prints, line by line, until it closes its end.
pub(super) async fn pass_on(
    source: impl AsyncRead + Unpin,
    prefix: String,
    mut to: impl Write,
) -> io::Result<()> {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    loop {
        line.clear();
        line.extend_from_slice(prefix.as_bytes());
        let read = (&mut source).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await?;
        if read == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        // In one piece, so that the lines of two processes do not mix.
        _ = to.write_all(&line).and_then(|()| to.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_line_gets_the_name_and_an_end() {
        let mut seen = Vec::new();
        let printed = [&b"one\n\ntwo \xff\n"[..], &vec![b'x'; 64 << 10], b"y"].concat();
        pass_on(&printed[..], "api | ".to_owned(), &mut seen).await.unwrap();
        let long = "x".repeat(64 << 10);
        let expected =
            [b"api | one\napi | \napi | two \xff\n", format!("api | {long}\napi | y\n").as_bytes()].concat();
        assert!(seen == expected);
    }
}
