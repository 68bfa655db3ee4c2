//! Payments and refunds, and the moves that are legal.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use crate::{
    ids::{OrderId, PaymentId, RefundId, SupplierOrderId},
    money::Money,
};

/// How a payment pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PaymentKind {
    /// By bank transfer, for one part of an order.
    Invoice,
    /// By card through a provider, for all of an order.
    Card,
}

impl PaymentKind {
    /// `invoice` or `card`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Card => "card",
        }
    }
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PaymentStatus {
    /// An invoice that waits for its money.
    Invoiced,
    /// A card payment that the provider has not answered for yet.
    Pending,
    /// The buyer is to pay at the provider's page.
    RequiresAction,
    /// The money is held.
    Authorized,
    /// The money is ours.
    Captured,
    /// The provider refused.
    Failed,
    /// It was called off.
    Canceled,
    /// Nobody paid, or nobody took the money, in time.
    Expired,
}

impl PaymentStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Invoiced,
        Self::Pending,
        Self::RequiresAction,
        Self::Authorized,
        Self::Captured,
        Self::Failed,
        Self::Canceled,
        Self::Expired,
    ];

    /// Its word in answers and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invoiced => "invoiced",
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// Where a payment of this kind begins.
    #[must_use]
    pub fn start(kind: PaymentKind) -> Self {
        match kind {
            PaymentKind::Invoice => Self::Invoiced,
            PaymentKind::Card => Self::Pending,
        }
    }

    /// Whether a payment may go from here to `next`.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use PaymentStatus::{
            Authorized, Canceled, Captured, Expired, Failed, Invoiced, Pending, RequiresAction,
        };
        match self {
            Invoiced => matches!(next, Captured | Canceled),
            Pending => matches!(next, RequiresAction | Failed | Canceled | Expired),
            RequiresAction => matches!(next, Authorized | Failed | Canceled | Expired),
            Authorized => matches!(next, Captured | Failed | Canceled | Expired),
            Captured | Failed | Canceled | Expired => false,
        }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_final(self) -> bool {
        !Self::ALL.into_iter().any(|next| self.may_become(next))
    }

    /// The shortest legal way to a status, without where it starts: a provider may tell us of a step only when the
    /// one after it was taken too. `None` when there is no way; empty when it stands there.
    #[must_use]
    pub fn way_to(self, to: Self) -> Option<Vec<Self>> {
        if self == to {
            return Some(Vec::new());
        }
        let nexts = Self::ALL.into_iter().filter(|next| self.may_become(*next));
        let ways = nexts.filter_map(|next| {
            let mut way = vec![next];
            way.extend(next.way_to(to)?);
            Some(way)
        });
        ways.min_by_key(Vec::len)
    }
}

/// Where a refund stands: `pending → succeeded | failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RefundStatus {
    /// The provider is being asked for it.
    Pending,
    /// The money went back.
    Succeeded,
    /// The provider refused; somebody must look.
    Failed,
}

impl RefundStatus {
    /// Its word in answers and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Money on its way back, or back.
#[derive(Clone, Debug, Deserialize)]
pub struct Refund {
    /// Which one; also its idempotency key at the provider.
    pub id: RefundId,
    /// The part that it is for, where it is for one.
    pub part_id: Option<SupplierOrderId>,
    /// How much, in minor units as the database keeps it.
    pub amount_minor: i64,
    /// Where it stands.
    pub status: RefundStatus,
    /// Why.
    pub reason: String,
}

impl Refund {
    /// How much.
    #[must_use]
    pub fn amount(&self) -> Money {
        Money::from_minor(self.amount_minor).unwrap_or_default()
    }
}

/// One attempt to pay.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Which one; also its idempotency key at the provider.
    pub id: PaymentId,
    /// Of which order.
    pub order_id: OrderId,
    /// The part that an invoice pays.
    pub part_id: Option<SupplierOrderId>,
    /// How.
    pub kind: PaymentKind,
    /// Where it stands.
    pub status: PaymentStatus,
    /// How much was asked for.
    pub amount: Money,
    /// The currency's code.
    pub currency: String,
    /// How much came.
    pub captured: Money,
    /// How much of it went back.
    pub refunded: Money,
    /// How much of it is still to go back by hand, since its part was called off: of an invoice only. A card is
    /// refunded by itself.
    pub refund_due: Money,
    /// An invoice's number.
    pub number: Option<String>,
    /// The last day to pay an invoice.
    pub due_on: Option<Date>,
    /// Since when that day is over, and the buyer was reminded.
    pub overdue_at: Option<OffsetDateTime>,
    /// The day on which an invoice was paid.
    pub paid_on: Option<Date>,
    /// The bank's reference of that.
    pub reference: Option<String>,
    /// Who handles the card.
    pub provider: Option<String>,
    /// Where the buyer goes to pay; none when nothing of the order is left to pay.
    pub redirect_url: Option<String>,
    /// Why it failed, in the provider's word.
    pub failure: Option<String>,
    /// What the provider says that does not agree with us.
    pub disagreement: Option<String>,
    /// When it was begun.
    pub created_at: OffsetDateTime,
    /// What went back, or is on its way.
    pub refunds: Vec<Refund>,
}

impl Payment {
    /// Whether it is an open invoice past its due date.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.status == PaymentStatus::Invoiced && self.overdue_at.is_some()
    }

    /// The word that is shown: its status, or `overdue`.
    #[must_use]
    pub fn shown_status(&self) -> &'static str {
        if self.is_overdue() { "overdue" } else { self.status.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{PaymentStatus::*, *};

    #[test]
    fn exactly_the_moves_of_the_diagram_are_legal() {
        let all = PaymentStatus::ALL;
        let legal: Vec<_> = all
            .into_iter()
            .flat_map(|from| all.map(|to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .collect();
        assert_eq!(
            legal,
            [
                (Invoiced, Captured),
                (Invoiced, Canceled),
                (Pending, RequiresAction),
                (Pending, Failed),
                (Pending, Canceled),
                (Pending, Expired),
                (RequiresAction, Authorized),
                (RequiresAction, Failed),
                (RequiresAction, Canceled),
                (RequiresAction, Expired),
                (Authorized, Captured),
                (Authorized, Failed),
                (Authorized, Canceled),
                (Authorized, Expired),
            ]
        );
    }

    #[test]
    fn a_step_that_was_not_heard_of_is_made_up_for() {
        assert_eq!(Pending.way_to(Captured), Some(vec![RequiresAction, Authorized, Captured]));
        assert_eq!(RequiresAction.way_to(Canceled), Some(vec![Canceled]));
        assert_eq!(Captured.way_to(Captured), Some(vec![]));
        assert_eq!(Captured.way_to(Canceled), None);
        assert_eq!(Expired.way_to(Authorized), None);
    }

    fn any_status() -> impl Strategy<Value = PaymentStatus> {
        prop::sample::select(PaymentStatus::ALL.as_slice())
    }

    proptest! {
        #[test]
        fn every_way_is_made_of_legal_moves(from in any_status(), to in any_status()) {
            if let Some(way) = from.way_to(to) {
                let mut at = from;
                for step in way {
                    prop_assert!(at.may_become(step));
                    at = step;
                }
                prop_assert_eq!(at, to);
            }
        }

        #[test]
        fn no_walk_leaves_an_end(steps in prop::collection::vec(any_status(), 0..40)) {
            for start in [Invoiced, Pending] {
                let mut at = start;
                for step in &steps {
                    if at.may_become(*step) {
                        prop_assert!(!at.is_final());
                        at = *step;
                    }
                }
            }
        }
    }
}
