//! How much of an order its letters show. The data of a message are kept with it, for every recipient; and mail programs
//! cut off a letter that is longer than about 100 KB.

use serde::Serialize;

use super::{OrderLine, SupplierOrder};
use crate::{money::Money, vat::VatRate};

/// The most lines that a letter lists, over all parts.
const MOST_LINES: usize = 100;

/// The first parts of an order.
#[derive(Debug, Serialize)]
pub(super) struct ShownParts {
    parts: Vec<ShownPart>,
    /// How many are not among them.
    more_parts: Option<usize>,
}

/// One supplier's part.
#[derive(Debug, Serialize)]
pub(super) struct ShownPart {
    supplier: String,
    subtotal: Money,
    lines: Vec<ShownLine>,
    /// How many lines there are.
    lines_count: usize,
    /// How many of them are not shown.
    more_lines: Option<usize>,
}

#[derive(Debug, Serialize)]
struct ShownLine {
    name: String,
    sku: String,
    price: Money,
    /// The percent of VAT in it, where the supplier said that.
    vat_percent: Option<String>,
    /// Whether the supplier said that there is none.
    without_vat: bool,
    unit: Option<String>,
    quantity: i32,
    sum: Money,
}

impl ShownParts {
    /// Of these parts as many as there is room for, each with at least one of its lines.
    pub(super) fn of<'a>(parts: impl IntoIterator<Item = &'a SupplierOrder>) -> Self {
        let (mut room, mut more, mut shown) = (MOST_LINES, 0, Vec::new());
        for part in parts {
            if room == 0 {
                more += 1;
                continue;
            }
            let part = ShownPart::within(part, room);
            room -= part.lines.len();
            shown.push(part);
        }
        Self { parts: shown, more_parts: (more > 0).then_some(more) }
    }
}

impl ShownPart {
    /// The beginning of one part.
    pub(super) fn of(part: &SupplierOrder) -> Self {
        Self::within(part, MOST_LINES)
    }

    fn within(part: &SupplierOrder, room: usize) -> Self {
        let lines: Vec<_> = part.lines.iter().take(room).map(ShownLine::of).collect();
        let more = part.lines.len() - lines.len();
        Self {
            supplier: part.supplier_name.clone(),
            subtotal: part.subtotal,
            lines,
            lines_count: part.lines.len(),
            more_lines: (more > 0).then_some(more),
        }
    }
}

impl ShownLine {
    fn of(line: &OrderLine) -> Self {
        Self {
            name: line.product_name.clone(),
            sku: line.sku.clone(),
            price: line.price,
            vat_percent: line.vat_rate.as_ref().filter(|rate| !rate.is_none()).map(ToString::to_string),
            without_vat: line.vat_rate.as_ref().is_some_and(VatRate::is_none),
            unit: line.unit.clone(),
            quantity: line.quantity,
            sum: line.sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{OfferId, OrderId, SupplierId, SupplierOrderId},
        orders::SupplierOrderStatus,
    };

    fn part(lines: usize) -> SupplierOrder {
        let line = OrderLine {
            offer_id: OfferId::new(),
            product_name: "Бумага".to_owned(),
            sku: "007".to_owned(),
            price: Money::ZERO,
            vat_rate: None,
            unit: None,
            quantity: 1,
            sum: Money::ZERO,
        };
        SupplierOrder {
            id: SupplierOrderId::new(),
            order_id: OrderId::new(),
            supplier_id: SupplierId::new(),
            supplier_name: "Канцлер".to_owned(),
            status: SupplierOrderStatus::New,
            subtotal: Money::ZERO,
            lines: vec![line; lines],
            history: Vec::new(),
        }
    }

    #[test]
    fn a_short_order_is_shown_whole() {
        let shown = ShownParts::of(&[part(60), part(40)]);
        assert_eq!(shown.more_parts, None);
        assert_eq!(shown.parts.iter().map(|part| part.lines.len()).collect::<Vec<_>>(), [60, 40]);
        assert!(shown.parts.iter().all(|part| part.more_lines.is_none()));
    }

    #[test]
    fn of_a_long_order_the_beginning_is_shown_and_how_much_more_there_is() {
        let shown = ShownParts::of(&[part(60), part(900), part(1), part(39)]);
        assert_eq!(shown.more_parts, Some(2));
        let parts: Vec<_> = shown.parts.iter().map(|part| (part.lines.len(), part.more_lines)).collect();
        assert_eq!(parts, [(60, None), (40, Some(860))]);
        assert_eq!(shown.parts[1].lines_count, 900);
        let alone = ShownPart::of(&part(1_000));
        assert_eq!((alone.lines.len(), alone.more_lines), (100, Some(900)));
    }
}
