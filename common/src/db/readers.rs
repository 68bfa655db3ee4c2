//! Connections for short reads, which are most of what the API does.
//!
//! sqlx's pool asks the server at every taking and giving back of a connection whether it still lives: three round trips
//! for a read of one statement. The connections here stay taken. One that was used a moment ago is used again as it is,
//! as long as its reader [says](Reader::keep) that it served well; any other goes back to the pool, which tests it. So do
//! those that nobody has used for a second: others may need them.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ACQUIRED_WITHIN, answers};

/// How long a connection may have rested to be trusted.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// The connections, of a pool that others may take theirs of too; cloning is cheap.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    pool: PgPool,
    kept: Arc<Mutex<Vec<Kept>>>,
    permits: Arc<Semaphore>,
    keeps: bool,
}

#[derive(Debug)]
struct Kept {
    connection: PoolConnection<Postgres>,
    since: Instant,
}

impl Readers {
    /// At most so many at once; of none, one at a time, which is not kept.
    pub(super) fn new(pool: PgPool, at_most: u32) -> Self {
        let permits = usize::try_from(at_most).unwrap_or(Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(permits.max(1)));
        let readers = Self { pool, kept: Arc::default(), permits, keeps: at_most > 0 };
        tokio::spawn(give_back_what_rests(Arc::downgrade(&readers.kept)));
        readers
    }

    /// Takes one.
    pub(super) async fn take(&self) -> Result<Reader, sqlx::Error> {
        let permit = tokio::time::timeout(ACQUIRED_WITHIN, Arc::clone(&self.permits).acquire_owned());
        let permit = permit.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
        let connection = match self.last_kept() {
            Some(kept) if kept.since.elapsed() < TRUSTED_FOR && !self.pool.is_closed() => kept.connection,
            // The pool then has one to give, or the room for one.
            Some(kept) => {
                give_back(kept).await;
                self.pool.acquire().await?
            }
            None => self.pool.acquire().await?,
        };
        Ok(Reader { connection, readers: self.clone(), _permit: permit })
    }

    /// Gives back what is kept, and takes no more.
    pub(super) async fn close(&self) {
        self.permits.close();
        while let Some(kept) = self.last_kept() {
            give_back(kept).await;
        }
        self.pool.close().await;
    }

    /// How many are kept, and used by nobody.
    pub(super) fn resting(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Where they come from.
    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    fn last_kept(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// Gives back, time and again, what nobody has used of late; ends with the last of those who use it.
async fn give_back_what_rests(kept: Weak<Mutex<Vec<Kept>>>) {
    loop {
        tokio::time::sleep(TRUSTED_FOR).await;
        let Some(kept) = kept.upgrade() else { return };
        // The one that was used last is at the end.
        let rested: Vec<Kept> = {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = kept.iter().position(|kept| kept.since.elapsed() < TRUSTED_FOR).unwrap_or(kept.len());
            kept.drain(..fresh).collect()
        };
        for kept in rested {
            give_back(kept).await;
        }
    }
}

/// Gives a connection back that has rested, unless it has died meanwhile.
async fn give_back(mut kept: Kept) {
    match answers(&mut kept.connection).await {
        Ok(()) => kept.connection.return_to_pool().await,
        Err(_) => kept.connection.close_on_drop(),
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
        if !readers.permits.is_closed() && readers.keeps {
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
