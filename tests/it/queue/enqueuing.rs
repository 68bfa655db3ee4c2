//! A job stands and falls with the transaction that causes it.

use common::queue::{self, Enqueued};

use super::{
    jobs::{Act, Play, Script, Stage},
    workers::{Queue, some_key},
};

#[tokio::test]
async fn a_job_whose_transaction_rolled_back_never_runs_and_one_that_committed_does() {
    let queue = Queue::create().await;
    let (rolled_back, committed) = (Stage::new(), Stage::new());
    let worker = queue.start(2).await;
    let mut tx = queue.db.begin().await.unwrap();
    queue::enqueue(&mut tx, &Play(Script::new(&rolled_back, [Act::Effect]))).await.unwrap();
    drop(tx);
    let id = queue.enqueue(&Play(Script::new(&committed, [Act::Effect]))).await;
    queue.wait_for_state(id, "done").await;
    assert_eq!((queue.effects(&rolled_back).await, queue.effects(&committed).await), (0, 1));
    assert!(rolled_back.seen().begun.is_empty());
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_repeated_key_is_a_duplicate_and_the_transaction_goes_on() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let job = Play(Script { key: some_key(), ..Script::new(&stage, [Act::Effect]) });
    let id = queue.enqueue(&job).await;

    let mut tx = queue.db.begin().await.unwrap();
    assert_eq!(queue::enqueue(&mut tx, &job).await.unwrap(), Enqueued::Duplicate);
    sqlx::query("insert into deaths (stage, error) values ($1, 'written after the duplicate')")
        .bind(stage.id)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(queue.deaths(&stage).await, ["written after the duplicate"]);

    let worker = queue.start(2).await;
    queue.wait_for_state(id, "done").await;
    assert_eq!(queue.effects(&stage).await, 1);
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_key_is_taken_while_its_job_runs_and_free_once_it_is_done() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let job = Play(Script { key: some_key(), ..Script::new(&stage, [Act::WaitThenEffect]) });
    let worker = queue.start(2).await;
    let first = queue.enqueue(&job).await;
    queue.wait_for_state(first, "running").await;

    let mut tx = queue.db.begin().await.unwrap();
    assert_eq!(queue::enqueue(&mut tx, &job).await.unwrap(), Enqueued::Duplicate);
    tx.commit().await.unwrap();

    stage.open(1);
    queue.wait_for_state(first, "done").await;
    let second = queue.enqueue(&job).await;
    queue.wait_for_state(second, "done").await;
    assert_eq!(queue.effects(&stage).await, 2);
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn of_many_jobs_at_once_those_with_a_free_key_are_inserted() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let (taken, twice) = (some_key(), some_key());
    let job = |key: &Option<String>| Play(Script { key: key.clone(), ..Script::new(&stage, [Act::Effect]) });
    queue.enqueue(&job(&taken)).await;
    let inserted = queue.enqueue_all(&[job(&taken), job(&twice), job(&None), job(&twice), job(&None)]).await;
    assert_eq!(inserted.len(), 3);
    let worker = queue.start(2).await;
    queue.drain().await;
    assert_eq!(queue.effects(&stage).await, 4);
    worker.stop().await;
    queue.finish().await;
}
