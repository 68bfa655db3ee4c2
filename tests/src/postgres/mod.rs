//! A private PostgreSQL: a cluster of our own in a directory, reachable through a unix socket only.
//!
//! [`Postgres::start`] does everything that a fresh machine needs, in this order:
//!
//! 1. `binaries`: find `initdb` and `postgres`; where there are none, `fetch` them;
//! 2. `place`: decide where the data, the log and the socket lie, and take the lock, so that two of us never share a
//!    data directory;
//! 3. `account`: decide as whom the server runs, since PostgreSQL refuses to run as root;
//! 4. `leftovers`: wait for the server of a run that was killed, which is still shutting down;
//! 5. `server`: `initdb` once, then start, and wait until a connection works.
//!
//! The server stops when its [`Postgres`] is dropped, and by the kernel's hand when we are killed.

mod account;
mod binaries;
mod fetch;
mod leftovers;
mod place;
mod server;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use self::{account::Account, binaries::Binaries, place::Place, server::Server};

/// What a committed transaction survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The loss of power: PostgreSQL's defaults. For development, benchmarks and fault tests.
    Durable,
    /// Nothing but a clean stop, at several times the speed. For tests, whose databases are made anew anyway.
    Fast,
}

/// How to run a cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the data lie. The log is written beside it, as `<name>.log`, and the lock, as `<name>.lock`.
    pub data_dir: PathBuf,
    /// What a committed transaction survives.
    pub durability: Durability,
    /// PostgreSQL's `max_connections`.
    pub max_connections: u16,
    /// Further settings of PostgreSQL, by name and value; a later one wins over an earlier one and over ours.
    pub settings: Vec<(String, String)>,
}

impl Options {
    /// A durable cluster for 100 connections.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            durability: Durability::Durable,
            max_connections: 100,
            settings: Vec::new(),
        }
    }

    /// A fast cluster for 200 connections, as tests want it.
    pub fn for_tests(data_dir: impl Into<PathBuf>) -> Self {
        Self { durability: Durability::Fast, max_connections: 200, ..Self::new(data_dir) }
    }
}

/// A running cluster; dropping it stops the server and waits for its end.
#[derive(Debug)]
pub struct Postgres {
    binaries: Binaries,
    // Fields drop in this order: the server stops before its lock is released.
    server: Server,
    place: Place,
}

impl Postgres {
    /// Starts the cluster in `options.data_dir`, making it first where there is none.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, cannot be made to run here, or does not start: the message says what to do,
    /// or quotes the end of the server's log.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        Self::start_by(Binaries::find()?, options).await
    }

    async fn start_by(binaries: Binaries, options: Options) -> anyhow::Result<Self> {
        let place = Place::take(&options.data_dir).await?;
        let account = Account::choose(&place.data_dir, &binaries)?;
        leftovers::wait_for_end(&place).await?;
        if !place.is_initialised() {
            server::initialise(&binaries, &account, &place, options.durability).await?;
        }
        account.take_over(&place.data_dir)?;
        place.prepare_socket_dir(&account)?;
        let server = Server::start(&binaries, &account, &place, &options).await?;
        Ok(Self { binaries, server, place })
    }

    /// The address of a database of this cluster, as sqlx and libpq read it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.place.url(database)
    }

    /// One of the programs that come with this server: `pgbench`, `psql`, …
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.binaries.program(name)
    }

    /// Makes a database, empty or as a copy of `template`, to which nobody may be connected meanwhile.
    ///
    /// # Errors
    /// What PostgreSQL answers: most likely, that there is a database of this name.
    pub async fn create_database(&self, name: &str, template: Option<&str>) -> anyhow::Result<()> {
        let template = quoted(template.unwrap_or("template1"))?;
        let statement = format!("create database {} template {template}", quoted(name)?);
        self.administer(statement).await.with_context(|| format!("cannot create the database {name}"))
    }

    /// Removes a database, and whoever is connected to it; one that does not exist is no error.
    ///
    /// # Errors
    /// What PostgreSQL answers.
    pub async fn drop_database(&self, name: &str) -> anyhow::Result<()> {
        let statement = format!("drop database if exists {} with (force)", quoted(name)?);
        self.administer(statement).await.with_context(|| format!("cannot drop the database {name}"))
    }

    /// Whether there is a database of this name.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn has_database(&self, name: &str) -> anyhow::Result<bool> {
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        let known = sqlx::query("select 1 from pg_database where datname = $1").bind(name);
        let known = known.fetch_optional(&mut connection).await?.is_some();
        connection.close().await?;
        Ok(known)
    }

    /// Whether the server still runs; `false` after a crash or somebody's `kill`.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.server.is_running()
    }

    /// The number of the server's first process, the postmaster.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.server.process_id()
    }

    /// The numbers of all of the server's processes at this moment, for a test that freezes them. Seeing those of
    /// another user takes root.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        leftovers::servers_in(&self.place.data_dir)
    }

    /// Where the server writes its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.place.log
    }

    /// Stops the server cleanly (PostgreSQL's "fast" shutdown) and waits for its end, as dropping does.
    ///
    /// # Errors
    /// When the server had to be forced.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.server.stop()
    }

    /// Stops the server at once, as a crash would (PostgreSQL's "immediate" shutdown); the next start recovers.
    ///
    /// # Errors
    /// When the server had to be forced.
    pub fn crash(mut self) -> anyhow::Result<()> {
        self.server.crash()
    }

    async fn administer(&self, statement: String) -> anyhow::Result<()> {
        // A connection each time: tests come from runtimes of their own, and a connection dies with its runtime.
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        connection.execute(AssertSqlSafe(statement)).await?;
        connection.close().await?;
        Ok(())
    }
}

/// A name as an SQL identifier. PostgreSQL would cut a longer one silently, and two tests would meet in one database.
fn quoted(name: &str) -> anyhow::Result<String> {
    let fits = (1..=63).contains(&name.len()) && !name.contains('\0');
    ensure!(fits, "a database's name has 1 to 63 bytes, but {name:?} has {}", name.len());
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}
