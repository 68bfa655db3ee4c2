//! Statements that happen, and whose answers never come: the connection breaks in between.

use common::ids::JobId;
use local_stack::line::Line;

use super::{
    jobs::{Act, Play, Script, Stage},
    workers::{Queue, Worker, until},
};

/// A worker behind a line that loses answers.
struct Behind {
    queue: Queue,
    line: Line,
    worker: Worker,
}

impl Behind {
    async fn start() -> Self {
        let queue = Queue::create().await;
        let line = Line::to(queue.url()).unwrap();
        let url = line.url(queue.url());
        let worker = queue.start_with(2, |start| start.url = url).await;
        Self { queue, line, worker }
    }

    /// Runs one attempt whose end loses these answers: the next to statements with this text.
    async fn lose(&self, job: &Play, stage: &Stage, statement: &str, times: usize) -> JobId {
        let id = self.queue.enqueue(job).await;
        until("it runs", async || stage.seen().at_once == 1).await;
        let before = self.line.lost();
        self.line.lose_answers(statement, times);
        stage.open(1);
        until("the answers are lost", async || self.line.lost() == before + times).await;
        id
    }

    /// What is known of the failed attempts of a job.
    async fn attempts(&self, id: JobId) -> Vec<i16> {
        sqlx::query_scalar("select attempt from job_attempts where job_id = $1 order by position")
            .bind(id.0)
            .fetch_all(self.queue.pool())
            .await
            .unwrap()
    }

    /// The worker goes on, and everything that it was told to do is done.
    async fn finish(self) {
        let after = Stage::new();
        let id = self.queue.enqueue(&Play(Script::new(&after, [Act::Effect]))).await;
        self.queue.wait_for_state(id, "done").await;
        self.worker.stop().await;
        self.queue.finish().await;
    }
}

#[tokio::test]
async fn an_outcome_whose_answer_is_lost_is_written_once_more_and_changes_nothing() {
    let behind = Behind::start().await;
    let stage = Stage::new();
    let job = Play(Script::new(&stage, [Act::WaitThenNothing]));
    let id = behind.lose(&job, &stage, "state = 'done'", 3).await;
    let job = behind.queue.wait_for_state(id, "done").await;
    assert_eq!((job.attempts, stage.seen().begun), (1, vec![1]));
    assert!(behind.attempts(id).await.is_empty());
    behind.finish().await;
}

#[tokio::test]
async fn an_effect_whose_commit_is_not_answered_happened_once_and_its_job_is_done() {
    let behind = Behind::start().await;
    let stage = Stage::new();
    let job = Play(Script::new(&stage, [Act::WaitThenEffect]));
    let id = behind.lose(&job, &stage, "COMMIT", 1).await;
    let job = behind.queue.wait_for_state(id, "done").await;
    until("the attempt has ended", async || stage.seen().at_once == 0).await;
    // It ended with an error, which is to be written down, and finds the job done.
    behind.queue.drain().await;
    assert_eq!((job.attempts, behind.queue.effects(&stage).await), (1, 1));
    assert_eq!((stage.seen().begun, behind.queue.job(id).await.state.as_str()), (vec![1], "done"));
    assert!(behind.attempts(id).await.is_empty());
    behind.finish().await;
}

#[tokio::test]
async fn an_effect_whose_fence_is_not_answered_is_undone_and_tried_again() {
    let behind = Behind::start().await;
    let stage = Stage::new();
    let job = Play(Script::new(&stage, [Act::WaitThenEffect, Act::Effect]));
    let id = behind.lose(&job, &stage, "state = 'done'", 1).await;
    behind.queue.drain().await;
    assert_eq!((stage.seen().begun, behind.queue.effects(&stage).await), (vec![1, 2], 1));
    assert_eq!(behind.attempts(id).await, [1]);
    behind.finish().await;
}

#[tokio::test]
async fn a_failure_whose_answer_is_lost_is_charged_once() {
    let behind = Behind::start().await;
    let stage = Stage::new();
    let job = Play(Script::new(&stage, [Act::WaitThenFail, Act::Effect]));
    let id = behind.lose(&job, &stage, "insert into job_attempts", 2).await;
    behind.queue.drain().await;
    let job = behind.queue.job(id).await;
    assert_eq!((job.state.as_str(), job.attempts), ("done", 2));
    assert_eq!((stage.seen().begun, behind.queue.effects(&stage).await), (vec![1, 2], 1));
    assert_eq!(behind.attempts(id).await, [1]);
    behind.finish().await;
}

#[tokio::test]
async fn a_death_whose_commit_is_not_answered_has_its_effect_once() {
    let behind = Behind::start().await;
    let stage = Stage::new();
    let job = Play(Script::new(&stage, [Act::WaitThenGiveUp]));
    let id = behind.lose(&job, &stage, "COMMIT", 1).await;
    let job = behind.queue.wait_for_state(id, "dead").await;
    assert_eq!((job.attempts, stage.seen().begun), (1, vec![1]));
    // Whatever it tries again has been tried by the time that the next job of its kind is done.
    let Behind { ref queue, .. } = behind;
    let next = Stage::new();
    let script = Script::new(&next, [Act::GiveUp("the next".to_owned())]);
    queue.wait_for_state(queue.enqueue(&Play(script)).await, "dead").await;
    assert_eq!(queue.deaths(&stage).await.len(), 1);
    assert_eq!(behind.attempts(id).await, [1]);
    behind.finish().await;
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_handed_back_uncharged_and_run() {
    let behind = Behind::start().await;
    let stage = Stage::new();
    behind.line.lose_answers("skip locked", 1);
    let id = behind.queue.enqueue(&Play(Script::new(&stage, [Act::Effect]))).await;
    until("the answer is lost", async || behind.line.lost() == 1).await;
    let job = behind.queue.wait_for_state(id, "done").await;
    assert_eq!((job.attempts, stage.seen().begun), (1, vec![1]));
    assert_eq!(behind.queue.effects(&stage).await, 1);
    behind.finish().await;
}
