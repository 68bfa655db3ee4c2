//! Bringing a database to this build's schema.

use std::time::Duration;

use sqlx::{Connection, PgConnection, migrate};

use super::{Db, MIGRATOR, store};

/// How often a migration is begun that finds what it changes in use: with the wait for a lock, for some six minutes.
const TRIES: u32 = 60;

/// How long others go on before it is begun again: whoever waits for a lock of the whole table holds them up.
const PAUSE: Duration = Duration::from_secs(1);

/// PostgreSQL's word for a lock that was not to be had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

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
    /// It does not answer in time.
    #[error("the database does not answer")]
    Silent,
    /// The database refused or was away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A migration failed, or one that was applied has changed since.
    #[error(transparent)]
    Migration(#[from] migrate::MigrateError),
}

impl Db {
    /// Applies the migrations that are missing, after making sure that the database can hold Cyrillic. Each may take as
    /// long as it takes, but holds others up for no longer than any statement while it waits for them.
    ///
    /// # Errors
    /// [`MigrateError`] with what to do about it.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        self.check_locale().await?;
        // Of its own: whatever becomes of it, its settings and sqlx's lock end with it.
        let mut connection = PgConnection::connect_with(self.pool.connect_options().as_ref()).await?;
        store::lift_statement_timeout(&mut connection).await?;
        for _ in 1..TRIES {
            match MIGRATOR.run(&mut connection).await {
                Err(error) if is_locked_out(&error) => {
                    tracing::info!("what is to be migrated is in use; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
                ended => {
                    ended?;
                    return Ok(connection.close().await?);
                }
            }
        }
        Ok(MIGRATOR.run(&mut connection).await?)
    }
}

fn is_locked_out(error: &migrate::MigrateError) -> bool {
    let (migrate::MigrateError::Execute(error) | migrate::MigrateError::ExecuteMigration(error, _)) = error
    else {
        return false;
    };
    error.as_database_error().and_then(|error| error.code()).as_deref() == Some(LOCK_NOT_AVAILABLE)
}
