//! As whom the server runs.
//!
//! PostgreSQL refuses to run as root, which is who we are in most containers. Then it runs as the user `postgres` that
//! its package makes; but that user cannot enter every directory (`/root/…`), and on some machines does not exist.
//! There the server runs in a user namespace without a mapping: to itself it is nobody, on the disk it is still us.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};

use super::binaries::Binaries;
use crate::launcher::death_signal;

/// What becomes this user: setpriv keeps the server our direct child, which su and sudo do not.
const AS_POSTGRES: [&str; 7] =
    ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"];

/// What makes us nobody in particular. `setpriv` for the death signal must come after it: a change of user clears it.
const IN_NAMESPACE: [&str; 3] = ["unshare", "--user", "--"];

/// The user of the server, and how to become it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// We are an ordinary user: the server runs as us.
    Ourselves,
    /// We are root, and the server runs as the user `postgres`, with this id.
    Postgres { user_id: u32 },
    /// We are root, and the server runs in a user namespace of its own.
    Namespace,
}

impl Account {
    /// Decides by trying, with the directory that will hold `data_dir`.
    pub(super) fn choose(data_dir: &Path, binaries: &Binaries) -> anyhow::Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        let parent = data_dir.parent().unwrap_or(Path::new("/"));
        let enters = succeeds(prefixed(AS_POSTGRES, "test").arg("-x").arg(parent));
        let runs = enters && succeeds(prefixed(AS_POSTGRES, "test").arg("-x").arg(binaries.postgres()));
        if runs && let Some(user_id) = postgres_user_id() {
            return Ok(Self::Postgres { user_id });
        }
        if succeeds(&mut prefixed(IN_NAMESPACE, "true")) {
            return Ok(Self::Namespace);
        }
        bail!(
            "PostgreSQL does not run as root, the user postgres cannot enter {}, and user namespaces are forbidden here: \
             move the project to a directory that everybody may enter, or start this as an ordinary user",
            parent.display()
        )
    }

    /// A command that runs `program` as this user and is sent `signal` (`INT`, …) when we die.
    pub(super) fn command(self, signal: &str, program: &Path) -> Command {
        let death_signal = death_signal(signal);
        let words: Vec<&str> = match self {
            Self::Ourselves => death_signal.to_vec(),
            // setpriv changes the user first and asks for the signal last.
            Self::Postgres { .. } => [&AS_POSTGRES[..6], &death_signal[1..]].concat(),
            Self::Namespace => [&IN_NAMESPACE[..], &death_signal].concat(),
        };
        let mut command = prefixed(words, program);
        // PostgreSQL reads PGDATA, PGPORT and a dozen more, and takes its languages from LANG and LC_*.
        command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
        // Our own directory may be one that this user cannot enter.
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    /// The id that the server's files have on the disk.
    pub(super) fn user_id(self) -> u32 {
        match self {
            Self::Ourselves | Self::Namespace => rustix::process::geteuid().as_raw(),
            Self::Postgres { user_id } => user_id,
        }
    }

    /// Makes a directory and everything in it belong to this user. It may belong to another one when the project has
    /// moved, or was started by somebody else before.
    pub(super) fn take_over(self, dir: &Path) -> anyhow::Result<()> {
        let owner = fs::metadata(dir).with_context(|| format!("cannot look at {}", dir.display()))?.uid();
        if owner == self.user_id() {
            return Ok(());
        }
        let advice = || {
            let dir = dir.display();
            format!("{dir} belongs to the user {owner}: start this as that user, or remove the directory")
        };
        ensure!(self != Self::Ourselves, advice());
        let status = Command::new("chown").args(["-R", &self.user_id().to_string()]).arg(dir).status();
        let status = status.with_context(advice)?;
        ensure!(status.success(), advice());
        Ok(())
    }
}

fn prefixed<'a>(words: impl IntoIterator<Item = &'a str>, program: impl AsRef<Path>) -> Command {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or("env"));
    command.args(words).arg(program.as_ref());
    command
}

fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

fn postgres_user_id() -> Option<u32> {
    let output = Command::new("id").args(["-u", "postgres"]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
