//! Databases for tests: one cluster for the process, one migrated template, and a copy of it for each test.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use common::{config::DatabaseSettings, db::MIGRATOR};
use local_stack::postgres::{Options, Postgres};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

/// The databases of tests begin so; the leftovers of a run that was killed are known by it.
const PREFIX: &str = "it_";

/// Many tests at once, each with the pools of an API and of a worker.
const MAX_CONNECTIONS: u16 = 400;

/// The ledgers' partitions of later years.
const LATER_MONTHS: &str = "_20(2[7-9]|[3-9][0-9])_[0-9]{2}$";

struct Cluster {
    postgres: Postgres,
    template: String,
    databases: AtomicU32,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

impl Cluster {
    async fn get() -> &'static Self {
        CLUSTER.get_or_init(|| async { Self::start().await.expect("the cluster of the tests") }).await
    }

    async fn start() -> anyhow::Result<Self> {
        let data_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.data/test-pg");
        let options = Options { max_connections: MAX_CONNECTIONS, ..Options::for_tests(data_dir) };
        let postgres = Postgres::start(options).await?;
        let template = template_name();
        drop_leftovers(&postgres, &template).await?;
        if !postgres.has_database(&template).await? {
            // Under another name until it is whole.
            let unfinished = format!("{template}_unfinished");
            postgres.create_database(&unfinished, None).await?;
            let mut connection = PgConnection::connect(&postgres.url(&unfinished)).await?;
            MIGRATOR.run_direct(None, &mut connection, false).await?;
            drop_later_months(&mut connection).await?;
            connection.close().await?;
            postgres.create_database(&template, Some(&unfinished)).await?;
            postgres.drop_database(&unfinished).await?;
        }
        Ok(Self { postgres, template, databases: AtomicU32::new(0) })
    }
}

/// The template's name changes with what is in it, so that an old one is never taken for it.
fn template_name() -> String {
    let mut hash = DefaultHasher::new();
    LATER_MONTHS.hash(&mut hash);
    for migration in MIGRATOR.iter() {
        (migration.version, &migration.checksum).hash(&mut hash);
    }
    format!("{PREFIX}template_{:016x}", hash.finish())
}

/// Most of a copy's time goes into the hundreds of empty files of the ledgers' later months. What falls there goes to
/// the partition for the rest.
async fn drop_later_months(connection: &mut PgConnection) -> anyhow::Result<()> {
    let statement =
        "select oid::regclass::text from pg_class where relispartition and relkind = 'r' and relname ~ $1";
    let months: Vec<String> =
        sqlx::query_scalar(statement).bind(LATER_MONTHS).fetch_all(&mut *connection).await?;
    for month in months {
        sqlx::raw_sql(AssertSqlSafe(format!("drop table {month}"))).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn drop_leftovers(postgres: &Postgres, template: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(&postgres.url("postgres")).await?;
    let names: Vec<String> = sqlx::query_scalar(
        "select datname::text from pg_database where starts_with(datname, $1) and datname <> $2",
    )
    .bind(PREFIX)
    .bind(template)
    .fetch_all(&mut connection)
    .await?;
    for name in names {
        sqlx::raw_sql(AssertSqlSafe(format!("drop database \"{name}\" with (force)")))
            .execute(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok(())
}

/// A database of one test.
pub struct TestDatabase {
    name: String,
    /// Where it is, when it is in a cluster of the test's own.
    elsewhere: Option<DatabaseSettings>,
}

impl TestDatabase {
    /// Makes one, migrated and empty.
    pub async fn create() -> Self {
        let cluster = Cluster::get().await;
        let name = format!("{PREFIX}{}", cluster.databases.fetch_add(1, Ordering::Relaxed));
        let made = cluster.postgres.create_database(&name, Some(&cluster.template)).await;
        made.expect("a database of its own");
        Self { name, elsewhere: None }
    }

    /// Makes one of this encoding and locale, without our schema.
    pub async fn empty(encoding: &str, locale: &str) -> Self {
        let cluster = Cluster::get().await;
        let name = format!("{PREFIX}{}", cluster.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection =
            PgConnection::connect(&cluster.postgres.url("postgres")).await.expect("the cluster");
        let statement =
            format!("create database {name} template template0 encoding '{encoding}' locale '{locale}'");
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .expect("a database of its own");
        connection.close().await.expect("the connection ends");
        Self { name, elsewhere: None }
    }

    /// One in a cluster of the test's own, which goes with it.
    pub fn elsewhere(settings: DatabaseSettings) -> Self {
        Self { name: String::new(), elsewhere: Some(settings) }
    }

    /// How to reach it, with a pool of so many connections.
    pub async fn settings(&self, max_connections: u32) -> DatabaseSettings {
        if let Some(settings) = &self.elsewhere {
            return DatabaseSettings { max_connections, ..settings.clone() };
        }
        DatabaseSettings { url: Cluster::get().await.postgres.url(&self.name), max_connections }
    }

    /// Removes it. That of a test that failed stays, to be looked at, until the next run.
    pub async fn drop(self) {
        if self.elsewhere.is_some() {
            return;
        }
        let cluster = Cluster::get().await;
        cluster.postgres.drop_database(&self.name).await.expect("the test's database is dropped");
    }
}
