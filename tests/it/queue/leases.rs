//! Whose job it is: fences, and taking over from workers that died.

use std::time::Duration;

use super::{
    jobs::{Act, Funeral, Opera, Play, Script, Stage},
    workers::{Queue, until},
};

const LOST: &str = "the job is no longer this worker's";

#[tokio::test]
async fn a_worker_that_lost_its_job_keeps_nothing_and_the_effect_happens_once() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let worker = queue.start(2).await;
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::WaitThenEffect, Act::Effect]))).await;
    until("it runs", async || stage.seen().at_once == 1).await;
    queue.give_to("another", 3600, id, 2).await;
    stage.open(1);
    until("it has ended", async || stage.seen().ended.len() == 1).await;
    assert_eq!((stage.seen().ended, queue.effects(&stage).await), (vec![LOST.to_owned()], 0));
    assert_eq!(queue.job(id).await.lock_by.as_deref(), Some("another"));

    queue.expire("another").await;
    let job = queue.wait_for_state(id, "done").await;
    assert_eq!((job.attempts, queue.effects(&stage).await), (3, 1));
    assert_eq!(stage.seen().begun, [1, 3]);
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_worker_that_lost_its_job_says_nothing_about_it_any_more() {
    for act in [Act::WaitThenNothing, Act::WaitThenFail] {
        let queue = Queue::create().await;
        let (stage, next) = (Stage::new(), Stage::new());
        let worker = queue.start(1).await;
        let id = queue.enqueue(&Play(Script::new(&stage, [act]))).await;
        until("it runs", async || stage.seen().at_once == 1).await;
        queue.give_to("another", 3600, id, 3).await;
        let before = queue.job(id).await;
        stage.open(3);
        // Its slot is free once its outcome has been dealt with.
        let after = queue.enqueue(&Play(Script::new(&next, [Act::Effect]))).await;
        queue.wait_for_state(after, "done").await;
        assert_eq!(queue.job(id).await, before);
        worker.stop().await;
        assert_eq!(queue.job(id).await, before);
        queue.finish().await;
    }
}

#[tokio::test]
async fn an_attempt_that_was_taken_over_by_its_own_worker_has_no_say_in_the_next_one() {
    for late in [Act::WaitThenNothing, Act::WaitThenFail, Act::WaitThenEffect] {
        let queue = Queue::create().await;
        let (stage, next) = (Stage::new(), Stage::new());
        let worker = queue.start(2).await;
        let id = queue.enqueue(&Play(Script::new(&stage, [late, Act::WaitThenEffect]))).await;
        until("it runs", async || stage.seen().at_once == 1).await;
        // What a rescue does; the worker has come back meanwhile and claims again.
        queue.execute("update jobs set state = 'ready', lock_by = null where state = 'running'").await;
        until("both attempts run", async || stage.seen().at_once == 2).await;
        stage.open(1);
        until("the first has ended", async || stage.seen().ended.len() == 1).await;
        let after = queue.enqueue(&Play(Script::new(&next, [Act::Effect]))).await;
        queue.wait_for_state(after, "done").await;
        let job = queue.job(id).await;
        assert_eq!((job.state.as_str(), job.attempts), ("running", 2));
        assert_eq!(queue.effects(&stage).await, 0);
        stage.open(2);
        queue.wait_for_state(id, "done").await;
        assert_eq!((stage.seen().begun, queue.effects(&stage).await), (vec![1, 2], 1));
        worker.stop().await;
        queue.finish().await;
    }
}

#[tokio::test]
async fn an_attempt_that_waits_does_not_disturb_the_next_one_of_its_number() {
    let queue = Queue::create().await;
    let (stage, next) = (Stage::new(), Stage::new());
    let worker = queue.start(2).await;
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::FirstNotYet]))).await;
    until("it runs", async || stage.seen().at_once == 1).await;
    // As if a crash of the database had taken its claim back, or it had been put back uncharged and the answer to that
    // were lost: the same worker claims it as the same attempt, and then writes once more that the first is put back.
    queue
        .execute(
            "update jobs set state = 'ready', lock_by = null, attempts = 0, claims = 0 where state = 'running'",
        )
        .await;
    until("both run", async || stage.seen().at_once == 2).await;
    stage.open(1);
    until("the first has ended", async || stage.seen().ended.len() == 1).await;
    let after = queue.enqueue(&Play(Script::new(&next, [Act::Effect]))).await;
    queue.wait_for_state(after, "done").await;
    let job = queue.job(id).await;
    assert_eq!((job.state.as_str(), job.attempts), ("running", 1));
    stage.open(2);
    queue.wait_for_state(id, "done").await;
    assert_eq!((stage.seen().begun, queue.effects(&stage).await), (vec![1, 1], 1));
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn an_attempt_ends_once_its_worker_learns_that_its_jobs_were_taken_over() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let worker = queue.start_with(2, |start| start.run.lease.heartbeat = Duration::from_secs(2)).await;
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::Hang, Act::Effect]))).await;
    until("it runs", async || stage.seen().at_once == 1).await;
    // Others saw its lease end, took over and forgot it; it comes back with its next heartbeat.
    queue
        .execute(
            "update jobs set state = 'ready', lock_by = null where state = 'running';
             delete from workers",
        )
        .await;
    let job = queue.wait_for_state(id, "done").await;
    until("the first attempt has ended", async || stage.seen().at_once == 0).await;
    assert_eq!((job.attempts, stage.seen().begun, queue.effects(&stage).await), (2, vec![1, 2], 1));
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn the_jobs_of_a_worker_that_died_go_to_others_with_the_attempt_charged() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let dying = queue.start(3).await;
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::Hang, Act::Effect]))).await;
    until("it runs", async || stage.seen().at_once == 1).await;
    let living = queue.start(3).await;
    let name = dying.name.clone();
    dying.kill().await;
    assert_eq!(queue.job(id).await.state, "running");
    queue.expire(&name).await;
    let job = queue.wait_for_state(id, "done").await;
    assert_eq!((job.attempts, queue.effects(&stage).await), (2, 1));
    until("the dead worker is forgotten", async || queue.workers().await == [living.name.clone()]).await;
    living.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_dead_at_its_limit() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::Hang]))).await;
    let watcher = queue.start_with(1, |start| start.run.queues.retain(|queue, _| queue == "imports")).await;
    for attempt in 1..=3 {
        let worker = queue.start(1).await;
        until("it runs", async || stage.seen().begun.len() == attempt).await;
        let name = worker.name.clone();
        worker.kill().await;
        queue.expire(&name).await;
        until("it was taken over", async || queue.job(id).await.state != "running").await;
    }
    let job = queue.job(id).await;
    assert_eq!((job.state.as_str(), job.attempts), ("dead", 3));
    assert_eq!(queue.deaths(&stage).await.len(), 1);
    watcher.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_death_that_fails_keeps_no_other_job_of_the_dead_worker_from_being_taken_over() {
    let queue = Queue::create().await;
    let stages: Vec<_> = (0..4).map(|_| Stage::new()).collect();
    let funerals = [Funeral::Panic, Funeral::Refused, Funeral::Note];
    for (stage, funeral) in stages.iter().zip(funerals) {
        let id = queue.enqueue(&Play(Script { funeral, ..Script::new(stage, [Act::Effect]) })).await;
        queue.give_to("dead", 3600, id, 3).await;
    }
    let id = queue.enqueue(&Play(Script::new(&stages[3], [Act::Effect]))).await;
    queue.give_to("dead", 3600, id, 2).await;
    let unreadable = queue.enqueue(&Opera(Script::new(&stages[3], [Act::Effect]))).await;
    sqlx::query("update jobs set payload = '1e400' where id = $1")
        .bind(unreadable.0)
        .execute(queue.pool())
        .await
        .unwrap();
    queue.give_to("dead", 3600, unreadable, 3).await;

    let worker = queue.start(2).await;
    queue.expire("dead").await;
    queue.drain().await;
    assert_eq!((queue.count("dead").await, queue.count("done").await), (4, 1));
    assert_eq!(queue.deaths(&stages[2]).await.len(), 1);
    until("it is forgotten", async || queue.workers().await == [worker.name.clone()]).await;
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn the_jobs_of_a_live_worker_are_left_alone() {
    let queue = Queue::create().await;
    let (stage, other) = (Stage::new(), Stage::new());
    let worker = queue.start(1).await;
    let long = queue.enqueue(&Play(Script::new(&stage, [Act::WaitThenEffect]))).await;
    until("it runs", async || stage.seen().at_once == 1).await;
    let watcher = queue.start(1).await;
    // The watcher has looked at the leases: it has taken over from another.
    let orphan = queue.enqueue(&Opera(Script::new(&other, [Act::Effect]))).await;
    queue.give_to("dead", 3600, orphan, 1).await;
    queue.expire("dead").await;
    queue.wait_for_state(orphan, "done").await;
    let job = queue.job(long).await;
    assert_eq!((job.state.as_str(), job.attempts, job.lock_by), ("running", 1, Some(worker.name.clone())));
    stage.open(1);
    queue.drain().await;
    assert_eq!(stage.seen().begun, [1]);
    for worker in [worker, watcher] {
        worker.stop().await;
    }
    queue.finish().await;
}

#[tokio::test]
async fn jobs_of_a_worker_that_nobody_knows_are_taken_over_too() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::Effect]))).await;
    queue.give_to("unknown", 3600, id, 1).await;
    queue.execute("delete from workers").await;
    let worker = queue.start(1).await;
    let job = queue.wait_for_state(id, "done").await;
    assert_eq!((job.attempts, queue.effects(&stage).await), (2, 1));
    until("it is forgotten", async || queue.workers().await == [worker.name.clone()]).await;
    worker.stop().await;
    queue.finish().await;
}
