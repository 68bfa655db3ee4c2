//! Jobs that do what a test says, and the stage on which it watches them.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use common::{
    clock::Clock,
    queue::{Death, Failure, Finished, Job, Outcome, QueueName, Run},
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tokio::{sync::watch, time};
use uuid::Uuid;
use worker::{deps::Deps, registry::Perform, registry::Registry};

use crate::support::trade;

/// The test's side of its jobs: who entered, how it ended, and the curtain that some wait for.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) id: Uuid,
    seen: Mutex<Seen>,
    /// Attempts with numbers up to this may go on.
    curtain: watch::Sender<u16>,
}

/// What a stage has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The attempts that began, by number.
    pub(super) begun: Vec<u16>,
    /// How those ended that ended by themselves.
    pub(super) ended: Vec<String>,
    /// How many are under way.
    pub(super) at_once: usize,
    /// The most that were under way together.
    pub(super) most_at_once: usize,
}

static STAGES: LazyLock<Mutex<HashMap<Uuid, Arc<Stage>>>> = LazyLock::new(Mutex::default);

impl Stage {
    /// A stage of a test's own.
    pub(super) fn new() -> Arc<Self> {
        let id = Uuid::now_v7();
        let stage = Arc::new(Self { id, seen: Mutex::default(), curtain: watch::Sender::new(0) });
        lock(&STAGES).insert(id, Arc::clone(&stage));
        stage
    }

    fn find(id: Uuid) -> Arc<Self> {
        lock(&STAGES).get(&id).cloned().expect("the test's stage")
    }

    /// What was seen so far.
    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// Lets attempts up to this number go on, now and later.
    pub(super) fn open(&self, attempts: u16) {
        self.curtain.send_replace(attempts);
    }

    fn enter(self: &Arc<Self>, attempt: u16) -> OnStage {
        let mut seen = lock(&self.seen);
        seen.begun.push(attempt);
        seen.at_once += 1;
        seen.most_at_once = seen.most_at_once.max(seen.at_once);
        OnStage(Arc::clone(self))
    }
}

struct OnStage(Arc<Stage>);

impl Drop for OnStage {
    fn drop(&mut self) {
        lock(&self.0.seen).at_once -= 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an attempt does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Act {
    /// Leaves a row in `effects`, in the transaction that marks the job done.
    Effect,
    /// The same, once the curtain is open for this attempt.
    WaitThenEffect,
    /// Succeeds without a trace in the database, once the curtain is open for this attempt.
    WaitThenNothing,
    /// Fails, once the curtain is open for this attempt.
    WaitThenFail,
    /// Fails for good, once the curtain is open for this attempt.
    WaitThenGiveUp,
    /// Never ends by itself.
    Hang,
    /// Keeps its thread, and sleeps.
    Block,
    /// Fails, with this, where `␀` stands for NUL.
    Fail(String),
    /// Fails for good, with this.
    GiveUp(String),
    /// Waits for something else.
    NotYet,
    /// The first time on stage it waits for the curtain, and then for something else; later it has its effect.
    FirstNotYet,
    /// Waits for something else for longer than a database can count.
    NotYetForAges,
    /// Panics.
    Panic,
    /// Never ends by itself, and panics when it is dropped.
    PanicWhenDropped,
    /// Keeps a connection until the curtain is open.
    KeepConnection,
}

/// What a job's death does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Funeral {
    /// Leaves a row in `deaths`.
    #[default]
    Note,
    /// Leaves a row, and panics.
    Panic,
    /// Leaves a row, and then one that the table refuses.
    Refused,
    /// Waits for everybody who holds `deaths`.
    Wait,
}

/// What all the kinds carry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Script {
    pub(super) stage: Uuid,
    /// By attempt; the last one holds for all that follow.
    pub(super) acts: Vec<Act>,
    #[serde(default)]
    pub(super) funeral: Funeral,
    #[serde(default)]
    pub(super) key: Option<String>,
}

impl Script {
    pub(super) fn new(stage: &Stage, acts: impl Into<Vec<Act>>) -> Self {
        Self { stage: stage.id, acts: acts.into(), funeral: Funeral::Note, key: None }
    }

    async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
        let stage = Stage::find(self.stage);
        let _on_stage = stage.enter(run.attempt);
        let act = self.acts.get(usize::from(run.attempt) - 1).or(self.acts.last()).expect("an act");
        let outcome = self.act(act, &stage, run, deps).await;
        lock(&stage.seen).ended.push(match &outcome {
            Ok(finished) => format!("{finished:?}"),
            Err(failure) => failure.to_string(),
        });
        outcome
    }

    async fn act(&self, act: &Act, stage: &Stage, run: &Run, deps: &Deps) -> Outcome {
        let curtain = || async {
            let mut curtain = stage.curtain.subscribe();
            _ = curtain.wait_for(|open| *open >= run.attempt).await;
        };
        match act {
            Act::Effect => self.effect(run, deps).await,
            Act::WaitThenEffect => {
                curtain().await;
                self.effect(run, deps).await
            }
            Act::WaitThenNothing => {
                curtain().await;
                Ok(Finished::Unmarked)
            }
            Act::WaitThenFail => {
                curtain().await;
                Err(Failure::Retry(anyhow!("it failed late")))
            }
            Act::WaitThenGiveUp => {
                curtain().await;
                Err(Failure::GiveUp(anyhow!("it gave up late")))
            }
            Act::KeepConnection => {
                let _connection = deps.db.pool().acquire().await?;
                curtain().await;
                Ok(Finished::Unmarked)
            }
            Act::Hang => std::future::pending().await,
            Act::Block => {
                while *stage.curtain.borrow() < run.attempt {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(Finished::Unmarked)
            }
            Act::Fail(text) => Err(Failure::Retry(anyhow!(text.replace('␀', "\0")))),
            Act::GiveUp(text) => Err(Failure::GiveUp(anyhow!("{text}"))),
            Act::NotYet => Err(Failure::NotYet(Duration::from_millis(1))),
            Act::FirstNotYet if stage.seen().begun.len() == 1 => {
                curtain().await;
                Err(Failure::NotYet(Duration::ZERO))
            }
            Act::FirstNotYet => {
                let mut curtain = stage.curtain.subscribe();
                _ = curtain.wait_for(|open| *open > run.attempt).await;
                self.effect(run, deps).await
            }
            Act::NotYetForAges => Err(Failure::NotYet(Duration::MAX)),
            Act::Panic => panic!("the act panics"),
            Act::PanicWhenDropped => {
                let _bomb = Bomb;
                std::future::pending().await
            }
        }
    }

    async fn effect(&self, run: &Run, deps: &Deps) -> Outcome {
        let mut tx = deps.db.begin().await?;
        sqlx::query("insert into effects (stage, job_id) values ($1, $2)")
            .bind(self.stage)
            .bind(run.job_id.0)
            .execute(&mut *tx)
            .await?;
        // Long enough that others may come in between, if they can.
        time::sleep(Duration::from_millis(1)).await;
        run.finish(tx).await
    }

    async fn die(&self, conn: &mut PgConnection, death: Death<'_>) -> Result<(), sqlx::Error> {
        if self.funeral == Funeral::Wait {
            sqlx::query("lock table deaths").execute(&mut *conn).await?;
        }
        sqlx::query("insert into deaths (stage, error) values ($1, $2)")
            .bind(self.stage)
            .bind(death.error)
            .execute(&mut *conn)
            .await?;
        match self.funeral {
            Funeral::Note | Funeral::Wait => Ok(()),
            Funeral::Panic => panic!("the funeral panics"),
            Funeral::Refused => {
                sqlx::query("insert into deaths (stage) values (null)").execute(conn).await.map(drop)
            }
        }
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:literal, $queue:ident, $timeout_ms:literal;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Debug, Serialize, Deserialize)]
            pub(super) struct $name(pub(super) Script);

            impl Job for $name {
                const KIND: &'static str = $kind;
                const QUEUE: QueueName = QueueName::$queue;
                const MAX_ATTEMPTS: u16 = 3;
                const TIMEOUT: Duration = Duration::from_millis($timeout_ms);

                fn key(&self) -> Option<String> {
                    self.0.key.clone()
                }

                async fn on_dead(&self, conn: &mut PgConnection, death: Death<'_>) -> Result<(), sqlx::Error> {
                    self.0.die(conn, death).await
                }
            }

            impl Perform for $name {
                async fn perform(&self, run: &Run, deps: &Deps) -> Outcome {
                    self.0.perform(run, deps).await
                }
            }
        )+

        /// A registry of these kinds.
        pub(super) fn registry() -> Registry {
            Registry::new(Clock::system(), trade())$(.with::<$name>())+
        }
    };
}

/// The registry of an earlier release, which knows but one kind.
pub(super) fn earlier_registry() -> Registry {
    Registry::new(Clock::system(), trade()).with::<ShortPlay>()
}

kinds! {
    /// A job of the queue `mail`.
    Play: "play", MAIL, 60_000;
    /// One with hardly any time.
    ShortPlay: "short_play", MAIL, 50;
    /// One of the queue `imports`.
    Opera: "opera", IMPORTS, 60_000;
}
