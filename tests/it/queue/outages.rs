//! The database goes away and comes back, while workers run.

use std::time::Duration;

use common::queue::lease::LeaseSettings;
use tokio::time;

use super::{
    jobs::{Act, Play, Script, Stage},
    workers::{Queue, ends, until},
};
use crate::support::OwnCluster;

/// Shorter than the outages here.
const SHORT_LEASE: LeaseSettings =
    LeaseSettings { lease: Duration::from_secs(2), heartbeat: Duration::from_millis(500) };

const OUTAGE: Duration = Duration::from_secs(4);

#[tokio::test]
async fn workers_outlive_an_outage_longer_than_their_leases_and_their_jobs_keep_their_attempt() {
    let mut cluster = OwnCluster::start("outage").await;
    let queue = Queue::at(cluster.database(10).await).await;
    let stages: Vec<_> = (0..8).map(|_| Stage::new()).collect();
    let workers = [
        queue.start_with(4, |start| start.run.lease = SHORT_LEASE).await,
        queue.start_with(4, |start| start.run.lease = SHORT_LEASE).await,
    ];
    let acts = [Act::WaitThenEffect, Act::WaitThenNothing];
    for (stage, act) in stages.iter().zip(acts.into_iter().cycle()) {
        queue.enqueue(&Play(Script::new(stage, [act]))).await;
    }
    let running = || stages.iter().filter(|stage| stage.seen().at_once == 1).count();
    until("all run", async || running() == 8).await;

    cluster.crash();
    time::sleep(OUTAGE).await;
    // Some end while nobody can be told.
    for stage in stages.iter().filter(|stage| stages[1].id == stage.id || stages[3].id == stage.id) {
        stage.open(1);
    }
    time::sleep(Duration::from_millis(200)).await;
    cluster.begin().await;
    // Long enough that whoever would take something over has done so.
    time::sleep(SHORT_LEASE.lease * 2).await;
    stages.iter().for_each(|stage| stage.open(1));
    queue.drain().await;

    for stage in &stages {
        assert_eq!(stage.seen().begun, [1]);
    }
    let charged = "select count(*) from jobs where state <> 'done' or attempts <> 1";
    let charged: i64 = sqlx::query_scalar(charged).fetch_one(queue.pool()).await.unwrap();
    assert_eq!(charged, 0);
    // And they take jobs as before.
    let after = Stage::new();
    let id = queue.enqueue(&Play(Script::new(&after, [Act::Effect]))).await;
    queue.wait_for_state(id, "done").await;
    for worker in workers {
        worker.stop().await;
    }
    queue.finish().await;
}

#[tokio::test]
async fn a_worker_stops_while_the_database_is_away() {
    let mut cluster = OwnCluster::start("stop").await;
    let queue = Queue::at(cluster.database(10).await).await;
    let stages = [Stage::new(), Stage::new(), Stage::new()];
    let mut worker = queue
        .start_with(4, |start| {
            start.run.lease = SHORT_LEASE;
            start.run.grace = Duration::from_millis(100);
        })
        .await;
    for (stage, act) in stages.iter().zip([Act::WaitThenNothing, Act::WaitThenFail, Act::Hang]) {
        queue.enqueue(&Play(Script::new(stage, [act, Act::Effect]))).await;
    }
    until("they run", async || stages.iter().all(|stage| stage.seen().at_once == 1)).await;
    cluster.crash();
    stages.iter().for_each(|stage| stage.open(1));
    until("two have ended", async || stages.iter().filter(|stage| stage.seen().at_once == 0).count() == 2)
        .await;
    worker.ask_to_stop();
    ends("the stop", worker.ended()).await.unwrap();

    cluster.begin().await;
    let other = queue.start_with(4, |start| start.run.lease = SHORT_LEASE).await;
    queue.drain().await;
    assert_eq!(queue.count("done").await, 3);
    other.stop().await;
    queue.finish().await;
}
