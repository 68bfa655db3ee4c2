//! The programs as processes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use local_stack::cargo;
use tokio::{process::Command, task};

/// One of the programs, to be given its settings: it has none, and no `.env` lies where it runs.
pub async fn program(name: &'static str) -> Command {
    let path = task::spawn_blocking(move || built(name)).await.expect("the program is there");
    let mut command = Command::new(path);
    command.env_clear().current_dir("/").kill_on_drop(true);
    command
}

/// The program beside this one, made anew when its sources are newer.
fn built(name: &str) -> PathBuf {
    let this = env::current_exe().expect("this program");
    let dir = this.parent().and_then(Path::parent).expect("target/<profile>/deps");
    let program = dir.join(name);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let made = fs::metadata(&program).and_then(|data| data.modified()).ok();
    let sources = ["common", "email_templates", "migrations", name].map(|folder| newest(&root.join(folder)));
    if made.is_none_or(|made| sources.into_iter().any(|source| source > made)) {
        let mut cargo = cargo::build(&root, dir.ends_with("release"));
        let status = cargo.args(["--quiet", "--offline", "--bin", name]).status();
        assert!(status.expect("cargo").success(), "the program {name} cannot be built");
    }
    program
}

/// When anything in a directory was changed last.
fn newest(dir: &Path) -> SystemTime {
    let entries = fs::read_dir(dir).expect("a directory of sources").flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => newest(&entry.path()),
            _ => entry.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH),
        })
        .max()
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
