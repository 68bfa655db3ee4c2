//! Where orders and their parts stand, and the moves that are legal.

use serde::{Deserialize, Serialize};

use crate::accounts::Role;

/// Where a supplier order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SupplierOrderStatus {
    /// Confirmed by the buyer; the supplier has not looked yet.
    New,
    /// The supplier will deliver it.
    Confirmed,
    /// It is packed.
    Assembled,
    /// It is on its way; its goods have left the stock.
    Sent,
    /// It has arrived.
    Delivered,
    /// The supplier will not deliver it.
    Refused,
    /// It was called off.
    Canceled,
}

impl SupplierOrderStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Confirmed,
        Self::Assembled,
        Self::Sent,
        Self::Delivered,
        Self::Refused,
        Self::Canceled,
    ];

    /// Its word in URLs, answers, templates and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Confirmed => "confirmed",
            Self::Assembled => "assembled",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Canceled => "canceled",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether a part may go from here to `next`.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::New => matches!(next, Self::Confirmed | Self::Refused | Self::Canceled),
            Self::Confirmed => matches!(next, Self::Assembled | Self::Canceled),
            Self::Assembled => matches!(next, Self::Sent | Self::Canceled),
            Self::Sent => matches!(next, Self::Delivered),
            Self::Delivered | Self::Refused | Self::Canceled => false,
        }
    }

    /// Whether somebody of this role may move a part here.
    #[must_use]
    pub fn may_be_set_by(self, role: Role) -> bool {
        match self {
            Self::New => false,
            Self::Confirmed | Self::Assembled | Self::Sent | Self::Refused => role != Role::Buyer,
            Self::Delivered | Self::Canceled => true,
        }
    }

    /// Whether it will not be delivered, whoever said so.
    #[must_use]
    pub fn is_called_off(self) -> bool {
        matches!(self, Self::Refused | Self::Canceled)
    }

    /// What the move into this status does to the stock of the part's lines.
    #[must_use]
    pub fn stock_effect(self) -> Option<StockEffect> {
        match self {
            Self::Sent => Some(StockEffect::Ship),
            Self::Refused | Self::Canceled => Some(StockEffect::Release),
            Self::New | Self::Confirmed | Self::Assembled | Self::Delivered => None,
        }
    }
}

/// What becomes of reserved goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockEffect {
    /// They leave both stock and reservation; stock stops at zero.
    Ship,
    /// They can be ordered by others again.
    Release,
}

/// Where an order stands; it follows from its parts. The database's `order_status` says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OrderStatus {
    /// No part has moved.
    New,
    /// Some part has moved.
    InProgress,
    /// Every part that was not called off has arrived.
    Delivered,
    /// Every part was called off.
    Canceled,
}

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::New, Self::InProgress, Self::Delivered, Self::Canceled];

    /// The status that follows from those of the parts.
    #[must_use]
    pub fn of(parts: impl IntoIterator<Item = SupplierOrderStatus>) -> Self {
        use SupplierOrderStatus::{Delivered, New};
        let parts: Vec<_> = parts.into_iter().collect();
        let mut left = parts.iter().filter(|part| !part.is_called_off()).peekable();
        if parts.iter().all(|part| *part == New) {
            Self::New
        } else if left.peek().is_none() {
            Self::Canceled
        } else if left.all(|part| *part == Delivered) {
            Self::Delivered
        } else {
            Self::InProgress
        }
    }

    /// Where parts stand of which an order that stands here has one at least.
    #[must_use]
    pub fn of_some_part(self) -> &'static [SupplierOrderStatus] {
        use SupplierOrderStatus::{Assembled, Canceled, Confirmed, Delivered, New, Refused, Sent};
        match self {
            Self::New => &[New],
            Self::InProgress => &[New, Confirmed, Assembled, Sent],
            Self::Delivered => &[Delivered],
            Self::Canceled => &[Canceled, Refused],
        }
    }

    /// Its word in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::InProgress => "in_progress",
            Self::Delivered => "delivered",
            Self::Canceled => "canceled",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{SupplierOrderStatus::*, *};

    #[test]
    fn exactly_the_moves_of_the_diagram_are_legal() {
        let legal: Vec<_> = SupplierOrderStatus::ALL
            .into_iter()
            .flat_map(|from| SupplierOrderStatus::ALL.map(|to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .collect();
        assert_eq!(
            legal,
            [
                (New, Confirmed),
                (New, Refused),
                (New, Canceled),
                (Confirmed, Assembled),
                (Confirmed, Canceled),
                (Assembled, Sent),
                (Assembled, Canceled),
                (Sent, Delivered),
            ]
        );
    }

    #[test]
    fn a_buyer_may_cancel_and_receive_and_nothing_else() {
        let may: Vec<_> =
            SupplierOrderStatus::ALL.into_iter().filter(|to| to.may_be_set_by(Role::Buyer)).collect();
        assert_eq!(may, [Delivered, Canceled]);
        assert!(!New.may_be_set_by(Role::Staff));
    }

    #[test]
    fn an_order_stands_where_its_parts_leave_it() {
        for (parts, status) in [
            (vec![New, New], OrderStatus::New),
            (vec![New, Confirmed], OrderStatus::InProgress),
            (vec![New, Canceled], OrderStatus::InProgress),
            (vec![Refused, Canceled], OrderStatus::Canceled),
            (vec![Delivered, Canceled], OrderStatus::Delivered),
            (vec![Delivered, Sent], OrderStatus::InProgress),
        ] {
            assert_eq!(OrderStatus::of(parts.clone()), status, "{parts:?}");
        }
    }

    fn any_status() -> impl Strategy<Value = SupplierOrderStatus> {
        proptest::sample::select(SupplierOrderStatus::ALL.as_slice())
    }

    proptest! {
        #[test]
        fn an_order_has_a_part_where_one_of_its_status_must(parts in prop::collection::vec(any_status(), 1..6)) {
            let wanted = OrderStatus::of(parts.clone()).of_some_part();
            prop_assert!(parts.iter().any(|part| wanted.contains(part)));
        }

        #[test]
        fn every_walk_ends_and_touches_the_stock_exactly_once(steps in prop::collection::vec(any_status(), 0..40)) {
            let mut at = New;
            let mut effects = 0;
            for step in steps {
                if at.may_become(step) {
                    at = step;
                    effects += usize::from(at.stock_effect().is_some());
                }
            }
            prop_assert_eq!(effects, usize::from(matches!(at, Sent | Delivered | Refused | Canceled)));
        }
    }
}
