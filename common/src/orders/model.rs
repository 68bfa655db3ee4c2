//! Orders, their parts and their lines.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use super::{OrderStatus, SupplierOrderStatus};
use crate::{
    accounts::Role,
    addresses::Address,
    ids::{AddressId, OfferId, OrderId, OrganizationId, SupplierId, SupplierOrderId, UserId},
    money::Money,
    payments::{OrderPaymentStatus, Payment, Standing},
    vat::VatRate,
};

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

/// By whom something is done.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// By somebody.
    Person(Actor),
    /// By nobody: its time was up, or what a provider said is repeated.
    System,
}

impl By {
    /// The person, where it is one.
    #[must_use]
    pub fn user_id(self) -> Option<UserId> {
        match self {
            Self::Person(actor) => Some(actor.user_id),
            Self::System => None,
        }
    }

    /// Their organization.
    #[must_use]
    pub fn organization_id(self) -> Option<OrganizationId> {
        match self {
            Self::Person(actor) => Some(actor.organization_id),
            Self::System => None,
        }
    }

    /// Their role; none when it is nobody.
    #[must_use]
    pub fn role(self) -> Option<Role> {
        match self {
            Self::Person(actor) => Some(actor.role),
            Self::System => None,
        }
    }

    /// Its word in histories, letters and statements: `buyer`, `supplier`, `staff` or `system`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.role().map_or("system", Role::as_str)
    }
}

impl From<Actor> for By {
    fn from(actor: Actor) -> Self {
        Self::Person(actor)
    }
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
    /// Until when it waits for its card payment, before it is called off; none when it does not wait.
    pub pay_until: Option<OffsetDateTime>,
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
    /// The rate of the VAT that is in the price, where the supplier said it.
    pub vat_rate: Option<VatRate>,
    /// What a piece is.
    pub unit: Option<String>,
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

/// Which orders to list, or which parts of them; everything is left out that one of these does not fit.
#[derive(Clone, Debug)]
pub struct Filter<Status> {
    /// Those that stand there.
    pub status: Option<Status>,
    /// Those confirmed then or later.
    pub created_from: Option<OffsetDateTime>,
    /// Those confirmed before.
    pub created_to: Option<OffsetDateTime>,
    /// Those with this text in their number, or in the buyer's own.
    pub q: Option<String>,
}

impl<Status> Default for Filter<Status> {
    fn default() -> Self {
        Self { status: None, created_from: None, created_to: None, q: None }
    }
}

/// What somebody names of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// All of it.
    Whole(OrderId),
    /// One part of it.
    PartOf(OrderId, SupplierOrderId),
    /// One part, of whichever order.
    Part(SupplierOrderId),
}

impl Named {
    /// The order, where it is named.
    #[must_use]
    pub fn order_id(self) -> Option<OrderId> {
        match self {
            Self::Whole(order_id) | Self::PartOf(order_id, _) => Some(order_id),
            Self::Part(_) => None,
        }
    }

    /// The part, where one is named.
    #[must_use]
    pub fn part_id(self) -> Option<SupplierOrderId> {
        match self {
            Self::Whole(_) => None,
            Self::PartOf(_, part_id) | Self::Part(part_id) => Some(part_id),
        }
    }
}
