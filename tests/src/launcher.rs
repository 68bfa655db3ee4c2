//! Child processes that do not outlive us.
//!
//! Each child asks the kernel for a signal when its parent dies (`setpriv --pdeathsig`), so that nothing stays behind
//! even after `kill -9`. But by "parent" the kernel means the *thread* that spawned the child: a server started from a
//! test's thread would be stopped when that test ends. So every child is started from one thread that never returns.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
    sync::{
        LazyLock,
        mpsc::{self, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use rustix::process::{Pid, Signal};

/// A command to start, and where to send the child.
struct Launch {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

static LAUNCHER: LazyLock<Sender<Launch>> = LazyLock::new(|| {
    let (requests, inbox) = mpsc::channel::<Launch>();
    thread::spawn(move || {
        for mut launch in inbox {
            // Whoever asked may have given up by now; then the child is theirs no more and must not stay.
            if let Err(mpsc::SendError(Ok(mut orphan))) = launch.reply.send(launch.command.spawn()) {
                _ = orphan.kill();
                _ = orphan.wait();
            }
        }
    });
    requests
});

/// Starts a command in a process group of its own, so that Ctrl-C in the terminal reaches us and not the child:
/// the order in which things stop is ours to decide.
///
/// # Errors
/// When the program cannot be started; a missing program is named.
pub(crate) fn launch(mut command: Command) -> anyhow::Result<Child> {
    command.process_group(0);
    let program = command.get_program().to_owned();
    let (reply, child) = mpsc::channel();
    let started = LAUNCHER
        .send(Launch { command, reply })
        .map_err(io::Error::other)
        .and_then(|()| child.recv().map_err(io::Error::other).flatten());
    started.with_context(|| match program.to_str() {
        Some("setpriv" | "unshare") => {
            format!("cannot start {}: install the package util-linux", program.display())
        }
        _ => format!("cannot start {}", program.display()),
    })
}

/// The arguments before a program that make the kernel send it `signal` (`INT`, `TERM`, …) when we die.
pub(crate) fn death_signal(signal: &str) -> [&str; 4] {
    ["setpriv", "--pdeathsig", signal, "--"]
}

/// Signals one process; one that is gone already is no error.
pub(crate) fn signal(id: u32, signal: Signal) -> io::Result<()> {
    missing_is_fine(rustix::process::kill_process(pid(id)?, signal))
}

/// Signals every process of the group that `id` leads; a group that is gone already is no error.
pub(crate) fn signal_group(id: u32, signal: Signal) -> io::Result<()> {
    missing_is_fine(rustix::process::kill_process_group(pid(id)?, signal))
}

/// Waits for a child to end, blocking this thread for at most `patience`; `None` when it still runs then.
pub(crate) fn wait_for_end(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait()? {
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
            outcome => return Ok(outcome),
        }
    }
}

fn pid(id: u32) -> io::Result<Pid> {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    id.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the number of a process"))
}

fn missing_is_fine(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let mut command = Command::new("setpriv");
        command.args(&death_signal("TERM")[1..]).args(["sleep", "60"]);
        let mut child = thread::spawn(|| launch(command).unwrap()).join().unwrap();
        assert_eq!(wait_for_end(&mut child, Duration::from_millis(300)).unwrap(), None);

        signal_group(child.id(), Signal::KILL).unwrap();
        let status = wait_for_end(&mut child, Duration::from_secs(10)).unwrap().unwrap();
        assert_eq!(status.signal(), Some(9));
        signal(child.id(), Signal::TERM).unwrap();
    }

    #[test]
    fn a_missing_program_is_named() {
        let refusal = launch(Command::new("no-such-program")).unwrap_err().to_string();
        assert_eq!(refusal, "cannot start no-such-program");
    }
}
