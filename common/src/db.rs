//! The database: its pool, its transactions, its migrations.
//!
//! A [`Tx`] is opened and committed in a handler or in a job's `perform`, nowhere else; everything between
//! takes a `&mut PgConnection`. Committing also wakes the workers, since the transaction may have enqueued
//! jobs; one that is rolled back or dropped wakes nobody.

use std::{
    io::ErrorKind,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Connection, PgConnection, PgPool, Postgres, Transaction,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgDatabaseError, PgPoolOptions, PgSeverity},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

pub use migrating::MigrateError;
pub use readers::Reader;
use readers::Readers;

use crate::{config::DatabaseSettings, queue::Wake};

mod migrating;
mod readers;
mod store;

/// The schema's history; forward only.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// How long a statement may wait for a row before the request is refused.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How soon the database notices, in the middle of a statement, that whoever asked is gone.
const GONE_CLIENT_NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// How long one statement may take. Imports lift it for their merge.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a statement of the catalogue's readers may take: anybody may ask, as often as they like.
const CATALOG_STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a database may take to say that it is ready: who asks has a deadline too.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// How long anybody may wait for a connection.
const ACQUIRED_WITHIN: Duration = Duration::from_secs(5);

/// A connection that has rested for longer is tested before it is used.
const TESTED_AFTER: Duration = Duration::from_secs(1);

/// How long a connection that is given back may take to be ready for the next: to roll back, or to hear the end of a
/// statement that nobody waits for any more.
const READY_AGAIN_WITHIN: Duration = Duration::from_secs(5);

/// How long that may take.
const TESTED_WITHIN: Duration = Duration::from_secs(1);

/// The pool, the connections for short reads, and the bell that wakes workers after a commit.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    readers: Readers,
    /// The catalogue's own, where the process serves it.
    catalog: Option<Readers>,
    long: Arc<Semaphore>,
    wake: Wake,
}

impl Db {
    /// Prepares a pool; connections are made when they are first needed, so that a process can start while
    /// the database is away.
    ///
    /// # Errors
    /// When `DATABASE_URL` cannot be read.
    pub fn new(settings: &DatabaseSettings) -> Result<Self, sqlx::Error> {
        Self::split(settings, 0)
    }

    /// The same for a process that serves the catalogue: its readers have a third of the connections or so for
    /// themselves, so that no search keeps an order waiting.
    ///
    /// # Errors
    /// When `DATABASE_URL` cannot be read.
    pub fn serving(settings: &DatabaseSettings) -> Result<Self, sqlx::Error> {
        Self::split(settings, (settings.max_connections / 2).saturating_sub(2))
    }

    fn split(settings: &DatabaseSettings, for_catalog: u32) -> Result<Self, sqlx::Error> {
        let options: PgConnectOptions = settings.url.parse()?;
        let all = settings.max_connections;
        let catalog = (for_catalog > 0).then(|| {
            let options = limited(options.clone(), CATALOG_STATEMENT_TIMEOUT);
            Readers::new(pool(options, for_catalog), for_catalog)
        });
        let pool = pool(limited(options, STATEMENT_TIMEOUT), all - for_catalog);
        let quarter = all / 4;
        Ok(Self {
            wake: Wake::start(pool.clone()),
            readers: Readers::new(pool.clone(), quarter),
            catalog,
            long: Arc::new(Semaphore::new(usize::try_from(quarter).unwrap_or(1).max(1))),
            pool,
        })
    }

    /// A connection for one short read outside a transaction.
    ///
    /// # Errors
    /// When none can be had within its deadline.
    pub async fn reader(&self) -> Result<Reader, sqlx::Error> {
        self.readers.take().await
    }

    /// A connection for one read of the catalogue, which may take up to 5 s.
    ///
    /// # Errors
    /// When none can be had within its deadline.
    pub async fn catalog_reader(&self) -> Result<Reader, sqlx::Error> {
        self.catalog.as_ref().unwrap_or(&self.readers).take().await
    }

    /// Gives up all connections.
    pub async fn close(&self) {
        for readers in self.all_readers() {
            readers.close().await;
        }
        self.pool.close().await;
    }

    fn all_readers(&self) -> impl Iterator<Item = &Readers> {
        [&self.readers].into_iter().chain(&self.catalog)
    }

    /// The pool, for reads outside a transaction.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Sets the figures of the connections: how many are in use, and how many wait to be.
    pub fn count_connections(&self) {
        let pools = [&self.pool].into_iter().chain(self.catalog.as_ref().map(Readers::pool));
        let (mut open, mut idle, mut most) = (0.0, 0.0, 0.0);
        for pool in pools {
            open += f64::from(pool.size());
            idle += pool.num_idle() as f64;
            most += f64::from(pool.options().get_max_connections());
        }
        // To their pool they are taken.
        idle += self.all_readers().map(Readers::resting).sum::<usize>() as f64;
        metrics::gauge!("db_pool_connections", "state" => "idle").set(idle);
        metrics::gauge!("db_pool_connections", "state" => "used").set((open - idle).max(0.0));
        metrics::gauge!("db_pool_connections_max").set(most);
    }

    /// Wakes the workers for what may have been enqueued otherwise than in a [`Tx`].
    pub(crate) fn wake(&self) {
        self.wake.ring();
    }

    /// Opens a transaction.
    ///
    /// # Errors
    /// When no connection can be had within its deadline.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        Ok(Tx { inner: self.pool.begin().await?, wake: self.wake.clone(), _long: None })
    }

    /// Opens a transaction that only reads, and whose statements all see the database as it was at the first: for what is
    /// read with several.
    ///
    /// # Errors
    /// When no connection can be had within its deadline.
    pub async fn snapshot(&self) -> Result<Tx, sqlx::Error> {
        let inner = self.pool.begin_with("begin isolation level repeatable read, read only").await?;
        Ok(Tx { inner, wake: self.wake.clone(), _long: None })
    }

    /// Opens a transaction that may take minutes. Only a quarter of the connections are for such: further ones wait
    /// here, without one, for as long as their caller does.
    ///
    /// # Errors
    /// When no connection can be had within its deadline.
    pub async fn begin_long(&self) -> Result<Tx, sqlx::Error> {
        let permit = Arc::clone(&self.long).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(Tx { _long: Some(permit), ..self.begin().await? })
    }

    /// Whether the database answers soon, understands Cyrillic, and has every migration of this build as this build has
    /// it. Newer ones are no harm: old processes go on while a release comes.
    ///
    /// # Errors
    /// [`MigrateError`] with what is missing.
    pub async fn check_ready(&self) -> Result<(), MigrateError> {
        let checked = async {
            self.check_locale().await?;
            migrating::compare(&store::applied_migrations(&self.pool).await?)
        };
        timeout(READY_WITHIN, checked).await.unwrap_or(Err(MigrateError::Silent))
    }

    async fn check_locale(&self) -> Result<(), MigrateError> {
        if store::lower_cases_cyrillic(&self.pool).await? { Ok(()) } else { Err(MigrateError::Locale) }
    }
}

/// Sessions with our deadlines.
pub(crate) fn limited(options: PgConnectOptions, statement_timeout: Duration) -> PgConnectOptions {
    options.application_name("postavka").options([
        ("lock_timeout", LOCK_TIMEOUT.as_millis().to_string()),
        ("statement_timeout", statement_timeout.as_millis().to_string()),
        ("idle_in_transaction_session_timeout", "60000".to_owned()),
        // A statement of a process that was killed would otherwise go on, and hold its locks, until it has an answer.
        ("client_connection_check_interval", GONE_CLIENT_NOTICED_WITHIN.as_millis().to_string()),
        // Compiling a statement takes longer than any of ours gains by it: pages were 200 ms instead of 2.
        ("jit", "off".to_owned()),
    ])
}

fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRED_WITHIN)
        // Asking each time costs a round trip; one that was used a moment ago is as good as tested.
        .test_before_acquire(false)
        .before_acquire(|connection, rested| {
            Box::pin(async move {
                if rested.idle_for > TESTED_AFTER {
                    // One that has died in silence is given up, and the next one tried.
                    answers(connection).await?;
                }
                Ok(true)
            })
        })
        // sqlx asks then whether it lives, and waits for the answer without an end: one that has died in silence in the
        // middle of something would keep its place in the pool for a quarter of an hour.
        .after_release(|connection, _| {
            Box::pin(async move {
                let ready = timeout(READY_AGAIN_WITHIN, connection.flush()).await;
                ready.unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into()))).map(|()| true)
            })
        })
        .connect_lazy_with(options)
}

/// Whether a connection still answers, within a second.
async fn answers(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let pinged = timeout(TESTED_WITHIN, connection.ping()).await;
    pinged.unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into())))
}

/// A transaction. Dropped without [`commit`](Tx::commit) it is rolled back.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    wake: Wake,
    _long: Option<OwnedSemaphorePermit>,
}

impl Tx {
    /// Commits, and wakes the workers for what may have been enqueued.
    ///
    /// # Errors
    /// [`CommitError::Refused`] when a statement of the transaction failed, whoever made nothing of it; otherwise most mean
    /// that the outcome is *unknown*, never that nothing happened.
    pub async fn commit(mut self) -> Result<(), CommitError> {
        store::check_that_it_stands(&mut self.inner).await.map_err(CommitError::Refused)?;
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

/// Why a transaction was not committed, or not as far as we know (decision 10).
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The database refused, and nothing was kept.
    #[error("the transaction was refused at its end")]
    Refused(#[source] sqlx::Error),
    /// No answer came: it was committed, or it was not.
    #[error("it is not known whether the transaction was committed")]
    Unknown(#[source] sqlx::Error),
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> Self {
        // A session that goes on has said what became of its transaction.
        let answer = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
        match answer.map(PgDatabaseError::severity) {
            Some(PgSeverity::Error) => Self::Refused(error),
            _ => Self::Unknown(error),
        }
    }
}

/// For whoever tries again in any case.
impl From<CommitError> for sqlx::Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(error) | CommitError::Unknown(error) => error,
        }
    }
}
