//! Which jobs this program knows, and how each is done.

use std::{collections::HashMap, future::Future, marker::PhantomData, pin::Pin, time::Duration};

use anyhow::anyhow;
use common::{
    clock::Clock,
    config::TradeSettings,
    queue::{Death, Failure, Job, Kinds, Outcome, QueueName, Run},
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

type Performing<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;
type Dying<'a> = Pin<Box<dyn Future<Output = Result<(), sqlx::Error>> + Send + 'a>>;

/// A kind of job, its payload's type forgotten.
trait Kind: Send + Sync {
    fn queue(&self) -> QueueName;
    fn timeout(&self) -> Duration;
    fn perform<'a>(&'a self, payload: &'a Value, run: &'a Run, deps: &'a Deps) -> Performing<'a>;
    fn on_dead<'a>(&'a self, payload: &'a Value, conn: &'a mut PgConnection, death: Death<'a>) -> Dying<'a>;
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
            let job: J = decode(payload).map_err(Failure::GiveUp)?;
            job.perform(run, deps).await
        })
    }

    fn on_dead<'a>(&'a self, payload: &'a Value, conn: &'a mut PgConnection, death: Death<'a>) -> Dying<'a> {
        Box::pin(async move {
            match decode::<J>(payload) {
                Ok(job) => job.on_dead(conn, death).await,
                // It never was a job of this kind: there is nothing that it is about.
                Err(_) => Ok(()),
            }
        })
    }
}

fn decode<J: Job>(payload: &Value) -> anyhow::Result<J> {
    serde_json::from_value(payload.clone())
        .map_err(|error| anyhow!("the payload is not one of {}: {error}", J::KIND))
}

/// The jobs a program knows, by kind.
pub struct Registry {
    kinds: HashMap<&'static str, Box<dyn Kind>>,
    clock: Clock,
    trade: TradeSettings,
}

impl Registry {
    /// One that knows no jobs yet.
    #[must_use]
    pub fn new(clock: Clock, trade: TradeSettings) -> Self {
        Self { kinds: HashMap::new(), clock, trade }
    }

    /// Every job of Postavka.
    #[must_use]
    pub fn of_postavka(clock: Clock, trade: TradeSettings) -> Self {
        Self::new(clock, trade)
            .with::<common::mail::jobs::SendEmail>()
            .with::<common::imports::jobs::ImportPriceList>()
            .with::<common::payments::jobs::FinalizePayment>()
            .with::<common::payments::jobs::WatchPayment>()
            .with::<common::payments::jobs::RefundPayment>()
            .with::<common::payments::jobs::ExpireOrder>()
            .with::<common::payments::jobs::RemindOverdue>()
            .with::<common::catalog::jobs::RelistSupplier>()
    }

    /// This registry, with one kind more.
    #[must_use]
    pub fn with<J: Perform>(mut self) -> Self {
        self.kinds.insert(J::KIND, Box::new(KindOf::<J>(PhantomData)));
        self
    }

    /// The kinds that are known, with their queues.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, QueueName)> + '_ {
        self.kinds.iter().map(|(kind, job)| (*kind, job.queue()))
    }

    /// How long an attempt at a job may take; unknown kinds fail at once.
    pub(crate) fn timeout(&self, kind: &str) -> Duration {
        self.kinds.get(kind).map_or(Duration::from_secs(1), |kind| kind.timeout())
    }

    /// One attempt at a job.
    pub(crate) async fn perform(&self, kind: &str, payload: &Value, run: &Run, deps: &Deps) -> Outcome {
        match self.kinds.get(kind) {
            Some(known) => known.perform(payload, run, deps).await,
            None => Err(Failure::GiveUp(anyhow!("this worker knows no job of the kind {kind:?}"))),
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
    ) -> Dying<'a> {
        let death = Death { now: self.clock.now(), error, trade: &self.trade };
        match self.kinds.get(kind) {
            Some(known) => known.on_dead(payload, conn, death),
            None => Box::pin(async { Ok(()) }),
        }
    }
}
