//! The jobs of payments. Each asks the provider outside any transaction, for 10 s at most a question.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Date, Duration as Span, OffsetDateTime};

use super::{PaymentStatus, store};
use crate::{
    config::TradeSettings,
    ids::{OrderId, PaymentId, RefundId},
    orders,
    queue::{Job, QueueName, Retrial},
};

/// Time for a handful of questions.
const TIMEOUT: Duration = Duration::from_secs(90);

/// Asks the provider how a card payment stands, and does what follows: takes the money, lets go of it, gives some back.
///
/// It has no key where something of ours caused it: that may have happened after another one looked. Two at once do no
/// harm. What a provider tells us unasked anybody may make up: all notices of one second have one job, after it.
#[derive(Debug, Serialize, Deserialize)]
pub struct FinalizePayment {
    /// Which one.
    pub payment_id: PaymentId,
    /// The end of the second in which the provider told us something of it, in Unix time; none where we know ourselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed: Option<i64>,
}

impl FinalizePayment {
    /// The one for what we know ourselves.
    #[must_use]
    pub fn of(payment_id: PaymentId) -> Self {
        Self { payment_id, noticed: None }
    }
}

impl Job for FinalizePayment {
    const KIND: &'static str = "finalize_payment";
    const QUEUE: QueueName = QueueName::PAYMENTS;
    // Seven hours of a provider that is away; then `WatchPayment` goes on by itself. What needs no provider, the refund of
    // what was taken, does not wait for it.
    const MAX_ATTEMPTS: u16 = 20;
    const TIMEOUT: Duration = TIMEOUT;

    fn key(&self) -> Option<String> {
        self.noticed.map(|second| format!("notice {} {second}", self.payment_id))
    }

    async fn on_retry(&self, conn: &mut PgConnection, _: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        use PaymentStatus::{Canceled, Expired, Failed};
        let payment = store::find(conn, None, self.payment_id).await?;
        // What was taken may have to go back yet.
        let ended = payment.is_none_or(|payment| matches!(payment.status, Failed | Canceled | Expired));
        Ok(if ended { Retrial::Pointless("its payment has ended") } else { Retrial::Again })
    }

    async fn preview(&self, conn: &mut PgConnection) -> Result<String, sqlx::Error> {
        ask_about(conn, self.payment_id).await
    }
}

/// What settling a payment would do.
async fn ask_about(conn: &mut PgConnection, id: PaymentId) -> Result<String, sqlx::Error> {
    let payment = store::find(conn, None, id).await?;
    let status = payment.map_or("unknown", |payment| payment.status.as_str());
    Ok(format!("ask the provider about a payment that is {status}, and do what follows"))
}

/// Does the same from time to time while a card payment is open, for the notices that never come.
#[derive(Debug, Serialize, Deserialize)]
pub struct WatchPayment {
    /// Which one.
    pub payment_id: PaymentId,
}

impl WatchPayment {
    /// When it looks first: whoever began the payment has had their answer, or will have none.
    pub const FIRST_AFTER: Span = Span::seconds(15);

    /// When it looks again at a payment of this age: often while the buyer may be about to pay.
    #[must_use]
    pub fn again_after(age: Span) -> Duration {
        let (soonest, latest) = (Duration::from_secs(30), Duration::from_secs(30 * 60));
        Duration::try_from(age / 2).unwrap_or(soonest).clamp(soonest, latest)
    }
}

impl Job for WatchPayment {
    const KIND: &'static str = "watch_payment";
    const QUEUE: QueueName = QueueName::PAYMENTS;
    const MAX_ATTEMPTS: u16 = 20;
    const TIMEOUT: Duration = TIMEOUT;

    fn key(&self) -> Option<String> {
        Some(format!("watch {}", self.payment_id))
    }

    async fn on_retry(&self, conn: &mut PgConnection, _: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        let open = store::open_since(conn, self.payment_id).await?.is_some();
        Ok(if open { Retrial::Again } else { Retrial::Pointless("its payment is not open any more") })
    }

    async fn preview(&self, conn: &mut PgConnection) -> Result<String, sqlx::Error> {
        ask_about(conn, self.payment_id).await
    }
}

/// Gives money of a card payment back.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefundPayment {
    /// Which refund.
    pub refund_id: RefundId,
}

impl Job for RefundPayment {
    const KIND: &'static str = "refund_payment";
    const QUEUE: QueueName = QueueName::PAYMENTS;
    // Eighteen hours of a provider that is away. Then it is a dead letter: the refund stays `pending`, since nobody knows.
    const MAX_ATTEMPTS: u16 = 32;
    const TIMEOUT: Duration = TIMEOUT;

    fn key(&self) -> Option<String> {
        Some(format!("refund {}", self.refund_id))
    }

    async fn on_retry(&self, conn: &mut PgConnection, _: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        let pending = store::pending_refund(conn, self.refund_id).await?.is_some();
        Ok(if pending { Retrial::Again } else { Retrial::Pointless("its refund has ended") })
    }

    async fn preview(&self, conn: &mut PgConnection) -> Result<String, sqlx::Error> {
        let pending = store::pending_refund(conn, self.refund_id).await?;
        Ok(pending.map_or_else(
            || "find no refund to ask for".to_owned(),
            |pending| {
                let charge = pending.charge;
                format!("ask the provider to give {} {} back, unless it has", charge.amount, charge.currency)
            },
        ))
    }
}

/// Calls an order off whose card payment did not come in time. Until when it waits stands in the order: that may move
/// while this sleeps.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExpireOrder {
    /// Which order.
    pub order_id: OrderId,
}

impl Job for ExpireOrder {
    const KIND: &'static str = "expire_order";
    const QUEUE: QueueName = QueueName::PAYMENTS;
    const MAX_ATTEMPTS: u16 = 32;
    const TIMEOUT: Duration = TIMEOUT;

    fn key(&self) -> Option<String> {
        Some(format!("expire {}", self.order_id))
    }

    async fn on_retry(&self, conn: &mut PgConnection, now: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        let waits = orders::time_to_pay(conn, now, self.order_id).await?.is_some();
        Ok(if waits { Retrial::Again } else { Retrial::Pointless("its order waits for no payment any more") })
    }

    async fn preview(&self, _: &mut PgConnection) -> Result<String, sqlx::Error> {
        Ok("call an order off, unless its payment has come or has time yet".to_owned())
    }
}

/// Reminds of all invoices that were due by a day and are not paid. There is one for each day on which invoices are
/// due, however many they are.
#[derive(Debug, Serialize, Deserialize)]
pub struct RemindOverdue {
    /// The last day to pay them.
    pub due_on: Date,
}

impl RemindOverdue {
    /// When that day is over.
    #[must_use]
    pub fn run_at(&self, trade: &TradeSettings) -> OffsetDateTime {
        trade.start_of(self.due_on.next_day().unwrap_or(self.due_on))
    }
}

impl Job for RemindOverdue {
    const KIND: &'static str = "remind_overdue";
    const QUEUE: QueueName = QueueName::MAINTENANCE;
    const MAX_ATTEMPTS: u16 = 20;
    const TIMEOUT: Duration = Duration::from_secs(10 * 60);

    fn key(&self) -> Option<String> {
        Some(format!("overdue {}", self.due_on))
    }

    async fn on_retry(&self, conn: &mut PgConnection, _: OffsetDateTime) -> Result<Retrial, sqlx::Error> {
        let any = store::any_unmarked(conn, self.due_on).await?;
        Ok(if any { Retrial::Again } else { Retrial::Pointless("nobody is left to be reminded") })
    }

    async fn preview(&self, _: &mut PgConnection) -> Result<String, sqlx::Error> {
        Ok(format!("remind of unpaid invoices that were due by {}", self.due_on))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_is_looked_at_less_often_as_it_ages() {
        for (age_s, again_s) in [(-5, 30), (0, 30), (120, 60), (3600, 1800), (1_000_000, 1800)] {
            let again = WatchPayment::again_after(Span::seconds(age_s));
            assert_eq!(again, Duration::from_secs(again_s), "{age_s}");
        }
    }
}
