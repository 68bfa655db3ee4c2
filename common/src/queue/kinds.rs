//! The kinds of jobs that a program knows, their payloads' types forgotten.

use std::{collections::HashMap, future::Future, marker::PhantomData, pin::Pin};

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Death, Job, Retrial};
use crate::{clock::Clock, config::TradeSettings};

/// What a kind does to the database, in the caller's transaction.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'a>>;

/// What the queue needs of kinds when a job dies without running, or is tried again.
pub trait Kinds: Send + Sync + 'static {
    /// Runs [`Job::on_dead`] of a job; does nothing for a kind or payload that is unknown.
    fn on_dead<'a>(
        &'a self,
        kind: &'a str,
        payload: &'a Value,
        conn: &'a mut PgConnection,
        error: &'a str,
    ) -> Doing<'a, ()>;

    /// Runs [`Job::on_retry`] of a job; one of an unknown kind is tried again just so.
    fn on_retry<'a>(
        &'a self,
        kind: &'a str,
        payload: &'a Value,
        conn: &'a mut PgConnection,
    ) -> Doing<'a, Retrial>;

    /// Runs [`Job::preview`] of a job; nothing is known of a kind or payload that is unknown.
    fn preview<'a>(
        &'a self,
        kind: &'a str,
        payload: &'a Value,
        conn: &'a mut PgConnection,
    ) -> Doing<'a, Option<String>>;
}

/// Every kind of job of Postavka, given to a registry in turn: whoever lists jobs repeats this list.
#[macro_export]
macro_rules! every_job {
    ($registry:expr) => {
        $registry
            .with::<$crate::mail::jobs::SendEmail>()
            .with::<$crate::imports::jobs::ImportPriceList>()
            .with::<$crate::imports::urls::jobs::FetchPriceList>()
            .with::<$crate::imports::urls::jobs::CheckPriceList>()
            .with::<$crate::imports::urls::jobs::FetchDuePriceLists>()
            .with::<$crate::payments::jobs::FinalizePayment>()
            .with::<$crate::payments::jobs::WatchPayment>()
            .with::<$crate::payments::jobs::RefundPayment>()
            .with::<$crate::payments::jobs::ExpireOrder>()
            .with::<$crate::payments::jobs::RemindOverdue>()
            .with::<$crate::catalog::jobs::RelistSupplier>()
            .with::<$crate::catalog::jobs::ClearPlaces>()
            .with::<$crate::janitor::jobs::CleanUp>()
    };
}

/// Kinds by their names.
pub struct KnownKinds {
    kinds: HashMap<&'static str, Box<dyn Kind>>,
    clock: Clock,
    trade: TradeSettings,
}

impl KnownKinds {
    /// None yet.
    #[must_use]
    pub fn new(clock: Clock, trade: TradeSettings) -> Self {
        Self { kinds: HashMap::new(), clock, trade }
    }

    /// Every kind of Postavka.
    #[must_use]
    pub fn of_postavka(clock: Clock, trade: TradeSettings) -> Self {
        every_job!(Self::new(clock, trade))
    }

    /// These, and one more.
    #[must_use]
    pub fn with<J: Job>(mut self) -> Self {
        self.kinds.insert(J::KIND, Box::new(KindOf::<J>(PhantomData)));
        self
    }
}

impl Kinds for KnownKinds {
    fn on_dead<'a>(
        &'a self,
        kind: &'a str,
        payload: &'a Value,
        conn: &'a mut PgConnection,
        error: &'a str,
    ) -> Doing<'a, ()> {
        let death = Death { now: self.clock.now(), error, trade: &self.trade };
        match self.kinds.get(kind) {
            Some(known) => known.on_dead(payload, conn, death),
            None => Box::pin(async { Ok(()) }),
        }
    }

    fn on_retry<'a>(
        &'a self,
        kind: &'a str,
        payload: &'a Value,
        conn: &'a mut PgConnection,
    ) -> Doing<'a, Retrial> {
        match self.kinds.get(kind) {
            Some(known) => known.on_retry(payload, conn, self.clock.now()),
            None => Box::pin(async { Ok(Retrial::Again) }),
        }
    }

    fn preview<'a>(
        &'a self,
        kind: &'a str,
        payload: &'a Value,
        conn: &'a mut PgConnection,
    ) -> Doing<'a, Option<String>> {
        match self.kinds.get(kind) {
            Some(known) => known.preview(payload, conn),
            None => Box::pin(async { Ok(None) }),
        }
    }
}

trait Kind: Send + Sync {
    fn on_dead<'a>(
        &'a self,
        payload: &'a Value,
        conn: &'a mut PgConnection,
        death: Death<'a>,
    ) -> Doing<'a, ()>;
    fn on_retry<'a>(
        &'a self,
        payload: &'a Value,
        conn: &'a mut PgConnection,
        now: OffsetDateTime,
    ) -> Doing<'a, Retrial>;
    fn preview<'a>(&'a self, payload: &'a Value, conn: &'a mut PgConnection) -> Doing<'a, Option<String>>;
}

struct KindOf<J>(PhantomData<fn() -> J>);

impl<J: Job> Kind for KindOf<J> {
    fn on_dead<'a>(
        &'a self,
        payload: &'a Value,
        conn: &'a mut PgConnection,
        death: Death<'a>,
    ) -> Doing<'a, ()> {
        Box::pin(async move {
            match decode::<J>(payload) {
                Ok(job) => job.on_dead(conn, death).await,
                // It never was a job of this kind: there is nothing that it is about.
                Err(_) => Ok(()),
            }
        })
    }

    fn on_retry<'a>(
        &'a self,
        payload: &'a Value,
        conn: &'a mut PgConnection,
        now: OffsetDateTime,
    ) -> Doing<'a, Retrial> {
        Box::pin(async move {
            match decode::<J>(payload) {
                Ok(job) => job.on_retry(conn, now).await,
                Err(_) => Ok(Retrial::Pointless("its payload cannot be read as one of its kind")),
            }
        })
    }

    fn preview<'a>(&'a self, payload: &'a Value, conn: &'a mut PgConnection) -> Doing<'a, Option<String>> {
        Box::pin(async move {
            match decode::<J>(payload) {
                Ok(job) => job.preview(conn).await.map(Some),
                Err(_) => Ok(None),
            }
        })
    }
}

/// Reads a payload.
///
/// # Errors
/// When it is none of this kind.
pub fn decode<J: Job>(payload: &Value) -> Result<J, serde_json::Error> {
    serde_json::from_value(payload.clone())
}
