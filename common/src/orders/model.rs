//! Orders, their parts, and the moves that are legal.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use crate::{
    accounts::Role,
    addresses::Address,
    ids::{AddressId, OfferId, OrderId, OrganizationId, SupplierId, SupplierOrderId, UserId},
    money::Money,
    payments::{OrderPaymentStatus, Payment, Standing},
};

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

    /// Whether nothing will be delivered of it.
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

/// Where an order stands; it follows from its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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
    /// The status that follows from those of the parts.
    #[must_use]
    pub fn of(parts: impl IntoIterator<Item = SupplierOrderStatus>) -> Self {
        use SupplierOrderStatus::{Canceled, Delivered, New, Refused};
        let parts: Vec<_> = parts.into_iter().collect();
        let mut left = parts.iter().filter(|part| !matches!(part, Canceled | Refused)).peekable();
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
}

/// How a buyer will pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PaymentMethod {
    /// By invoice, with net terms.
    Invoice,
    /// By card, through a provider.
    Card,
}

impl PaymentMethod {
    /// `invoice` or `card`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Card => "card",
        }
    }
}

/// Who acts on an order.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// The person.
    pub user_id: UserId,
    /// Their organization.
    pub organization_id: OrganizationId,
    /// Buyer, supplier or staff.
    pub role: Role,
}

/// Where an order goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// One of the organization's saved addresses.
    Saved(AddressId),
    /// One of its own.
    New(Box<Address>),
}

/// An order about to be placed from its buyer's basket.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Who orders.
    pub buyer: Actor,
    /// Where the goods go.
    pub destination: Destination,
    /// Anything the suppliers should know.
    pub comment: Option<String>,
    /// The date asked for.
    pub deliver_on: Option<Date>,
    /// The buyer's own number for it.
    pub purchase_number: Option<String>,
    /// How it will be paid.
    pub payment_method: PaymentMethod,
    /// The total the buyer agrees to, whatever the prices were before.
    pub expected_total: Option<Money>,
}

/// An order with all its parts.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which one.
    pub id: OrderId,
    /// Its number, for people.
    pub number: String,
    /// When it was confirmed.
    pub created_at: OffsetDateTime,
    /// The sum of its parts.
    pub total: Money,
    /// The currency's code.
    pub currency: String,
    /// Where it goes.
    pub address: Address,
    /// Anything the suppliers should know.
    pub comment: Option<String>,
    /// The date asked for.
    pub deliver_on: Option<Date>,
    /// The buyer's own number for it.
    pub purchase_number: Option<String>,
    /// How it will be paid.
    pub payment_method: PaymentMethod,
    /// Its parts by supplier.
    pub parts: Vec<SupplierOrder>,
    /// Its payments, the oldest first.
    pub payments: Vec<Payment>,
}

impl Order {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        OrderStatus::of(self.parts.iter().map(|part| part.status))
    }

    /// How it stands with its money.
    #[must_use]
    pub fn payment_status(&self) -> OrderPaymentStatus {
        let left = self.parts.iter().filter(|part| !part.status.is_called_off());
        let wanted = left.fold(Money::ZERO, |sum, part| sum.checked_add(part.subtotal).unwrap_or(Money::MAX));
        OrderPaymentStatus::of(&Standing::of(wanted, &self.payments))
    }
}

/// The part of an order that one supplier fulfils.
#[derive(Clone, Debug)]
pub struct SupplierOrder {
    /// Which one.
    pub id: SupplierOrderId,
    /// Of which order.
    pub order_id: OrderId,
    /// Who fulfils it.
    pub supplier_id: SupplierId,
    /// Their name.
    pub supplier_name: String,
    /// Where it stands.
    pub status: SupplierOrderStatus,
    /// The sum of its lines.
    pub subtotal: Money,
    /// Its lines.
    pub lines: Vec<OrderLine>,
    /// How it came to where it stands.
    pub history: Vec<HistoryEntry>,
}

/// One offer in an order, as it was at confirmation.
#[derive(Clone, Debug)]
pub struct OrderLine {
    /// Which offer.
    pub offer_id: OfferId,
    /// The product's name.
    pub product_name: String,
    /// The supplier's own id of it.
    pub sku: String,
    /// The price of a piece.
    pub price: Money,
    /// Pieces.
    pub quantity: i32,
    /// The price of all pieces.
    pub sum: Money,
}

/// One step of a supplier order.
#[derive(Clone, Debug)]
pub struct HistoryEntry {
    /// Where it came to stand.
    pub status: SupplierOrderStatus,
    /// When.
    pub at: OffsetDateTime,
    /// `buyer`, `supplier`, `staff` or `system`.
    pub by: String,
    /// What they said about it.
    pub comment: Option<String>,
}

/// An order in its buyer's list.
#[derive(Clone, Debug)]
pub struct OrderSummary {
    /// Which one.
    pub id: OrderId,
    /// Its number, for people.
    pub number: String,
    /// When it was confirmed.
    pub created_at: OffsetDateTime,
    /// The sum of its parts.
    pub total: Money,
    /// The currency's code.
    pub currency: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// How it stands with its money.
    pub payment_status: OrderPaymentStatus,
}

/// A supplier order in its supplier's list, with what the supplier needs to know of the order.
#[derive(Clone, Debug)]
pub struct SupplierOrderSummary {
    /// The part itself.
    pub part: SupplierOrder,
    /// The order's number.
    pub order_number: String,
    /// When it was confirmed.
    pub created_at: OffsetDateTime,
    /// The currency's code.
    pub currency: String,
    /// Who bought: the organization.
    pub buyer_name: String,
    /// Where it goes, and to whom.
    pub address: Address,
    /// Anything the supplier should know.
    pub comment: Option<String>,
    /// The date asked for.
    pub deliver_on: Option<Date>,
}

/// Which supplier orders to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartFilter {
    /// Only those that stand there.
    pub status: Option<SupplierOrderStatus>,
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
