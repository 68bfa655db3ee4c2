//! Waking workers: one coalesced NOTIFY after commits on one side, LISTEN and a tick on the other.
//!
//! A NOTIFY inside the enqueuing transaction takes a lock that all such commits share, so it is sent after
//! the commit, on a connection of its own, and once for all that was committed meanwhile. One that is lost
//! costs at most the tick.

use std::{sync::Arc, time::Duration};

use sqlx::{
    Acquire, Connection, PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{
    sync::{Notify, watch},
    time,
};

use super::{
    deadline::{ANSWERED_WITHIN, no_answer},
    store::{self, CHANNEL},
};

/// For how long nothing may be heard before the connection is asked whether it lives.
const SILENCE: Duration = Duration::from_secs(30);

/// How often workers look without being woken.
const TICK: Duration = Duration::from_secs(1);

/// The bell that a commit rings.
#[derive(Clone, Debug)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Starts the task that passes rings on to the workers; it ends with the last clone.
    pub(crate) fn start(pool: PgPool) -> Self {
        let bell = Arc::new(Notify::new());
        let rung = Arc::downgrade(&bell);
        tokio::spawn(async move {
            while let Some(bell) = rung.upgrade() {
                // Bounded, so that the task sees the last clone go.
                if time::timeout(TICK, bell.notified()).await.is_err() {
                    continue;
                }
                let notified = time::timeout(ANSWERED_WITHIN, store::notify(&pool)).await;
                if let Err(error) = notified.unwrap_or_else(|_| Err(no_answer())) {
                    tracing::debug!(%error, "workers were not woken; their tick will find the jobs");
                }
            }
        });
        Self(bell)
    }

    /// Wakes the workers, soon; many rings at once become one.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

/// The alarm that a worker sleeps by: it goes off at each ring of any process, and at each tick.
#[derive(Clone, Debug)]
pub struct Alarm(watch::Receiver<u64>);

impl Alarm {
    /// Starts listening, and reconnects for ever; it ends with the last clone.
    #[must_use]
    pub fn start(pool: &PgPool) -> Self {
        let (sender, receiver) = watch::channel(0);
        let options = pool.connect_options();
        tokio::spawn(async move {
            while !sender.is_closed() {
                if let Err(error) = listen(&options, &sender).await {
                    tracing::debug!(%error, "listening for jobs was interrupted");
                }
                sender.send_modify(|rings| *rings += 1);
                time::sleep(TICK).await;
            }
        });
        Self(receiver)
    }

    /// Returns at the next ring or tick; at once when there was one since the last call.
    pub async fn wait(&mut self) {
        // An elapsed tick and a closed channel are reasons to look, too.
        match time::timeout(TICK, self.0.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(_)) => time::sleep(TICK).await,
        }
    }
}

/// Listens, over a connection that jobs cannot take and that is none of an earlier try's.
async fn listen(options: &PgConnectOptions, sender: &watch::Sender<u64>) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ANSWERED_WITHIN);
    let mut listener = PgListener::connect_with(&pool.connect_lazy_with(options.clone())).await?;
    listener.listen(CHANNEL).await?;
    // What was announced before was not heard.
    sender.send_modify(|rings| *rings += 1);
    loop {
        tokio::select! {
            heard = time::timeout(SILENCE, listener.recv()) => match heard {
                Ok(notification) => {
                    notification?;
                    sender.send_modify(|rings| *rings += 1);
                }
                Err(_) => is_alive(&mut listener).await?,
            },
            () = sender.closed() => return Ok(()),
        }
    }
}

async fn is_alive(listener: &mut PgListener) -> Result<(), sqlx::Error> {
    let asked = async { listener.acquire().await?.ping().await };
    time::timeout(ANSWERED_WITHIN, asked).await.unwrap_or_else(|_| Err(no_answer()))
}
