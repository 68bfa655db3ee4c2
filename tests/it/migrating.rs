//! Bringing a database to the newest schema, however large it is and whoever uses it meanwhile.

use std::time::Duration;

use common::db::{Db, MigrateError};

use crate::support::TestDatabase;

/// Refuses every change of the schema by a session whose statements may be cut off.
const NO_DEADLINE: &str = "
    create function no_deadline() returns event_trigger language plpgsql as
    $$ begin
        if current_setting('statement_timeout') <> '0' then
            raise 'it may take % only', current_setting('statement_timeout');
        end if;
    end $$;
    create event trigger no_deadline on ddl_command_start execute function no_deadline();";

#[tokio::test]
async fn a_migration_may_take_as_long_as_it_takes() {
    let database = TestDatabase::empty("UTF8", "C.UTF-8").await;
    let db = Db::new(&database.settings(2).await).unwrap();
    sqlx::raw_sql(NO_DEADLINE).execute(db.pool()).await.unwrap();
    assert!(matches!(db.check_ready().await, Err(MigrateError::Behind { applied: 0, .. })));
    db.migrate().await.unwrap();
    db.check_ready().await.unwrap();
    db.close().await;
    database.drop().await;
}

#[tokio::test]
async fn a_migration_waits_for_a_table_in_use_longer_than_for_one_lock() {
    let database = TestDatabase::empty("UTF8", "C.UTF-8").await;
    let db = Db::new(&database.settings(4).await).unwrap();
    sqlx::raw_sql(
        "create table _sqlx_migrations (version bigint primary key, description text not null,
        installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null,
        execution_time bigint not null)",
    )
    .execute(db.pool())
    .await
    .unwrap();
    let mut using = db.begin().await.unwrap();
    sqlx::raw_sql("lock table _sqlx_migrations in access exclusive mode").execute(&mut *using).await.unwrap();
    let migrating = db.migrate();
    let until = async |waits: bool| {
        let statement = "select exists (select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock')";
        while waits != sqlx::query_scalar::<_, bool>(statement).fetch_one(db.pool()).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_use = async {
        until(true).await;
        until(false).await;
        using.commit().await.unwrap();
    };
    let (migrated, ()) = tokio::join!(migrating, in_use);
    migrated.unwrap();
    db.check_ready().await.unwrap();
    db.close().await;
    database.drop().await;
}
