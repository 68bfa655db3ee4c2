//! How an attempt can end, and what becomes of its job.

use super::{
    jobs::{Act, Funeral, Opera, Play, Script, ShortPlay, Stage},
    workers::{Queue, until},
};

#[tokio::test]
async fn a_failed_job_waits_and_is_tried_again() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let worker = queue.start(2).await;
    let acts = [Act::Fail("the first time".to_owned()), Act::Effect];
    let id = queue.enqueue(&Play(Script::new(&stage, acts))).await;
    until("it has failed", async || queue.job(id).await.last_error.is_some()).await;
    let waits: bool = sqlx::query_scalar("select run_at > locked_at from jobs where id = $1")
        .bind(id.0)
        .fetch_one(queue.pool())
        .await
        .unwrap();
    assert!(waits, "the backoff is kept with the job");
    let job = queue.wait_for_state(id, "done").await;
    assert_eq!((job.attempts, job.last_error), (2, None));
    assert_eq!((stage.seen().begun, queue.effects(&stage).await), (vec![1, 2], 1));
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_job_that_always_fails_is_dead_at_its_limit_and_its_death_has_its_effect() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let worker = queue.start(2).await;
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::Fail("no␀ way".to_owned())]))).await;
    queue.drain().await;
    let job = queue.job(id).await;
    assert_eq!((job.state.as_str(), job.attempts, job.lock_by), ("dead", 3, None));
    assert_eq!(job.last_error.as_deref(), Some("no\u{fffd} way"));
    assert_eq!(queue.deaths(&stage).await, ["no\u{fffd} way"]);
    assert_eq!(stage.seen().begun, [1, 2, 3]);
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_job_that_gives_up_is_dead_at_once() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let worker = queue.start(2).await;
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::GiveUp("nobody there".to_owned())]))).await;
    let job = queue.wait_for_state(id, "dead").await;
    assert_eq!((job.attempts, job.last_error.as_deref()), (1, Some("nobody there")));
    assert_eq!(queue.deaths(&stage).await, ["nobody there"]);
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_job_that_waits_for_something_else_is_charged_no_attempt() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let worker = queue.start(2).await;
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::NotYet]))).await;
    until("it was tried more often than its limit", async || stage.seen().begun.len() > 5).await;
    assert!(stage.seen().begun.iter().all(|attempt| *attempt == 1));
    let job = queue.job(id).await;
    assert!(matches!(job.state.as_str(), "ready" | "running") && job.attempts <= 1, "{job:?}");
    worker.stop().await;
    assert_eq!(queue.job(id).await.attempts, 0);
    queue.finish().await;
}

#[tokio::test]
async fn a_job_may_wait_for_longer_than_the_database_can_count() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let worker = queue.start(2).await;
    let id = queue.enqueue(&Play(Script::new(&stage, [Act::NotYetForAges]))).await;
    until("it waits", async || queue.job(id).await.waits).await;
    assert_eq!(queue.job(id).await.state, "ready");
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_job_that_panics_or_takes_too_long_fails_like_any_other() {
    let queue = Queue::create().await;
    let stages = [Stage::new(), Stage::new(), Stage::new()];
    let worker = queue.start(1).await;
    let panics = queue.enqueue(&Play(Script::new(&stages[0], [Act::Panic, Act::Effect]))).await;
    let hangs = queue.enqueue(&ShortPlay(Script::new(&stages[1], [Act::Hang]))).await;
    let explodes = queue.enqueue(&ShortPlay(Script::new(&stages[2], [Act::PanicWhenDropped]))).await;
    queue.drain().await;
    assert_eq!(queue.job(panics).await.state, "done");
    assert_eq!(stages[0].seen().begun, [1, 2]);
    for id in [hangs, explodes] {
        let job = queue.job(id).await;
        assert_eq!((job.state.as_str(), job.attempts), ("dead", 3));
        assert!(job.last_error.unwrap().contains("took longer"));
    }
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_dies_alone_and_the_rest_drains() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    // PostgreSQL keeps numbers and depths that serde does not read.
    queue
        .execute(
            r#"insert into jobs (id, queue, kind, payload, max_attempts) values
                (gen_random_uuid(), 'mail', 'play', '{"stage": "nonsense"}', 3),
                (gen_random_uuid(), 'mail', 'play', 'null', 3),
                (gen_random_uuid(), 'mail', 'play', '{"stage": 1e400}', 3),
                (gen_random_uuid(), 'mail', 'play', (repeat('[', 500) || repeat(']', 500))::jsonb, 3)"#,
        )
        .await;
    queue.enqueue_all(&vec![Play(Script::new(&stage, [Act::Effect])); 5]).await;
    let worker = queue.start(3).await;
    queue.drain().await;
    assert_eq!((queue.count("dead").await, queue.count("done").await), (4, 5));
    let tried_once = "select count(*) from jobs where state = 'dead' and attempts = 1 and last_error <> ''";
    let tried_once: i64 = sqlx::query_scalar(tried_once).fetch_one(queue.pool()).await.unwrap();
    assert_eq!(tried_once, 4);
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_job_whose_death_fails_is_dead_all_the_same_and_holds_up_nobody() {
    let queue = Queue::create().await;
    let worker = queue.start(1).await;
    for (funeral, said) in [(Funeral::Panic, "it panicked"), (Funeral::Refused, "null value")] {
        let (dies, lives) = (Stage::new(), Stage::new());
        let script = Script { funeral, ..Script::new(&dies, [Act::GiveUp("the reason".to_owned())]) };
        let dying = queue.enqueue(&Play(script)).await;
        let living = queue.enqueue(&Play(Script::new(&lives, [Act::Effect]))).await;
        let job = queue.wait_for_state(dying, "dead").await;
        let error = job.last_error.unwrap();
        assert!(error.starts_with("the reason; ") && error.contains(said), "{error}");
        assert!(queue.deaths(&dies).await.is_empty(), "its half effect was rolled back");
        queue.wait_for_state(living, "done").await;
    }
    worker.stop().await;
    queue.finish().await;
}

#[tokio::test]
async fn a_death_that_waits_for_a_lock_holds_up_no_other_outcome() {
    let queue = Queue::create().await;
    let (dies, lives) = (Stage::new(), Stage::new());
    let worker = queue.start(2).await;
    let mut tx = queue.db.begin().await.unwrap();
    sqlx::query("lock table deaths").execute(&mut *tx).await.unwrap();
    let script = Script { funeral: Funeral::Wait, ..Script::new(&dies, [Act::GiveUp("late".to_owned())]) };
    let dying = queue.enqueue(&Play(script)).await;
    until("it has given up", async || dies.seen().ended.len() == 1).await;
    for _ in 0..5 {
        let id = queue.enqueue(&Opera(Script::new(&lives, [Act::WaitThenNothing]))).await;
        lives.open(1);
        queue.wait_for_state(id, "done").await;
    }
    assert_eq!(queue.job(dying).await.state, "running");
    drop(tx);
    queue.wait_for_state(dying, "dead").await;
    assert_eq!(queue.deaths(&dies).await, ["late"]);
    worker.stop().await;
    queue.finish().await;
}
