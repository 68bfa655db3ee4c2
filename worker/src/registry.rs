//! Which jobs this program knows, and how each is done.

use std::{collections::HashMap, future::Future, marker::PhantomData, pin::Pin, sync::Arc, time::Duration};

use anyhow::anyhow;
use common::{
    clock::Clock,
    config::TradeSettings,
    queue::{Doing, Failure, Job, Kinds, KnownKinds, Outcome, QueueName, Retrial, Run, decode},
};
use serde_json::Value;
use sqlx::PgConnection;

use crate::deps::Deps;

/// How a [`Job`] is done. It may be done twice: what it does to the database, and the mark that it did, belong
/// into one transaction, which [`Run::finish`] ends.
pub trait Perform: Job {
    /// One attempt.
    fn perform(&self, run: &Run, deps: &Deps) -> impl Future<Output = Outcome> + Send;
}

/// When a job of an unknown kind may be looked at again.
const UNKNOWN_AGAIN_AFTER: Duration = Duration::from_secs(30);

type Performing<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// A kind of job, its payload's type forgotten.
trait Kind: Send + Sync {
    fn queue(&self) -> QueueName;
    fn timeout(&self) -> Duration;
    fn perform<'a>(&'a self, payload: &'a Value, run: &'a Run, deps: &'a Deps) -> Performing<'a>;
}

struct KindOf<J>(PhantomData<fn() -> J>);

impl<J: Perform> Kind for KindOf<J> {
    fn queue(&self) -> QueueName {
        J::QUEUE
    }

    fn timeout(&self) -> Duration {
        J::TIMEOUT
    }

    fn perform<'a>(&'a self, payload: &'a Value, run: &'a Run, deps: &'a Deps) -> Performing<'a> {
        Box::pin(async move {
            let job: J = decode(payload).map_err(|error| {
                let read = anyhow!(error).context(format!("the payload is not one of {}", J::KIND));
                Failure::GiveUp(read)
            })?;
            job.perform(run, deps).await
        })
    }
}

/// The jobs a program knows, by kind.
pub struct Registry {
    kinds: HashMap<&'static str, Box<dyn Kind>>,
    known: KnownKinds,
}

impl Registry {
    /// One that knows no jobs yet.
    #[must_use]
    pub fn new(clock: Clock, trade: TradeSettings) -> Self {
        Self { kinds: HashMap::new(), known: KnownKinds::new(clock, trade) }
    }

    /// Every job of Postavka.
    #[must_use]
    pub fn of_postavka(clock: Clock, trade: TradeSettings) -> Self {
        common::every_job!(Self::new(clock, trade))
    }

    /// This registry, with one kind more.
    #[must_use]
    pub fn with<J: Perform>(mut self) -> Self {
        self.kinds.insert(J::KIND, Box::new(KindOf::<J>(PhantomData)));
        self.known = self.known.with::<J>();
        self
    }

    /// The kinds that are known, with their queues.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, QueueName)> + '_ {
        self.kinds.iter().map(|(kind, job)| (*kind, job.queue()))
    }

    /// The kinds of a queue that are known.
    pub(crate) fn kinds_of(&self, queue: QueueName) -> Arc<[String]> {
        self.kinds().filter(|(_, of)| *of == queue).map(|(kind, _)| kind.to_owned()).collect()
    }

    /// How long an attempt at a job may take; unknown kinds are put back at once.
    pub(crate) fn timeout(&self, kind: &str) -> Duration {
        self.kinds.get(kind).map_or(Duration::from_secs(1), |kind| kind.timeout())
    }

    /// One attempt at a job.
    pub(crate) async fn perform(&self, kind: &str, payload: &Value, run: &Run, deps: &Deps) -> Outcome {
        match self.kinds.get(kind) {
            Some(known) => known.perform(payload, run, deps).await,
            // It is not even claimed; whoever knows it may be a release away.
            None => Err(Failure::NotYet(UNKNOWN_AGAIN_AFTER)),
        }
    }
}

impl Kinds for Registry {
    fn on_dead<'a>(
        &'a self,
        kind: &'a str,
        payload: &'a Value,
        conn: &'a mut PgConnection,
        error: &'a str,
    ) -> Doing<'a, ()> {
        self.known.on_dead(kind, payload, conn, error)
    }

    fn on_retry<'a>(
        &'a self,
        kind: &'a str,
        payload: &'a Value,
        conn: &'a mut PgConnection,
    ) -> Doing<'a, Retrial> {
        self.known.on_retry(kind, payload, conn)
    }

    fn preview<'a>(
        &'a self,
        kind: &'a str,
        payload: &'a Value,
        conn: &'a mut PgConnection,
    ) -> Doing<'a, Option<String>> {
        self.known.preview(kind, payload, conn)
    }
}
