//! What the janitor throws away, what it leaves, and when it comes.

use common::{
    janitor::jobs::CleanUp,
    queue::{self, Enqueued, schedule::Schedule},
};
use serde_json::{Value, json};
use time::Duration;

use crate::support::{TestApp, price_list};

/// Lets the janitor come.
async fn clean_up(app: &TestApp) {
    let mut tx = app.worker_db().begin().await.unwrap();
    let job = CleanUp { tick: app.clock().now() };
    assert!(matches!(queue::enqueue(&mut tx, &job).await.unwrap(), Enqueued::Inserted(_)));
    tx.commit().await.unwrap();
    app.drain_jobs().await;
}

/// How many rows there are, by what the janitor looks at.
async fn rows(app: &TestApp) -> Vec<(String, i64)> {
    sqlx::query_as(
        "select 'keys', count(*) from idempotency_keys
         union all select 'tokens', (select count(*) from one_time_tokens) + (select count(*) from refresh_tokens)
         union all select 'sessions', count(*) from sessions
         union all select 'personal messages', count(*) from email_messages where data <> '{}'
         union all select 'rows of imports', count(*) from price_import_rows
         union all select 'jobs', count(*) from jobs where state = 'done' and kind <> 'clean_up'
         union all select 'notices', count(*) from payment_notices",
    )
    .fetch_all(app.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn what_was_kept_long_enough_is_thrown_away_and_every_invariant_still_holds() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон А", "100", 10)]);
    app.supplier("Связной").with_price_list(goods).create().await;
    let buyer = app.buyer().with_basket([("A", 2)]).create().await;
    let order = json!({ "payment_method": "invoice", "address": crate::support::address() });
    let request = buyer.request(reqwest::Method::POST, "/api/v1/orders").header("Idempotency-Key", "once");
    crate::support::Answer::to(request.json(&order)).await.assert_status(201);
    sqlx::query("insert into payment_notices values ('yookassa', 'x', 'payment.succeeded', 1, now(), now())")
        .execute(app.pool())
        .await
        .unwrap();
    app.drain_jobs().await;

    let before = rows(&app).await;
    assert!(before.iter().all(|(_, count)| *count > 0), "there is something of each: {before:?}");
    clean_up(&app).await;
    assert_eq!(rows(&app).await, before, "nothing is old");

    app.clock().advance(Duration::hours(25));
    clean_up(&app).await;
    let after_a_day = rows(&app).await;
    assert_eq!(after_a_day[0], ("keys".to_owned(), 0));
    assert_eq!(after_a_day[1..], before[1..]);

    app.clock().advance(Duration::days(800));
    clean_up(&app).await;
    let left: Vec<_> = rows(&app).await.into_iter().filter(|(_, count)| *count > 0).collect();
    assert!(left.is_empty(), "{left:?}");
    let recipients: Vec<String> = sqlx::query_scalar("select distinct recipient from email_messages")
        .fetch_all(app.pool())
        .await
        .unwrap();
    assert!(recipients.iter().all(|recipient| recipient.ends_with("@closed.invalid")), "{recipients:?}");
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_over_is_never_thrown_away() {
    let app = TestApp::start().await;
    app.stop_worker().await;
    app.post("/api/v1/auth/register", crate::support::registration("anna@example.com"))
        .await
        .assert_status(202);
    app.clock().advance(Duration::days(800));
    // A letter that waits, its message and its job.
    let mut tx = app.pool().begin().await.unwrap();
    for litter in common::janitor::Litter::ALL {
        let keep = common::janitor::Retention::default();
        common::janitor::sweep(&mut tx, litter, &keep, app.clock().now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    app.start_worker().await;
    assert_eq!(app.mailbox("anna@example.com").await.about("Подтвердите").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_tick_has_one_job_however_many_look_at_the_clock() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let schedule = Schedule::of::<CleanUp>();
    let look_at_once = async || {
        let looks = (0..8).map(|_| schedule.tick(app.worker_db()));
        let ticks = futures_util::future::join_all(looks).await;
        ticks.into_iter().filter_map(|tick| tick.unwrap()).collect::<Vec<_>>()
    };
    let first = look_at_once().await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].unix_timestamp() % 3_600, 0, "{}", first[0]);
    app.drain_jobs().await;
    // Its job is done; that tick is over all the same.
    assert!(look_at_once().await.is_empty());
    sqlx::query("update schedules set last_tick = last_tick - interval '5 hours'")
        .execute(app.pool())
        .await
        .unwrap();
    assert_eq!(look_at_once().await, first, "what was missed is made up for once");
    app.drain_jobs().await;

    let listed = staff.get("/api/v1/admin/schedules").await.assert_status(200).json();
    let item = &listed["items"][0];
    assert_eq!((&item["schedule"], &item["every_s"]), (&json!("clean_up"), &json!(3_600)));
    assert_eq!(item["last_job_status"], "done", "{listed}");
    let jobs: Vec<Value> = sqlx::query_scalar("select payload from jobs where kind = 'clean_up'")
        .fetch_all(app.pool())
        .await
        .unwrap();
    assert_eq!(jobs.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn the_ledgers_have_their_partitions_ahead() {
    let app = TestApp::start().await;
    let partitions = async || -> i64 {
        let statement = "select count(*) from pg_inherits where inhparent = 'stock_movements'::regclass";
        sqlx::query_scalar(statement).fetch_one(app.pool()).await.unwrap()
    };
    let before = partitions().await;
    clean_up(&app).await;
    let after = partitions().await;
    assert!(after >= 13 && after > before, "{before}, {after}");
    clean_up(&app).await;
    assert_eq!(partitions().await, after);
    app.finish().await;
}
