//! What every program does around its work: its settings, a runtime, and an end that says what went wrong.

use std::{
    env, fmt, fs,
    future::Future,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Parser, error::ErrorKind};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{config::Problems, telemetry::TelemetryArgs};

/// Where settings may stand, in the folder where a program is started or in one above.
const ENV_FILE: &str = ".env";

/// More than any program here needs.
const DESCRIPTORS: u64 = 65_536;

/// The exit code of what SIGPIPE has ended, as shells have it.
const ENDED_BY_SIGPIPE: i32 = 128 + 13;

/// What a program was started with: its flags, the environment, and `.env`, each before the next. Where something
/// of it cannot be read, the process ends and says so.
#[must_use]
pub fn arguments<C: Parser>() -> C {
    if let Err(error) = load_env() {
        <C as clap::CommandFactory>::command().error(ErrorKind::Io, format!("{error:#}")).exit();
    }
    C::parse()
}

/// Prints a line on standard output.
pub fn print(line: impl fmt::Display) {
    if let Err(error) = writeln!(Output, "{line}") {
        eprintln!("error: standard output: {error}");
        std::process::exit(1);
    }
}

/// Standard output. Where whoever reads it has enough and closes it (`worker jobs list | head -2`) the program ends without
/// a word, as if SIGPIPE had ended it, which Rust's runtime ignores.
#[derive(Clone, Copy, Debug)]
pub struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_closed(io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_closed(io::stdout().flush())
    }
}

fn unless_closed<T>(written: io::Result<T>) -> io::Result<T> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(ENDED_BY_SIGPIPE),
        other => other,
    }
}

/// Adds to the environment what `.env` says beyond it. That there is none is no error.
fn load_env() -> anyhow::Result<()> {
    let here = env::current_dir().unwrap_or_default();
    let Some(path) = env_file(&here) else { return Ok(()) };
    let text = fs::read_to_string(&path).unwrap_or_default();
    if let Some(number) = substituted(&text) {
        bail!("{}, line {number}: expected single quotes around a value that has a $", path.display());
    }
    match dotenvy::from_path(&path) {
        Ok(()) => Ok(()),
        // Its own words repeat the line, which may hold a secret.
        Err(dotenvy::Error::LineParse(line, _)) => {
            let place = number_of(&line, &text).map_or_else(String::new, |number| format!(", line {number}"));
            bail!(
                "{}{place}: expected NAME=value, with quotes around a value that has spaces or any of \\ ' \" #",
                path.display()
            )
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

fn env_file(here: &Path) -> Option<PathBuf> {
    here.ancestors().map(|dir| dir.join(ENV_FILE)).find(|path| path.is_file())
}

/// The first line on which a `$` does not stand for itself: what follows would be taken for the name of a variable, and
/// silently be lost.
fn substituted(text: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (number, line) in (1..).zip(text.lines()) {
        let mut before = ' ';
        for character in line.chars() {
            match (quote, character) {
                _ if escaped => escaped = false,
                (Some('\''), '\'') => quote = None,
                (Some('\''), _) => {}
                (_, '\\') => escaped = true,
                (_, '$') => return Some(number),
                (Some(_), '"') => quote = None,
                (None, '\'' | '"') => quote = Some(character),
                (None, '#') if before.is_whitespace() => break,
                _ => {}
            }
            before = character;
        }
        escaped = false;
    }
    None
}

/// Where a line, or the end of one, stands that cannot be read; a value in quotes may go over several.
fn number_of(unreadable: &str, text: &str) -> Option<usize> {
    let first = unreadable.lines().next()?.trim();
    Some(text.lines().position(|line| line.trim().ends_with(first))? + 1)
}

/// Starts logging, does the work of the program of that name, and turns its error into one line on standard error. The
/// work is given what is wrong with the settings of that, to be told with what is wrong with its own.
pub fn run<W>(name: &str, telemetry: &TelemetryArgs, work: impl FnOnce(Problems) -> W) -> ExitCode
where
    W: Future<Output = anyhow::Result<()>>,
{
    match try_run(name, telemetry, work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn try_run<W>(name: &str, telemetry: &TelemetryArgs, work: impl FnOnce(Problems) -> W) -> anyhow::Result<()>
where
    W: Future<Output = anyhow::Result<()>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut problems = Problems::default();
    let traces = telemetry.start(name, runtime.handle(), &mut problems);
    raise_descriptors();
    let result = runtime.block_on(work(problems));
    // The runtime still speaks to the collector.
    traces.end();
    // Blocking work that nobody waits for any more must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Takes as many descriptors as the machine allows: each connection is one, each file that is uploaded, and each
/// connection to the database. What a shell gives is often a quarter of the connections that the API takes.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS));
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
        if let Err(error) = raised {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dollar_that_would_name_a_variable_is_found() {
        for (text, line) in [
            ("A=1\nPUBLIC_URL=http://x/pa$word\n", Some(2)),
            ("A=\"pa$word\"", Some(1)),
            ("# it's $5\n\nA='two\nlines' # $5\nB=$C", Some(5)),
            ("A='pa$word'\nB=\"pa\\$word\"\nC=pa\\$word # $5, isn't it\n", None),
        ] {
            assert_eq!(substituted(text), line, "{text}");
        }
    }

    #[test]
    fn the_line_that_cannot_be_read_is_named_without_what_stands_in_it() {
        for (text, number) in [
            ("A=1\nMAIL_FROM=Shop <shop@example.com>\nB=2\n", 2),
            ("# why\n\nA=1\n\n  SECRET=one two\n", 5),
            ("A=1\nSECRET='begun\nand never ended\n", 2),
            ("no assignment\n", 1),
        ] {
            let error = dotenvy::from_read_iter(text.as_bytes()).find_map(Result::err);
            let Some(dotenvy::Error::LineParse(line, _)) = error else { panic!("{text}: {error:?}") };
            assert_eq!(number_of(&line, text), Some(number), "{text}");
        }
    }
}
