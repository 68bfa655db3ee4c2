//! The cluster of the benchmarks, and databases that are filled once.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use anyhow::Context;
use common::db::MIGRATOR;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::postgres::{Options, Postgres};

/// Databases of benchmarks begin so.
const PREFIX: &str = "bench_";

/// A durable PostgreSQL for benchmarks, in `.data/bench-pg`.
#[derive(Debug)]
pub struct Cluster {
    postgres: Postgres,
    dir: PathBuf,
}

impl Cluster {
    /// Starts it. The caches are as large as a small server's, the rest is PostgreSQL's default.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn start() -> anyhow::Result<Self> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.data/bench-pg");
        let mut options = Options::new(&dir);
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        options.max_connections = 200;
        options.settings = vec![
            setting("shared_buffers", "1GB"),
            setting("max_wal_size", "4GB"),
            // For whoever asks what the API asked.
            setting("track_activity_query_size", "32kB"),
            // Whose session it was: see `Replay`.
            setting("log_line_prefix", "[%p] "),
        ];
        let postgres = Postgres::start(options).await.context("the cluster of the benchmarks")?;
        Ok(Self { postgres, dir })
    }

    /// The address of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.postgres.url(database)
    }

    /// One of PostgreSQL's programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.postgres.program(name)
    }

    /// An empty directory for files that are not needed for long.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch(&self) -> anyhow::Result<PathBuf> {
        let dir = self.dir.with_extension("scratch");
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(dir)
    }

    /// Where the server writes its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.postgres.log()
    }

    /// A copy of a database, to which nobody may be connected meanwhile; an older one of its name goes.
    ///
    /// # Errors
    /// What PostgreSQL answers.
    pub async fn copy(&self, database: &str, name: &str) -> anyhow::Result<String> {
        let copy = format!("{PREFIX}{name}");
        self.postgres.drop_database(&copy).await?;
        self.postgres.create_database(&copy, Some(database)).await?;
        Ok(copy)
    }

    /// Drops a copy.
    ///
    /// # Errors
    /// What PostgreSQL answers.
    pub async fn drop(&self, copy: &str) -> anyhow::Result<()> {
        self.postgres.drop_database(copy).await
    }

    /// A connection to a database.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn connect(&self, database: &str) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(&self.url(database)).await?)
    }

    /// A database with every migration and what `fill` put into it; made once, and again when either has changed.
    /// Returns its name.
    ///
    /// # Errors
    /// What PostgreSQL answers.
    pub async fn database(&self, name: &str, fill: &str) -> anyhow::Result<String> {
        let mut hash = DefaultHasher::new();
        fill.hash(&mut hash);
        for migration in MIGRATOR.iter() {
            (migration.version, &migration.checksum).hash(&mut hash);
        }
        let whole = format!("{PREFIX}{name}_{:016x}", hash.finish());
        if self.postgres.has_database(&whole).await? {
            return Ok(whole);
        }
        self.drop_versions_of(name).await?;
        println!("Filling the database {name} …");
        let unfinished = format!("{PREFIX}{name}_unfinished");
        self.postgres.create_database(&unfinished, None).await?;
        let mut connection = self.connect(&unfinished).await?;
        MIGRATOR.run_direct(None, &mut connection, false).await?;
        connection.execute(sqlx::raw_sql(AssertSqlSafe(fill.to_owned()))).await?;
        connection.execute("vacuum analyze").await?;
        connection.execute(AssertSqlSafe("checkpoint")).await?;
        connection.close().await?;
        let mut connection = self.connect("postgres").await?;
        let rename = format!("alter database \"{unfinished}\" rename to \"{whole}\"");
        connection.execute(AssertSqlSafe(rename)).await?;
        connection.close().await?;
        Ok(whole)
    }

    async fn drop_versions_of(&self, name: &str) -> anyhow::Result<()> {
        let mut connection = self.connect("postgres").await?;
        let versions: Vec<String> =
            sqlx::query_scalar("select datname::text from pg_database where starts_with(datname, $1)")
                .bind(format!("{PREFIX}{name}_"))
                .fetch_all(&mut connection)
                .await?;
        connection.close().await?;
        for version in versions {
            self.postgres.drop_database(&version).await?;
        }
        Ok(())
    }

    /// The statement that the API ran last in a database, as the server was given it.
    ///
    /// # Errors
    /// When none is known.
    pub async fn last_statement(&self, database: &str) -> anyhow::Result<String> {
        let mut connection = self.connect(database).await?;
        let statement = sqlx::query_scalar(
            "select query from pg_stat_activity
             where datname = current_database() and application_name = 'postavka' and query ilike '%select%from%'
             order by query_start desc
             limit 1",
        );
        let statement = statement.fetch_optional(&mut connection).await?;
        connection.close().await?;
        statement.context("the API has asked nothing yet")
    }
}
