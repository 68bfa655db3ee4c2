//! A job stands and falls with the transaction that causes it.

use common::queue::{self, Enqueued};
use local_stack::line::Line;
use sqlx::postgres::PgListener;

use super::{
    jobs::{Act, Play, Script, Stage},
    workers::{Queue, ends, some_key, until},
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

#[tokio::test]
async fn a_commit_rings_once_whatever_it_enqueued_and_no_row_rings_by_itself() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let mut listener = PgListener::connect(queue.url()).await.unwrap();
    listener.listen("postavka_jobs").await.unwrap();
    queue.enqueue_all(&vec![Play(Script::new(&stage, [Act::Effect])); 500]).await;
    ends("the ring", listener.recv()).await.unwrap();
    // What had been said before would be heard before.
    queue.execute("select pg_notify('postavka_jobs', 'the end')").await;
    let next = ends("the end", listener.recv()).await.unwrap();
    assert_eq!(next.payload(), "the end");
    let triggers = "select count(*) from pg_trigger where tgrelid = 'jobs'::regclass and not tgisinternal";
    let triggers: i64 = sqlx::query_scalar(triggers).fetch_one(queue.pool()).await.unwrap();
    assert_eq!(triggers, 0);
    let worker = queue.start(16).await;
    queue.drain().await;
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_worker_whose_connections_are_ended_listens_again_and_finds_what_nobody_rang_for() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let line = Line::to(queue.url()).unwrap();
    let url = line.url(queue.url());
    let worker = queue.start_with(2, |start| start.url = url).await;
    // It is registered a moment before it hears that it is; without its connection it would not begin.
    it_listens(&queue).await;
    for _ in 0..3 {
        assert!(line.hang_up() > 0, "it has no connections");
        // Written by hand, and rung for by nobody.
        let payload = serde_json::to_value(Play(Script::new(&stage, [Act::Effect]))).unwrap();
        sqlx::query(
            "insert into jobs (id, queue, kind, payload, max_attempts)
             values (gen_random_uuid(), 'mail', 'play', $1, 3)",
        )
        .bind(payload)
        .execute(queue.pool())
        .await
        .unwrap();
        queue.drain().await;
    }
    it_listens(&queue).await;
    assert_eq!(queue.effects(&stage).await, 3);
    worker.stop().await;
    queue.finish().await;
}

async fn it_listens(queue: &Queue) {
    until("it listens", async || {
        let statement = "select exists (select from pg_stat_activity
            where datname = current_database() and query ilike 'listen %')";
        sqlx::query_scalar(statement).fetch_one(queue.pool()).await.unwrap()
    })
    .await;
}
