//! The database: its pool, its transactions, its migrations.
//!
//! A [`Tx`] is opened and committed in a handler or in a job's `perform`, nowhere else; everything between
//! takes a `&mut PgConnection`. Committing also wakes the workers, since the transaction may have enqueued
//! jobs; one that is rolled back or dropped wakes nobody.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use sqlx::{
    Connection, PgConnection, PgPool, Postgres, Transaction,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use readers::Reader;
use readers::Readers;

use crate::{config::DatabaseSettings, queue::Wake};

mod readers;

/// The schema's history; forward only.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// How long a statement may wait for a row before the request is refused.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one statement may take. Imports lift it for their merge.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long anybody may wait for a connection.
const ACQUIRED_WITHIN: Duration = Duration::from_secs(5);

/// A connection that has rested for longer is tested before it is used.
const TESTED_AFTER: Duration = Duration::from_secs(1);

/// The pool, the connections for short reads, and the bell that wakes workers after a commit.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    readers: Readers,
    wake: Wake,
}

impl Db {
    /// Prepares a pool; connections are made when they are first needed, so that a process can start while
    /// the database is away.
    ///
    /// # Errors
    /// When `DATABASE_URL` cannot be read.
    pub fn new(settings: &DatabaseSettings) -> Result<Self, sqlx::Error> {
        let options: PgConnectOptions = settings.url.parse()?;
        let options = options.application_name("postavka").options([
            ("lock_timeout", LOCK_TIMEOUT.as_millis().to_string()),
            ("statement_timeout", STATEMENT_TIMEOUT.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", "60000".to_owned()),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(ACQUIRED_WITHIN)
            // Asking each time costs a round trip; one that was used a moment ago is as good as tested.
            .test_before_acquire(false)
            .before_acquire(|connection, rested| {
                Box::pin(async move {
                    if rested.idle_for > TESTED_AFTER {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self { wake: Wake::start(pool.clone()), readers: Readers::new(pool.clone()), pool })
    }

    /// A connection for one short read outside a transaction.
    ///
    /// # Errors
    /// When none can be had within its deadline.
    pub async fn reader(&self) -> Result<Reader, sqlx::Error> {
        self.readers.take().await
    }

    /// Gives up all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.pool.close().await;
    }

    /// The pool, for reads outside a transaction.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Sets the figures of the pool: how many connections are in use, and how many wait to be.
    pub fn count_connections(&self) {
        let (open, idle) = (f64::from(self.pool.size()), self.pool.num_idle() as f64);
        metrics::gauge!("db_pool_connections", "state" => "idle").set(idle);
        metrics::gauge!("db_pool_connections", "state" => "used").set((open - idle).max(0.0));
        metrics::gauge!("db_pool_connections_max").set(f64::from(self.pool.options().get_max_connections()));
    }

    /// Opens a transaction.
    ///
    /// # Errors
    /// When no connection can be had within its deadline.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        Ok(Tx { inner: self.pool.begin().await?, wake: self.wake.clone() })
    }

    /// Applies the migrations that are missing, after making sure that the database can hold Cyrillic.
    ///
    /// # Errors
    /// [`MigrateError`] with what to do about it.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        self.check_locale().await?;
        MIGRATOR.run(&self.pool).await?;
        Ok(())
    }

    /// Whether the database answers, understands Cyrillic, and has every migration of this build.
    ///
    /// # Errors
    /// [`MigrateError`] with what is missing.
    pub async fn check_ready(&self) -> Result<(), MigrateError> {
        self.check_locale().await?;
        let applied = store::newest_migration(&self.pool).await?;
        let wanted = MIGRATOR.iter().map(|migration| migration.version).max();
        if applied < wanted {
            return Err(MigrateError::Behind { applied: applied.unwrap_or(0), wanted: wanted.unwrap_or(0) });
        }
        Ok(())
    }

    async fn check_locale(&self) -> Result<(), MigrateError> {
        if store::lower_cases_cyrillic(&self.pool).await? { Ok(()) } else { Err(MigrateError::Locale) }
    }
}

/// Why a database is not one that Postavka can use.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// `lower('Ж')` is not `ж`.
    #[error(
        "the database's locale does not know Cyrillic: create it with encoding UTF8 and a UTF-8 locale, \
         e.g. createdb -E UTF8 -l C.UTF-8 -T template0"
    )]
    Locale,
    /// Migrations are missing.
    #[error("the schema is at migration {applied}, this build needs {wanted}: run `api migrate`")]
    Behind {
        /// The newest one that stands in the database; 0 for none.
        applied: i64,
        /// The newest one of this build.
        wanted: i64,
    },
    /// The database refused or was away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A migration failed, or one that was applied has changed since.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// A transaction. Dropped without [`commit`](Tx::commit) it is rolled back.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    wake: Wake,
}

impl Tx {
    /// Commits, and wakes the workers for what may have been enqueued.
    ///
    /// # Errors
    /// An error here means that the outcome is *unknown*, never that nothing happened.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.inner.commit().await?;
        self.wake.ring();
        Ok(())
    }

    /// Rolls back, and waits until its locks are free. Dropping a transaction rolls it back, too, but a moment later.
    ///
    /// # Errors
    /// When the database is away; it then rolls back by itself.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.inner.rollback().await
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}

mod store;
