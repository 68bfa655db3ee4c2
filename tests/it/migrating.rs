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

#[tokio::test]
async fn a_gap_in_the_schema_and_a_migration_of_another_build_are_named() {
    let database = TestDatabase::create().await;
    let db = Db::new(&database.settings(2).await).unwrap();
    let change = async |statement: &'static str| sqlx::query(statement).execute(db.pool()).await.unwrap();
    db.check_ready().await.unwrap();
    change("update _sqlx_migrations set success = false where version = 5").await;
    assert!(matches!(db.check_ready().await, Err(MigrateError::Gap(missing)) if missing == [5]));
    change("update _sqlx_migrations set success = true, checksum = '\\x00' where version in (5, 7)").await;
    let refused = db.check_ready().await.unwrap_err().to_string();
    assert!(refused.starts_with("migration 5, 7 was applied with another text"), "{refused}");
    db.close().await;
    database.drop().await;
}
