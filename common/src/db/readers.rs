//! Connections for short reads, which are most of what the API does.
//!
//! sqlx's pool asks the server at every taking and giving back of a connection whether it still lives: three round trips
//! for a read of one statement. The connections here stay taken. One that was used a moment ago is used again as it is,
//! as long as its reader [says](Reader::keep) that it served well; any other goes back to the pool, which tests it.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ACQUIRED_WITHIN;

/// How long a connection may have rested to be trusted.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// The connections, of a pool that transactions take theirs of too; cloning is cheap.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    pool: PgPool,
    kept: Arc<Mutex<Vec<Kept>>>,
    permits: Arc<Semaphore>,
    /// How many are kept: transactions must never wait for one that nobody uses.
    at_most: usize,
}

#[derive(Debug)]
struct Kept {
    connection: PoolConnection<Postgres>,
    since: Instant,
}

impl Readers {
    /// Up to a half of the pool's connections: reads are short, and so many serve more of them than the database can
    /// answer at once.
    pub(super) fn new(pool: PgPool) -> Self {
        let half = pool.options().get_max_connections() / 2;
        let at_most = usize::try_from(half).unwrap_or(Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(at_most.max(1)));
        Self { pool, kept: Arc::default(), permits, at_most }
    }

    /// Takes one.
    pub(super) async fn take(&self) -> Result<Reader, sqlx::Error> {
        let permit = tokio::time::timeout(ACQUIRED_WITHIN, Arc::clone(&self.permits).acquire_owned());
        let permit = permit.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
        let connection = match self.last_kept() {
            Some(kept) if kept.since.elapsed() < TRUSTED_FOR && !self.pool.is_closed() => kept.connection,
            // Tested on its way into the pool, which then has one to give.
            Some(mut kept) => {
                kept.connection.return_to_pool().await;
                self.pool.acquire().await?
            }
            None => self.pool.acquire().await?,
        };
        Ok(Reader { connection, readers: self.clone(), _permit: permit })
    }

    /// Gives back what is kept, and takes no more.
    pub(super) async fn close(&self) {
        self.permits.close();
        while let Some(mut kept) = self.last_kept() {
            kept.connection.return_to_pool().await;
        }
    }

    fn last_kept(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// A connection for one read.
#[derive(Debug)]
pub struct Reader {
    connection: PoolConnection<Postgres>,
    readers: Readers,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// It served well: whoever reads next may have it as it is. Without this it is tested first.
    pub fn keep(self) {
        let Self { connection, readers, _permit } = self;
        if !readers.permits.is_closed() && readers.at_most > 0 {
            let kept = Kept { connection, since: Instant::now() };
            readers.kept.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        }
    }
}

impl Deref for Reader {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
