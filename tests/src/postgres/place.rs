//! Where a cluster lies: its data, its log, its lock and its socket.

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use url::form_urlencoded;

use super::account::Account;

/// The socket's name is made of the port, which is a mere name here: nobody listens on the network.
const PORT: u16 = 5432;

/// The longest path of a unix socket, in bytes, that the kernel's 108 leave besides the closing zero.
const MAX_SOCKET_PATH: usize = 107;

/// The paths of a cluster, and the lock that makes them ours while this lives.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) data_dir: PathBuf,
    pub(super) log: PathBuf,
    socket_dir: PathBuf,
    _lock: File,
}

impl Place {
    /// Waits until nobody else uses the data directory, and takes it.
    pub(super) async fn take(data_dir: &Path) -> anyhow::Result<Self> {
        let parent = data_dir.parent().filter(|parent| *parent != "").unwrap_or(Path::new("."));
        let name = data_dir.file_name().context("the data directory of PostgreSQL needs a name")?;
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let parent = fs::canonicalize(parent).with_context(|| format!("cannot find {}", parent.display()))?;
        let data_dir = parent.join(name);
        let beside = |extension: &str| {
            let mut sibling = name.to_owned();
            sibling.push(extension);
            parent.join(sibling)
        };
        let lock = lock(&beside(".lock"), &data_dir).await?;
        Ok(Self { socket_dir: socket_dir(&data_dir), log: beside(".log"), data_dir, _lock: lock })
    }

    /// Whether there is a cluster already. `initdb` works elsewhere and its result is renamed, so it is whole.
    pub(super) fn is_initialised(&self) -> bool {
        self.data_dir.join("PG_VERSION").exists()
    }

    /// Where `initdb` works.
    pub(super) fn unfinished_data_dir(&self) -> PathBuf {
        let mut path = self.data_dir.clone().into_os_string();
        path.push(".new");
        path.into()
    }

    /// The file in which PostgreSQL notes the process that owns the socket.
    pub(super) fn socket_lock(&self) -> PathBuf {
        self.socket_dir.join(format!(".s.PGSQL.{PORT}.lock"))
    }

    /// PostgreSQL's settings that put its socket here and nowhere else.
    pub(super) fn settings(&self) -> [(String, String); 4] {
        // PostgreSQL reads a list of directories: the quotes keep a comma or a space in the path from being one.
        let dir = self.socket_dir.to_string_lossy().replace('"', "\"\"");
        let setting = |name: &str, value: String| (name.to_owned(), value);
        [
            setting("listen_addresses", String::new()),
            setting("unix_socket_directories", format!("\"{dir}\"")),
            setting("unix_socket_permissions", "0700".to_owned()),
            setting("port", PORT.to_string()),
        ]
    }

    /// The address of a database, complete, so that no `PG…` variable of the environment has a say.
    pub(super) fn url(&self, database: &str) -> String {
        let encoded = |bytes: &[u8]| -> String {
            // libpq does not read `+` as a space, as forms do; and people read a path better as it is.
            form_urlencoded::byte_serialize(bytes).collect::<String>().replace('+', "%20").replace("%2F", "/")
        };
        let (database, host) =
            (encoded(database.as_bytes()), encoded(self.socket_dir.as_os_str().as_bytes()));
        format!("postgres:///{database}?host={host}&port={PORT}&user=postgres")
    }

    /// Makes the socket's directory where it is not the data directory itself.
    pub(super) fn prepare_socket_dir(&self, account: &Account) -> anyhow::Result<()> {
        if self.socket_dir == self.data_dir {
            return Ok(());
        }
        let dir = &self.socket_dir;
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("cannot make {} for the socket", dir.display()));
            }
            _ => {}
        }
        // Anybody may write to /tmp: a directory that somebody else has put there is not ours to trust.
        let found = fs::symlink_metadata(dir).with_context(|| format!("cannot look at {}", dir.display()))?;
        let ours = [account.user_id(), rustix::process::geteuid().as_raw()].contains(&found.uid());
        ensure!(found.is_dir() && ours, "{} belongs to somebody else: remove it", dir.display());
        fs::set_permissions(dir, Permissions::from_mode(0o700))?;
        if found.uid() != account.user_id() {
            chown(dir, Some(account.user_id()), None)?;
        }
        Ok(())
    }
}

/// The data directory itself, or a short one that is the same at each start when its path is too long for a socket.
fn socket_dir(data_dir: &Path) -> PathBuf {
    let socket = data_dir.join(format!(".s.PGSQL.{PORT}"));
    if socket.as_os_str().len() <= MAX_SOCKET_PATH {
        return data_dir.to_owned();
    }
    let mut hasher = DefaultHasher::new();
    data_dir.hash(&mut hasher);
    PathBuf::from(format!("/tmp/postavka-{:016x}", hasher.finish()))
}

/// Takes the lock beside the data directory, which the kernel releases when we die. Asks again and again rather than
/// block, so that whoever waits can still be cancelled.
async fn lock(path: &Path, data_dir: &Path) -> anyhow::Result<File> {
    let context = || format!("cannot lock {}", path.display());
    let file = File::options().create(true).truncate(false).write(true).open(path).with_context(context)?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
            Err(TryLockError::WouldBlock) => {}
        }
        if !told {
            eprintln!("Waiting for another process that uses {} to end …", data_dir.display());
            told = true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_too_long_for_a_socket_gets_a_short_one_that_stays_the_same() {
        let short = Path::new("/srv/postavka/.data/pg");
        assert_eq!(socket_dir(short), short);
        let long = Path::new("/srv").join("long/".repeat(20)).join("pg");
        let replacement = socket_dir(&long);
        assert!(replacement.as_os_str().len() < 40);
        assert_eq!(replacement, socket_dir(&long));
        assert_ne!(replacement, socket_dir(&long.join("other")));
    }
}
