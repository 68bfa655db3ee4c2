//! A cluster of a test's own, for tests that take it away.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use common::{config::DatabaseSettings, db::Db};
use local_stack::postgres::{Options, Postgres};

/// A cluster that can crash and come back. It is durable: a crash must not lose what was committed.
pub struct OwnCluster {
    dir: PathBuf,
    settings: Vec<(String, String)>,
    postgres: Option<Postgres>,
}

impl OwnCluster {
    /// Starts one, of this name among those of the process.
    pub async fn start(name: &str) -> Self {
        Self::start_with(name, &[]).await
    }

    /// The same, with settings of PostgreSQL's.
    pub async fn start_with(name: &str, settings: &[(&str, &str)]) -> Self {
        let dir = std::env::temp_dir().join(format!("postavka-own-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).expect("a directory");
        // PostgreSQL may run as another user.
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("a directory for all");
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut cluster = Self { dir, settings: settings.collect(), postgres: None };
        cluster.begin().await;
        cluster
    }

    /// Starts it again.
    pub async fn begin(&mut self) {
        let mut options = Options::new(self.dir.join("pg"));
        options.settings.clone_from(&self.settings);
        self.postgres = Some(Postgres::start(options).await.expect("a cluster"));
    }

    /// Ends it at once, as a loss of power does to what was not written.
    pub fn crash(&mut self) {
        self.postgres.take().expect("it runs").crash().expect("it crashes");
    }

    /// Its processes at this moment.
    pub fn process_ids(&self) -> Vec<u32> {
        self.postgres.as_ref().expect("it runs").process_ids()
    }

    /// Its database, with every migration.
    pub async fn database(&self, max_connections: u32) -> DatabaseSettings {
        let url = self.postgres.as_ref().expect("it runs").url("postgres");
        let settings = DatabaseSettings { url, max_connections };
        let db = Db::new(&settings).expect("a URL");
        db.migrate().await.expect("the migrations");
        db.close().await;
        settings
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        drop(self.postgres.take());
        _ = fs::remove_dir_all(&self.dir);
    }
}
