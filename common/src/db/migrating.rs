//! Bringing a database to this build's schema.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, PgConnection, migrate};

use super::{
    Db, MIGRATOR,
    store::{self, Applied},
};

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
    /// Some are missing beneath newer ones.
    #[error("the schema lacks migration {}, though newer ones were applied: run `api migrate`", numbers(.0))]
    Gap(Vec<i64>),
    /// Some were applied that are others than this build's.
    #[error(
        "migration {} was applied with another text than this build has: the database belongs to another build",
        numbers(.0)
    )]
    Changed(Vec<i64>),
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
        // No migration is slow, whatever it takes, and the log has no use for its text.
        let options = self.pool.connect_options().as_ref().clone().disable_statement_logging();
        let mut connection = PgConnection::connect_with(&options).await?;
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

/// Whether everything that this build wants was applied, as this build has it.
pub(super) fn compare(applied: &[Applied]) -> Result<(), MigrateError> {
    let newest = applied.iter().map(|(version, _)| *version).max().unwrap_or(0);
    let (mut missing, mut changed, mut wanted) = (Vec::new(), Vec::new(), 0);
    for migration in MIGRATOR.iter() {
        wanted = wanted.max(migration.version);
        match applied.iter().find(|(version, _)| *version == migration.version) {
            None => missing.push(migration.version),
            Some((version, checksum)) if *checksum != *migration.checksum => changed.push(*version),
            Some(_) => {}
        }
    }
    if !changed.is_empty() {
        return Err(MigrateError::Changed(changed));
    }
    match missing.first() {
        None => Ok(()),
        Some(first) if *first < newest => Err(MigrateError::Gap(missing)),
        Some(_) => Err(MigrateError::Behind { applied: newest, wanted }),
    }
}

fn numbers(versions: &[i64]) -> String {
    let numbers: Vec<_> = versions.iter().map(i64::to_string).collect();
    numbers.join(", ")
}

fn is_locked_out(error: &migrate::MigrateError) -> bool {
    let (migrate::MigrateError::Execute(error) | migrate::MigrateError::ExecuteMigration(error, _)) = error
    else {
        return false;
    };
    error.as_database_error().and_then(|error| error.code()).as_deref() == Some(LOCK_NOT_AVAILABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Applied> {
        MIGRATOR.iter().map(|migration| (migration.version, migration.checksum.to_vec())).collect()
    }

    #[test]
    fn what_is_missing_or_was_changed_is_named() {
        let newest = all().len();
        assert!(compare(&all()).is_ok());
        let without =
            |number: i64| all().into_iter().filter(|(version, _)| *version != number).collect::<Vec<_>>();
        assert!(matches!(compare(&without(7)), Err(MigrateError::Gap(missing)) if missing == [7]));
        let behind = compare(&all()[..newest - 1]);
        assert!(matches!(behind, Err(MigrateError::Behind { applied, .. }) if applied == newest as i64 - 1));
        let mut changed = all();
        changed[2].1.push(0);
        let refused = compare(&changed).unwrap_err();
        assert!(refused.to_string().starts_with("migration 3 was applied with another text"), "{refused}");
    }

    #[test]
    fn a_newer_release_may_have_migrated_already() {
        let mut newer = all();
        newer.push((9_999, vec![1]));
        assert!(compare(&newer).is_ok());
    }
}
