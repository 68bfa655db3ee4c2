//! Directories for our own unit tests.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process,
};

/// A directory of one test, removed at its end.
pub(crate) struct ScratchDir(PathBuf);

impl ScratchDir {
    /// Makes one that every user may enter.
    pub(crate) fn new(name: &str) -> Self {
        let dir = env::temp_dir().join(format!("postavka-{}-{name}", process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        Self(fs::canonicalize(dir).unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}
