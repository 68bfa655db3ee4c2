//! The project's folder: where its `Procfile`, its binaries and its `.data` are.

use std::{
    env,
    fs::{self, File, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
    process,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// How long a run that was killed a moment ago may hold its lock.
const RELEASED_WITHIN: Duration = Duration::from_secs(1);

/// The folder that holds a `Procfile`, and the lock that makes it ours while this lives.
#[derive(Debug)]
pub(super) struct Folder {
    procfile: PathBuf,
    root: PathBuf,
    _lock: File,
}

impl Folder {
    /// Finds the folder, from here upwards unless a Procfile is named, and takes it.
    pub(super) async fn take(procfile: Option<&Path>) -> anyhow::Result<Self> {
        let procfile = match procfile {
            Some(named) => named.to_owned(),
            None => find_upwards(&env::current_dir().context("the current folder is gone")?)?,
        };
        let procfile =
            fs::canonicalize(&procfile).with_context(|| format!("there is no {}", procfile.display()))?;
        let root = procfile.parent().unwrap_or(Path::new("/")).to_owned();
        let data = root.join(".data");
        fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
        let lock = lock(&data.join("dev.lock"), &root).await?;
        Ok(Self { procfile, root, _lock: lock })
    }

    pub(super) fn procfile(&self) -> &Path {
        &self.procfile
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where everything lies that a run leaves behind; deleting it starts afresh.
    pub(super) fn data(&self) -> PathBuf {
        self.root.join(".data")
    }
}

/// Where cargo puts the binaries of a profile: we lie in the folder of one of them ourselves.
pub(super) fn binaries(release: bool) -> anyhow::Result<PathBuf> {
    let ourselves = env::current_exe().context("cannot find our own binary")?;
    let target = ourselves.ancestors().nth(2).context("our own binary lies in no target folder")?;
    Ok(target.join(if release { "release" } else { "debug" }))
}

fn find_upwards(from: &Path) -> anyhow::Result<PathBuf> {
    match from.ancestors().map(|dir| dir.join("Procfile")).find(|procfile| procfile.is_file()) {
        Some(procfile) => Ok(procfile),
        None => {
            bail!("there is no Procfile in {} or above: start this in the project's folder", from.display())
        }
    }
}

/// Takes the lock, which the kernel releases when we die, and notes in it who we are.
async fn lock(path: &Path, root: &Path) -> anyhow::Result<File> {
    let context = || format!("cannot lock {}", path.display());
    let options = File::options().create(true).truncate(false).read(true).write(true).open(path);
    let mut file = options.with_context(context)?;
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if since.elapsed() < RELEASED_WITHIN => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                file.read_to_string(&mut owner).with_context(context)?;
                bail!("cargo dev is already running in {} (process {})", root.display(), owner.trim())
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", process::id())).with_context(context)?;
    Ok(file)
}
