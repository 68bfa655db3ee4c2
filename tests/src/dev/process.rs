//! The processes of the `Procfile`, as our children.

use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, anyhow, ensure};
use rustix::process::Signal;
use tokio::{
    process::{ChildStderr, ChildStdout},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};

use super::output;
use crate::launcher;

/// How long the processes may take to stop: a little more than they give themselves.
const STOPPED_WITHIN: Duration = Duration::from_secs(35);

/// The running processes, and how further ones are started.
#[derive(Default)]
pub(super) struct Processes {
    root: PathBuf,
    path: OsString,
    environment: Vec<(String, String)>,
    name_width: usize,
    running: Vec<Running>,
    started: usize,
    ended: Ended,
    output: JoinSet<io::Result<()>>,
}

struct Running {
    name: String,
    /// Of the process, and of the group that it leads.
    id: u32,
}

/// How a process ended, told by the thread that waited for it.
struct End {
    id: u32,
    status: io::Result<ExitStatus>,
}

struct Ended {
    sender: mpsc::UnboundedSender<End>,
    receiver: mpsc::UnboundedReceiver<End>,
}

impl Default for Ended {
    fn default() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver }
    }
}

impl Processes {
    /// Decides where processes run, with which programs before all others, with which additional variables, and how
    /// wide their names may be.
    pub(super) fn place(
        &mut self,
        root: &Path,
        binaries: &Path,
        environment: Vec<(String, String)>,
        name_width: usize,
    ) {
        let others = env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(binaries.to_owned()).chain(env::split_paths(&others));
        // Only a folder with a colon in its name cannot be on a path; then the others must do.
        self.path = env::join_paths(dirs).unwrap_or(others);
        self.root = root.to_owned();
        self.environment = environment;
        self.name_width = name_width;
    }

    /// Starts a process that is to run until we stop it.
    pub(super) fn start(&mut self, name: &str, command: &str) -> anyhow::Result<()> {
        let mut program = Command::new("setpriv");
        program.args(&launcher::death_signal("TERM")[1..]);
        // The shell gives way to `env`, which accepts variables before the program, and that to the program itself.
        program.args(["sh", "-c", &format!("exec env {command}")]);
        program.current_dir(&self.root).env("PATH", &self.path);
        program.envs(self.environment.iter().map(|(name, value)| (name, value)));
        program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = launcher::launch(program).with_context(|| format!("cannot start {name}"))?;
        let prefix = output::prefix(name, self.name_width, self.started);
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            let (stdout, stderr) = (ChildStdout::from_std(stdout)?, ChildStderr::from_std(stderr)?);
            self.output.spawn(output::pass_on(stdout, prefix.clone(), io::stdout()));
            self.output.spawn(output::pass_on(stderr, prefix, io::stderr()));
        }
        self.running.push(Running { name: name.to_owned(), id: child.id() });
        self.started += 1;
        let ended = self.ended.sender.clone();
        std::thread::spawn(move || tell_of_end(child, &ended));
        Ok(())
    }

    /// Runs a process to its end, which must be a success.
    pub(super) async fn run_once(&mut self, name: &str, command: &str) -> anyhow::Result<()> {
        self.start(name, command)?;
        let (name, status) = self.next_end().await?;
        ensure!(status.success(), "{name} has failed ({status})");
        Ok(())
    }

    /// Waits for a process to end; that it does is an error, whatever its status.
    pub(super) async fn first_end(&mut self) -> anyhow::Error {
        match self.next_end().await {
            Ok((name, status)) => anyhow!("{name} has ended by itself ({status})"),
            Err(error) => error,
        }
    }

    /// Asks every process to stop, and waits until they have, or have had their time.
    pub(super) async fn stop(&mut self) {
        for process in &self.running {
            _ = launcher::signal_group(process.id, Signal::TERM);
        }
        let all_ended = async { while !self.running.is_empty() && self.next_end().await.is_ok() {} };
        if timeout(STOPPED_WITHIN, all_ended).await.is_err() {
            let names: Vec<_> = self.running.iter().map(|process| process.name.as_str()).collect();
            output::say(&format!("{} did not stop in time, and is killed.", names.join(", ")));
        }
        // What they said last; a pipe that a grandchild still holds is not waited for.
        let last_words = async { while self.output.join_next().await.is_some() {} };
        _ = timeout(Duration::from_secs(1), last_words).await;
    }

    /// Ends whatever still runs.
    pub(super) fn kill(&mut self) {
        for process in self.running.drain(..) {
            _ = launcher::signal_group(process.id, Signal::KILL);
        }
    }

    async fn next_end(&mut self) -> anyhow::Result<(String, ExitStatus)> {
        // We hold a sender ourselves, so the channel does not close.
        let end = self.ended.receiver.recv().await.context("nobody waits for the processes")?;
        // What a process leaves behind in its group goes with it.
        _ = launcher::signal_group(end.id, Signal::KILL);
        let index = self.running.iter().position(|process| process.id == end.id);
        let name = index.map_or_else(String::new, |index| self.running.remove(index).name);
        let status = end.status.with_context(|| format!("cannot wait for {name}"))?;
        Ok((name, status))
    }
}

fn tell_of_end(mut child: Child, ended: &mpsc::UnboundedSender<End>) {
    let id = child.id();
    let status = child.wait();
    // Nobody may be interested any more.
    _ = ended.send(End { id, status });
}
