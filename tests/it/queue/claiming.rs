//! Who claims how much, and what never waits for what.

use std::time::Duration;

use common::{
    clock::Clock,
    queue::{
        QueueName,
        office::{self, Desk},
    },
};

use super::{
    jobs::{Act, Opera, Play, Script, ShortPlay, Stage, earlier_registry},
    workers::{Queue, until},
};

#[tokio::test]
async fn no_more_jobs_are_claimed_than_there_are_slots() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let jobs = vec![Play(Script::new(&stage, [Act::WaitThenEffect])); 10];
    queue.enqueue_all(&jobs).await;
    let worker = queue.start(2).await;
    until("two jobs run", async || stage.seen().at_once == 2).await;
    // A job of another queue has come and gone, so the worker has had its time to claim more.
    let other = Stage::new();
    let id = queue.enqueue(&Opera(Script::new(&other, [Act::Effect]))).await;
    queue.wait_for_state(id, "done").await;
    assert_eq!((queue.count("running").await, queue.count("ready").await), (2, 8));
    stage.open(1);
    queue.drain().await;
    assert_eq!((stage.seen().most_at_once, queue.effects(&stage).await), (2, 10));
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn one_claim_takes_two_hundred_jobs_at_most() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    queue.enqueue_all(&vec![Play(Script::new(&stage, [Act::WaitThenNothing])); 201]).await;
    let worker = queue.start(1_000).await;
    until("all run", async || stage.seen().at_once == 201).await;
    let claims = "select count(*) from jobs group by locked_at order by locked_at";
    let claims: Vec<i64> = sqlx::query_scalar(claims).fetch_all(queue.pool()).await.unwrap();
    assert_eq!(claims, [200, 1]);
    stage.open(1);
    queue.drain().await;
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn two_workers_never_run_the_same_job() {
    let queue = Queue::create().await;
    let stages: Vec<_> = (0..200).map(|_| Stage::new()).collect();
    let workers = [queue.start(8).await, queue.start(8).await];
    let jobs: Vec<_> = stages.iter().map(|stage| Play(Script::new(stage, [Act::Effect]))).collect();
    for some in jobs.chunks(20) {
        queue.enqueue_all(some).await;
    }
    queue.drain().await;
    for stage in &stages {
        assert_eq!(stage.seen().begun, [1]);
        assert_eq!(queue.effects(stage).await, 1);
    }
    for worker in workers {
        worker.stop().await;
    }
    queue.finish().await;
}

#[tokio::test]
async fn a_job_that_is_due_for_longer_than_what_was_claimed_last_is_found() {
    let queue = Queue::create().await;
    let (newer, older) = (Stage::new(), Stage::new());
    let worker = queue.start(2).await;
    queue.enqueue_all(&vec![Play(Script::new(&newer, [Act::Effect])); 10]).await;
    queue.drain().await;
    queue.execute("insert into paused_queues (queue, id) values ('mail', gen_random_uuid())").await;
    queue.enqueue(&Play(Script::new(&older, [Act::Effect]))).await;
    queue.execute("update jobs set run_at = now() - interval '1 hour' where state = 'ready'").await;
    queue.execute("delete from paused_queues").await;
    queue.drain().await;
    assert_eq!((queue.effects(&newer).await, queue.effects(&older).await), (10, 1));
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_full_queue_leaves_the_others_alone() {
    let queue = Queue::create().await;
    let (slow, quick) = (Stage::new(), Stage::new());
    queue.enqueue_all(&vec![Opera(Script::new(&slow, [Act::WaitThenEffect])); 20]).await;
    let worker = queue.start(2).await;
    until("the imports fill their slots", async || slow.seen().at_once == 2).await;
    queue.enqueue_all(&vec![Play(Script::new(&quick, [Act::Effect])); 20]).await;
    until("the mail is sent", async || queue.effects(&quick).await == 20).await;
    assert_eq!(queue.effects(&slow).await, 0);
    slow.open(1);
    queue.drain().await;
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_keeps_its_thread_leaves_the_others_alone() {
    let queue = Queue::create().await;
    let (blocking, quick) = (Stage::new(), Stage::new());
    let worker = queue.start(2).await;
    queue.enqueue(&Opera(Script::new(&blocking, [Act::Block]))).await;
    until("it blocks", async || blocking.seen().at_once == 1).await;
    queue.enqueue_all(&vec![Play(Script::new(&quick, [Act::Effect])); 20]).await;
    until("the mail is sent", async || queue.effects(&quick).await == 20).await;
    assert_eq!(blocking.seen().at_once, 1);
    blocking.open(1);
    queue.drain().await;
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_worker_without_a_lease_claims_nothing() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let never = Duration::from_secs(3600);
    let worker = queue.start_with(2, |start| start.run.lease.heartbeat = never).await;
    until("it has renewed once", async || {
        let statement = "select lease_until > started_at + interval '600 seconds' from workers";
        sqlx::query_scalar(statement).fetch_one(queue.pool()).await.unwrap()
    })
    .await;
    queue.execute("delete from workers").await;
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::Effect]))).await;
    // Its own wake-ups and ticks go by; a second worker shows that the job was there to be had.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(queue.job(id).await.state, "ready");
    let other = queue.start(2).await;
    queue.wait_for_state(id, "done").await;
    assert_eq!(stage.seen().begun, [1]);
    other.stop().await;
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_commit_wakes_a_worker_that_has_nothing_to_do() {
    let queue = Queue::create().await;
    let worker = queue.start(2).await;
    for _ in 0..20 {
        let stage = Stage::new();
        let id = queue.enqueue(&Play(Script::new(&stage, [Act::Effect]))).await;
        queue.wait_for_state(id, "done").await;
    }
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn jobs_that_hold_every_connection_cost_the_worker_neither_its_lease_nor_its_ears() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let worker = queue
        .start_with(4, |start| {
            start.connections = 2;
            start.run.lease.lease = Duration::from_secs(2);
        })
        .await;
    queue.enqueue_all(&vec![Play(Script::new(&stage, [Act::KeepConnection])); 2]).await;
    until("both connections are taken", async || stage.seen().at_once == 2).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let lives = "select lease_until > now() from workers where name = $1";
    let lives: bool = sqlx::query_scalar(lives).bind(&worker.name).fetch_one(queue.pool()).await.unwrap();
    assert!(lives, "the lease has ended");
    stage.open(1);
    queue.drain().await;
    assert_eq!(stage.seen().begun, [1, 1]);
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_worker_leaves_jobs_that_it_does_not_know_to_one_that_does() {
    let queue = Queue::create().await;
    let (new, known) = (Stage::new(), Stage::new());
    let earlier = queue.start_with(2, |start| start.registry = earlier_registry()).await;
    let id = queue.enqueue(&Play(Script::new(&new, [Act::Effect]))).await;
    let quick = queue.enqueue(&ShortPlay(Script::new(&known, [Act::Effect]))).await;
    // It has taken what it knows, past what it does not.
    queue.wait_for_state(quick, "done").await;
    let job = queue.job(id).await;
    assert_eq!((job.state.as_str(), job.attempts), ("ready", 0));
    let later = queue.start(2).await;
    let job = queue.wait_for_state(id, "done").await;
    assert_eq!((job.attempts, queue.effects(&new).await), (1, 1));
    for worker in [earlier, later] {
        worker.stop().await;
    }
    queue.finish().await;
}

#[tokio::test]
async fn a_lease_is_renewed_while_jobs_are_being_claimed() {
    let queue = Queue::create().await;
    let worker = queue.start(2).await;
    // What a claim holds until it is done.
    let mut claim = queue.db.begin().await.unwrap();
    sqlx::query("select from workers for key share").execute(&mut *claim).await.unwrap();
    let renewed = "select lease_until from workers";
    let lease_until = async || -> time::OffsetDateTime {
        sqlx::query_scalar(renewed).fetch_one(queue.pool()).await.unwrap()
    };
    let before = lease_until().await;
    until("it is renewed", async || lease_until().await > before).await;
    drop(claim);
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn jobs_whose_claim_was_never_answered_are_handed_back_and_run() {
    let queue = Queue::create().await;
    let (stage, other) = (Stage::new(), Stage::new());
    let worker = queue.start(2).await;
    let busy = queue.enqueue(&Play(Script::new(&other, [Act::WaitThenEffect]))).await;
    until("one runs", async || other.seen().at_once == 1).await;
    let id = queue.enqueue(&Opera(Script::new(&stage, [Act::Effect]))).await;
    queue.wait_for_state(id, "done").await;
    // As a claim does whose answer is lost: the worker has it, and does not know.
    sqlx::query(
        "update jobs set state = 'running', lock_by = $2, locked_at = now(), attempts = 1, claims = claims + 1 where id = $1",
    )
    .bind(id.0)
    .bind(&worker.name)
    .execute(queue.pool())
    .await
    .unwrap();
    let job = queue.wait_for_state(id, "done").await;
    assert_eq!((job.attempts, queue.effects(&stage).await), (1, 2));
    // What it does know goes on.
    assert_eq!((queue.job(busy).await.state.as_str(), other.seen().at_once), ("running", 1));
    other.open(1);
    queue.drain().await;
    assert_eq!(other.seen().begun, [1]);
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_pause_is_heeded_by_every_worker_and_ends_for_all() {
    let queue = Queue::create().await;
    let workers = [queue.start(2).await, queue.start(2).await, queue.start(2).await];
    let stage = Stage::new();
    let desk = Desk { by: None, now: Clock::system().now() };
    let mut tx = queue.db.begin().await.unwrap();
    assert!(office::pause(&mut tx, desk, QueueName::MAIL).await.unwrap());
    tx.commit().await.unwrap();
    // Each of them is rung for each job, and looks by itself every second.
    for _ in 0..10 {
        queue.enqueue(&Play(Script::new(&stage, [Act::Effect]))).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert_eq!((queue.count("ready").await, stage.seen().begun.len()), (10, 0));
    // The other queues go on.
    let other = Stage::new();
    let id = queue.enqueue(&Opera(Script::new(&other, [Act::Effect]))).await;
    queue.wait_for_state(id, "done").await;
    let mut tx = queue.db.begin().await.unwrap();
    assert!(office::resume(&mut tx, desk, QueueName::MAIL).await.unwrap());
    tx.commit().await.unwrap();
    queue.drain().await;
    assert_eq!(queue.effects(&stage).await, 10);
    for worker in workers {
        worker.stop().await;
    }
    queue.finish().await;
}
