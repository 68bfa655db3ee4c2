//! Forgetting what went wrong with some jobs among very many.

use common::queue::{self, Job};

use super::{
    jobs::{Act, Play, Script, Stage},
    workers::Queue,
};

/// How many rows of jobs this transaction has read.
const READ: &str = "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
    from pg_stat_xact_user_tables where relname = 'jobs'";

#[tokio::test]
async fn errors_are_forgotten_without_a_look_at_the_jobs_that_wait() {
    let queue = Queue::create().await;
    let stage = Stage::new();
    let other = Stage::new();
    let (about, spared) =
        (Play(Script::new(&stage, [Act::Effect])), Play(Script::new(&other, [Act::Effect])));
    for job in [&about, &spared] {
        queue.enqueue(job).await;
    }
    queue.execute("update jobs set last_error = '550 <anna@example.com>'").await;
    queue.execute(
        "insert into job_attempts (job_id, attempt, worker, error) select id, 1, 'w', '550 <anna@example.com>' from jobs;
         insert into jobs (id, queue, kind, payload, max_attempts, run_at)
         select gen_random_uuid(), 'mail', 'play', jsonb_build_object('number', n), 3, now() + interval '1 day'
         from generate_series(1, 20000) n;",
    ).await;
    queue.execute("analyze jobs").await;
    let mut tx = queue.db.begin().await.unwrap();
    queue::forget_errors(&mut tx, std::slice::from_ref(&about)).await.unwrap();
    let read: i64 = sqlx::query_scalar(READ).fetch_one(&mut *tx).await.unwrap();
    assert!(read < 100, "{read} jobs were read");
    tx.commit().await.unwrap();
    let errors =
        "select coalesce(last_error, '-') || ' ' || error from jobs j join job_attempts a on a.job_id = j.id
        where j.kind = $1 order by 1";
    let left: Vec<String> =
        sqlx::query_scalar(errors).bind(Play::KIND).fetch_all(queue.pool()).await.unwrap();
    assert_eq!(left, ["- ", "550 <anna@example.com> 550 <anna@example.com>"]);
    queue.finish().await;
}
