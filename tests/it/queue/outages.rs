//! The database goes away and comes back, while workers run.

use std::time::Duration;

use common::queue::lease::LeaseSettings;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time;

use super::{
    jobs::{Act, Play, Script, Stage},
    workers::{Queue, ends, until},
};
use crate::support::OwnCluster;

/// Shorter than most outages here.
const SHORT_LEASE: LeaseSettings =
    LeaseSettings { lease: Duration::from_secs(2), heartbeat: Duration::from_millis(500) };

/// How the database goes away, and for how long.
#[derive(Clone, Copy, Debug)]
enum Outage {
    /// It ends, and is started again.
    Crash(Duration),
    /// It stands still: connections stay, and nobody answers.
    Freeze(Duration),
}

impl Outage {
    /// Takes it away, lets something happen meanwhile, and brings it back.
    async fn strike(self, cluster: &mut OwnCluster, meanwhile: impl FnOnce()) {
        let (Self::Crash(length) | Self::Freeze(length)) = self;
        let frozen = cluster.process_ids();
        match self {
            Self::Crash(_) => cluster.crash(),
            Self::Freeze(_) => frozen.iter().for_each(|process| signal(*process, Signal::STOP)),
        }
        time::sleep(length).await;
        meanwhile();
        time::sleep(Duration::from_millis(200)).await;
        match self {
            Self::Crash(_) => cluster.begin().await,
            Self::Freeze(_) => frozen.iter().for_each(|process| signal(*process, Signal::CONT)),
        }
    }
}

fn signal(process: u32, signal: Signal) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw).unwrap();
    // One that has ended meanwhile has nothing to hear.
    _ = kill_process(process, signal);
}

#[tokio::test]
async fn workers_outlive_outages_of_any_length_and_their_jobs_keep_their_attempt() {
    let mut cluster = OwnCluster::start("outage").await;
    let queue = Queue::at(cluster.database(10).await).await;
    let workers = [
        queue.start_with(4, |start| start.run.lease = SHORT_LEASE).await,
        queue.start_with(4, |start| start.run.lease = SHORT_LEASE).await,
    ];
    let (short, longer_than_a_lease) = (Duration::from_millis(100), SHORT_LEASE.lease * 2);
    for outage in [
        Outage::Crash(short),
        Outage::Crash(longer_than_a_lease),
        Outage::Freeze(short),
        Outage::Freeze(longer_than_a_lease),
    ] {
        let stages: Vec<_> = (0..8).map(|_| Stage::new()).collect();
        let acts = [Act::WaitThenEffect, Act::WaitThenNothing];
        for (stage, act) in stages.iter().zip(acts.into_iter().cycle()) {
            queue.enqueue(&Play(Script::new(stage, [act]))).await;
        }
        let running = || stages.iter().filter(|stage| stage.seen().at_once == 1).count();
        until("all run", async || running() == 8).await;
        // Some end while nobody can be told.
        outage.strike(&mut cluster, || [1, 3].into_iter().for_each(|number| stages[number].open(1))).await;
        // Long enough that whoever would take something over has done so.
        time::sleep(SHORT_LEASE.lease * 2).await;
        stages.iter().for_each(|stage| stage.open(1));
        queue.drain().await;
        for stage in &stages {
            assert_eq!(stage.seen().begun, [1], "{outage:?}");
        }
    }
    let charged = "select count(*) from jobs where state <> 'done' or attempts <> 1";
    let charged: i64 = sqlx::query_scalar(charged).fetch_one(queue.pool()).await.unwrap();
    assert_eq!(charged, 0);
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
