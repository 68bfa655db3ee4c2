//! Being told to stop.

use std::time::Duration;

use super::{
    jobs::{Act, Opera, Play, Script, ShortPlay, Stage},
    workers::{Queue, ends, until},
};

#[tokio::test]
async fn jobs_that_run_may_finish_and_the_worker_is_forgotten() {
    let queue = Queue::create().await;
    let (stage, late) = (Stage::new(), Stage::new());
    let mut worker = queue.start(2).await;
    let ids = queue.enqueue_all(&vec![Play(Script::new(&stage, [Act::WaitThenEffect])); 2]).await;
    until("they run", async || stage.seen().at_once == 2).await;
    worker.ask_to_stop();
    // While they finish, their slots go to nobody.
    let never = queue.enqueue_all(&vec![Play(Script::new(&late, [Act::Effect])); 3]).await;
    let never_either = queue.enqueue_all(&vec![Opera(Script::new(&late, [Act::Effect])); 3]).await;
    stage.open(1);
    worker.ended().await.unwrap();
    for id in ids {
        assert_eq!(queue.job(id).await.state, "done");
    }
    for id in never.into_iter().chain(never_either) {
        let job = queue.job(id).await;
        assert!(job.state == "done" || (job.state.as_str(), job.attempts) == ("ready", 0), "{job:?}");
    }
    assert!(queue.workers().await.is_empty());
    assert_eq!(queue.count("running").await, 0);
    queue.finish().await;
}

#[tokio::test]
async fn while_the_last_jobs_finish_nothing_more_is_claimed() {
    let queue = Queue::create().await;
    let (long, quick, late) = (Stage::new(), Stage::new(), Stage::new());
    let mut worker = queue.start(2).await;
    queue.enqueue(&Play(Script::new(&long, [Act::WaitThenEffect]))).await;
    let first = queue.enqueue(&Play(Script::new(&quick, [Act::WaitThenEffect]))).await;
    until("they run", async || long.seen().at_once + quick.seen().at_once == 2).await;
    worker.ask_to_stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    quick.open(1);
    queue.wait_for_state(first, "done").await;
    let waiting = queue.enqueue(&Play(Script::new(&late, [Act::Effect]))).await;
    // Another worker has it, though the first still runs.
    let other = queue.start(1).await;
    let job = queue.wait_for_state(waiting, "done").await;
    assert_eq!((job.attempts, long.seen().at_once), (1, 1));
    long.open(1);
    worker.ended().await.unwrap();
    other.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn what_does_not_finish_within_the_grace_is_handed_back_uncharged() {
    let queue = Queue::create().await;
    let stages = [Stage::new(), Stage::new(), Stage::new()];
    let worker = queue.start_with(4, |start| start.run.grace = Duration::from_millis(100)).await;
    let acts = [Act::Hang, Act::PanicWhenDropped, Act::WaitThenFail];
    let mut ids = Vec::new();
    for (stage, act) in stages.iter().zip(acts) {
        ids.push(queue.enqueue(&Play(Script::new(stage, [act]))).await);
    }
    until("they run", async || stages.iter().all(|stage| stage.seen().at_once == 1)).await;
    worker.stop().await;
    for id in ids {
        let job = queue.job(id).await;
        assert_eq!((job.state.as_str(), job.attempts, job.lock_by), ("ready", 0, None));
    }
    assert!(queue.workers().await.is_empty());
    assert!(stages.iter().all(|stage| stage.seen().at_once == 0));
    queue.finish().await;
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_storm_leaves_nothing_running_and_charges_nothing() {
    let queue = Queue::create().await;
    let stages: Vec<_> = (0..300).map(|_| Stage::new()).collect();
    let jobs: Vec<_> = stages.iter().map(|stage| Play(Script::new(stage, [Act::Effect]))).collect();
    queue.enqueue_all(&jobs).await;
    for round in 1..=6 {
        let worker = queue.start(16).await;
        until("some are done", async || queue.count("done").await >= round * 30).await;
        worker.stop().await;
        assert_eq!(queue.count("running").await, 0);
        assert!(queue.workers().await.is_empty());
    }
    let charged = "select count(*) from jobs where attempts <> (state = 'done')::int";
    let charged: i64 = sqlx::query_scalar(charged).fetch_one(queue.pool()).await.unwrap();
    assert_eq!(charged, 0);
    let worker = queue.start(16).await;
    queue.drain().await;
    worker.stop().await;
    for stage in &stages {
        assert_eq!(queue.effects(stage).await, 1);
    }
    queue.finish().await;
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_before_it_began_stops() {
    let queue = Queue::create().await;
    for _ in 0..10 {
        let mut worker = queue.start(2).await;
        worker.ask_to_stop();
        worker.ended().await.unwrap();
    }
    assert!(queue.workers().await.is_empty());
    queue.finish().await;
}

#[tokio::test]
async fn a_death_that_cannot_be_written_does_not_keep_the_worker_from_stopping() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let worker = queue.start(2).await;
    let mut tx = queue.db.begin().await.unwrap();
    sqlx::query("lock table deaths").execute(&mut *tx).await.unwrap();
    let id = queue.enqueue(&ShortPlay(Script::new(&stage, [Act::GiveUp("late".to_owned())]))).await;
    until("it has given up", async || stage.seen().ended.len() == 1).await;
    ends("the stop", worker.stop()).await;
    drop(tx);
    let job = queue.job(id).await;
    // Either its death came through in the end, or somebody else begins anew.
    assert!(["ready", "dead"].contains(&job.state.as_str()), "{job:?}");
    queue.finish().await;
}
