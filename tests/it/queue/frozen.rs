//! Processes that stand still for longer than their lease, and go on as if nothing had happened.

use rustix::process::Signal;
use uuid::Uuid;

use super::{
    errands::{Errand, Process},
    workers::{Queue, until},
};

#[tokio::test]
async fn a_process_that_was_frozen_past_its_lease_keeps_nothing_of_what_it_lost_and_works_on() {
    let queue = Queue::create().await;
    queue.prepare_errands().await;
    let frozen = Process::start(&queue);
    let errand = Errand { stage: Uuid::now_v7() };
    let id = queue.enqueue(&errand).await;
    let begins = |attempt| vec![(attempt, "begins".to_owned())];
    until("it runs", async || queue.told(errand, &frozen).await == begins(1)).await;
    let name = queue.job(id).await.lock_by.unwrap();

    frozen.signal(Signal::STOP);
    let other = Process::start(&queue);
    until("the other has taken over", async || queue.told(errand, &other).await == begins(2)).await;
    let taken_over = queue.job(id).await;
    assert_eq!((taken_over.state.as_str(), taken_over.attempts), ("running", 2));
    assert!(taken_over.lock_by.is_some_and(|holder| holder != name));

    // It may go on, and comes too late: with its effect, and with what it says of its attempt.
    queue.let_errand(errand, [1]).await;
    frozen.signal(Signal::CONT);
    let lost = (1, "the job is no longer this worker's".to_owned());
    until("it came too late", async || queue.told(errand, &frozen).await.contains(&lost)).await;
    let lives = async || {
        let statement = "select count(*) from workers where lease_until > now()";
        sqlx::query_scalar::<_, i64>(statement).fetch_one(queue.pool()).await.unwrap()
    };
    until("it has its lease again", async || lives().await == 2).await;
    let next = Errand { stage: Uuid::now_v7() };
    queue.let_errand(next, [1, 2]).await;
    let held = queue.job(id).await;
    assert_eq!((queue.effects_of(errand).await, held.state.as_str(), held.attempts), (0, "running", 2));
    assert_ne!(held.lock_by, Some(name));

    // The attempt that counts is the other's.
    queue.let_errand(errand, [2]).await;
    let job = queue.wait_for_state(id, "done").await;
    assert_eq!((job.attempts, queue.effects_of(errand).await), (2, 1));
    let done = (2, "Marked".to_owned());
    until("it is told", async || queue.told(errand, &other).await.contains(&done)).await;

    // Alone again, it works as before.
    assert!(other.stop().await);
    let after = queue.enqueue(&next).await;
    queue.wait_for_state(after, "done").await;
    let done = (1, "Marked".to_owned());
    until("it was the frozen one that did it", async || queue.told(next, &frozen).await.contains(&done))
        .await;
    assert!(frozen.stop().await);
    assert!(queue.workers().await.is_empty());
    queue.finish().await;
}

#[tokio::test]
async fn a_process_that_was_frozen_for_less_than_its_lease_has_lost_nothing() {
    let queue = Queue::create().await;
    queue.prepare_errands().await;
    let (frozen, other) = (Process::start(&queue), Process::start(&queue));
    until("both are there", async || queue.workers().await.len() == 2).await;
    let errands: Vec<_> = (0..8).map(|_| Errand { stage: Uuid::now_v7() }).collect();
    queue.enqueue_all(&errands).await;
    let all_run = "select count(*) = 8 from jobs where state = 'running'";
    until("all run", async || sqlx::query_scalar(all_run).fetch_one(queue.pool()).await.unwrap()).await;

    // No longer than a heartbeat, so that nobody can think it gone.
    frozen.signal(Signal::STOP);
    tokio::time::sleep(super::errands::LEASE.heartbeat).await;
    frozen.signal(Signal::CONT);
    for errand in &errands {
        queue.let_errand(*errand, [1]).await;
    }
    queue.drain().await;
    for errand in &errands {
        assert_eq!(queue.effects_of(*errand).await, 1);
    }
    let charged = "select count(*) from jobs where attempts <> 1 or state <> 'done'";
    let charged: i64 = sqlx::query_scalar(charged).fetch_one(queue.pool()).await.unwrap();
    assert_eq!(charged, 0);
    assert!(frozen.stop().await && other.stop().await);
    queue.finish().await;
}
