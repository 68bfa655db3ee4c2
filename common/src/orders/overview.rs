//! Orders as staff sees them: everybody's, at a glance.

use time::OffsetDateTime;

use super::{OrderStatus, PaymentMethod, SupplierOrderStatus};
use crate::{
    ids::{OrderId, OrganizationId, SupplierId, SupplierOrderId},
    money::Money,
    payments::OrderPaymentStatus,
};

/// An order, at a glance.
#[derive(Clone, Debug)]
pub struct OrderOverview {
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
    /// How it will be paid.
    pub payment_method: PaymentMethod,
    /// Whether it is.
    pub payment_status: OrderPaymentStatus,
    /// What a provider says of one of its payments that does not agree with us.
    pub disagreement: Option<String>,
    /// Who bought.
    pub buyer_id: OrganizationId,
    /// Their name.
    pub buyer_name: String,
    /// Its parts by supplier.
    pub parts: Vec<PartOverview>,
}

impl OrderOverview {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        OrderStatus::of(self.parts.iter().map(|part| part.status))
    }
}

/// A part of an order, at a glance.
#[derive(Clone, Debug)]
pub struct PartOverview {
    /// Which one.
    pub id: SupplierOrderId,
    /// Who fulfils it.
    pub supplier_id: SupplierId,
    /// Their name.
    pub supplier_name: String,
    /// Where it stands.
    pub status: SupplierOrderStatus,
    /// The sum of its lines.
    pub subtotal: Money,
}

/// Which orders are asked for.
#[derive(Clone, Debug, Default)]
pub struct OverviewFilter {
    /// Only those that stand there.
    pub status: Option<OrderStatus>,
    /// Only those of which some part stands there.
    pub part_status: Option<SupplierOrderStatus>,
    /// Only those of which a part is this supplier's.
    pub supplier_id: Option<SupplierId>,
    /// Only this buyer's.
    pub buyer_id: Option<OrganizationId>,
    /// Only the one with this number.
    pub number: Option<String>,
}

impl OverviewFilter {
    /// Whether it leaves an order in.
    #[must_use]
    pub fn fits(&self, order: &OrderOverview) -> bool {
        let Self { status, part_status, supplier_id, buyer_id, number } = self;
        let any = |is: &dyn Fn(&PartOverview) -> bool| order.parts.iter().any(is);
        status.is_none_or(|status| order.status() == status)
            && part_status.is_none_or(|status| any(&|part| part.status == status))
            && supplier_id.is_none_or(|supplier| any(&|part| part.supplier_id == supplier))
            && buyer_id.is_none_or(|buyer| order.buyer_id == buyer)
            && number.as_ref().is_none_or(|number| order.number == *number)
    }
}
