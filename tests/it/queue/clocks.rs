//! Machines whose clocks are apart by an hour. Leases and the times of jobs go by PostgreSQL's.

use std::time::Duration;

use common::{clock::Clock, queue};
use time::OffsetDateTime;

use super::{
    jobs::{Act, Play, Script, Stage},
    workers::{Queue, Start, Worker, until},
};

/// A worker on a machine whose clock is so many hours fast; slow, if that is negative.
async fn start(queue: &Queue, hours: i64) -> Worker {
    let clock = Clock::shifted();
    clock.advance(time::Duration::hours(hours));
    queue
        .start_with(1, |start: &mut Start| {
            start.clock = clock;
            start.run.lease.lease = Duration::from_secs(20);
        })
        .await
}

async fn database_now(queue: &Queue) -> OffsetDateTime {
    sqlx::query_scalar("select now()").fetch_one(queue.pool()).await.unwrap()
}

#[tokio::test]
async fn workers_whose_clocks_are_apart_by_an_hour_leave_each_other_their_jobs() {
    let queue = Queue::create().await;
    let workers = [start(&queue, 1).await, start(&queue, -1).await];
    let stages = [Stage::new(), Stage::new()];
    for stage in &stages {
        queue.enqueue(&Play(Script::new(stage, [Act::WaitThenEffect]))).await;
    }
    until("each has one", async || stages.iter().all(|stage| stage.seen().at_once == 1)).await;
    // Each has looked at the leases: it would take over from somebody whose lease has ended, by its own clock.
    let orphan = Stage::new();
    let orphan_id = queue.enqueue(&super::jobs::Opera(Script::new(&orphan, [Act::Effect]))).await;
    queue.give_to("dead", 3600, orphan_id, 1).await;
    queue.expire("dead").await;
    queue.wait_for_state(orphan_id, "done").await;
    let leases = "select count(*) from workers
        where lease_until between now() and now() + interval '20 seconds'";
    let leases: i64 = sqlx::query_scalar(leases).fetch_one(queue.pool()).await.unwrap();
    assert_eq!(leases, 2);
    stages.iter().for_each(|stage| stage.open(1));
    queue.drain().await;
    for stage in &stages {
        assert_eq!((stage.seen().begun, queue.effects(stage).await), (vec![1], 1));
    }
    for worker in workers {
        worker.stop().await;
    }
    queue.finish().await;
}

#[tokio::test]
async fn a_job_is_due_by_the_databases_clock_whatever_its_workers_say() {
    let queue = Queue::create().await;
    let fast = start(&queue, 1).await;
    let now = database_now(&queue).await;
    let (later, due, fails) = (Stage::new(), Stage::new(), Stage::new());
    let mut tx = queue.db.begin().await.unwrap();
    let play = |stage: &Stage, acts: &[Act]| Play(Script::new(stage, acts));
    let in_half_an_hour = now + time::Duration::minutes(30);
    queue::enqueue_at(&mut tx, &play(&later, &[Act::Effect]), in_half_an_hour).await.unwrap();
    tx.commit().await.unwrap();
    let failing = play(&fails, &[Act::Fail("the first time".to_owned()), Act::Effect]);
    let failed = queue.enqueue(&failing).await;
    // The fast one is there for everything that is due by its own clock, and takes what is due by the database's. A
    // backoff, too, is the database's.
    until("it has failed", async || queue.job(failed).await.last_error.is_some()).await;
    let soon: bool =
        sqlx::query_scalar("select run_at < now() + interval '2 seconds' from jobs where id = $1")
            .bind(failed.0)
            .fetch_one(queue.pool())
            .await
            .unwrap();
    assert!(soon, "its next attempt is not where the database's clock has it");
    queue.wait_for_state(failed, "done").await;
    assert!(later.seen().begun.is_empty());
    fast.stop().await;

    // And the slow one does not wait for an hour.
    let slow = start(&queue, -1).await;
    let id = queue.enqueue(&play(&due, &[Act::Effect])).await;
    queue.wait_for_state(id, "done").await;
    assert!(later.seen().begun.is_empty());
    queue.execute("update jobs set run_at = now() where state = 'ready'").await;
    queue.drain().await;
    assert_eq!(later.seen().begun, [1]);
    slow.stop().await;
    queue.finish().await;
}
