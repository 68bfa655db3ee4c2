//! Connections that die in silence: nobody says that they are gone, and nobody answers.

use std::time::Duration;

use common::{config::DatabaseSettings, db::Db, queue::lease::LeaseSettings};
use local_stack::line::Line;

use super::{
    jobs::{Act, Play, Script, Stage},
    workers::{Queue, until},
};

/// Shorter than a dead connection would be waited for.
const LEASE: LeaseSettings =
    LeaseSettings { lease: Duration::from_secs(6), heartbeat: Duration::from_secs(1) };

#[tokio::test]
async fn a_worker_outlives_the_silent_death_of_all_its_connections() {
    let queue = Queue::create().await;
    let line = Line::to(queue.url()).unwrap();
    let (long, outcome, after) = (Stage::new(), Stage::new(), Stage::new());
    let (url, watching) = (line.url(queue.url()), queue.start(1).await);
    let worker = queue
        .start_with(3, |start| {
            start.url = url;
            start.run.lease = LEASE;
        })
        .await;
    // The watcher would take over from it, and is kept from taking anything else.
    let kept = Stage::new();
    queue.enqueue(&Play(Script::new(&kept, [Act::WaitThenEffect]))).await;
    let long_id = queue.enqueue(&Play(Script::new(&long, [Act::WaitThenEffect]))).await;
    let outcome_id = queue.enqueue(&Play(Script::new(&outcome, [Act::WaitThenNothing]))).await;
    until("all run", async || [&kept, &long, &outcome].iter().all(|stage| stage.seen().at_once == 1)).await;
    let holder = queue.job(long_id).await.lock_by;

    assert!(line.fall_silent() >= 2, "it has no connections");
    outcome.open(1);
    // Its outcome is written, and more is claimed, over connections that are made anew.
    queue.wait_for_state(outcome_id, "done").await;
    let more: Vec<_> = (0..4).map(|_| Play(Script::new(&after, [Act::Effect]))).collect();
    queue.enqueue_all(&more).await;
    until("they are done", async || queue.effects(&after).await == 4).await;
    assert_eq!(queue.job(long_id).await.lock_by, holder, "its lease has ended");
    assert_eq!((long.seen().begun, outcome.seen().begun), (vec![1], vec![1]));
    // An attempt may still meet a dead connection, and then there is a next one.
    long.open(u16::MAX);
    kept.open(u16::MAX);
    queue.drain().await;
    for stage in [&long, &kept] {
        assert_eq!(queue.effects(stage).await, 1);
    }
    for worker in [worker, watching] {
        worker.stop().await;
    }
    queue.finish().await;
}

#[tokio::test]
async fn a_connection_that_dies_in_use_costs_the_pool_no_place() {
    let queue = Queue::create().await;
    let line = Line::to(queue.url()).unwrap();
    let db = Db::new(&DatabaseSettings { url: line.url(queue.url()), max_connections: 2 }).unwrap();
    // One in a transaction, one in the middle of a statement that nobody waits for any more, as when a request ends early.
    let mut open = db.begin().await.unwrap();
    sqlx::query("select 1").execute(&mut *open).await.unwrap();
    let mut asking = db.begin().await.unwrap();
    let asked = sqlx::query("select pg_sleep(600)").execute(&mut *asking);
    assert!(tokio::time::timeout(Duration::from_millis(200), asked).await.is_err());
    assert_eq!(line.fall_silent(), 2);
    drop((open, asking));
    let mut held = Vec::new();
    until("both places can be had again", async || {
        held.extend(db.begin().await);
        held.len() == 2
    })
    .await;
    drop(held);
    db.close().await;
    queue.finish().await;
}
