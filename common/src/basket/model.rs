//! A basket and what is wrong with it.

use serde::Serialize;

use crate::{
    catalog::OfferTerms,
    ids::{OfferId, ProductId, SupplierId},
    imports::Sku,
    money::Money,
    text::Invalid,
    vat::VatRate,
};

/// Pieces of an offer: 1 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct Quantity(i32);

impl Quantity {
    /// Checks it.
    ///
    /// # Errors
    /// `out_of_range`.
    pub fn parse(pieces: i64) -> Result<Self, Invalid> {
        match i32::try_from(pieces) {
            Ok(pieces @ 1..=1_000_000) => Ok(Self(pieces)),
            _ => Err(Invalid::new("out_of_range", format!("expected 1 to 1000000 pieces, found {pieces}"))),
        }
    }

    /// The number of pieces.
    #[must_use]
    pub fn pieces(self) -> i32 {
        self.0
    }
}

/// What of an offer can be ordered now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orderable {
    /// Whether the supplier's list no longer has it.
    pub withdrawn: bool,
    /// Whether the supplier takes orders.
    pub accepting_orders: bool,
    /// Pieces that can be ordered now.
    pub available: i32,
    /// In which quantities.
    pub terms: OfferTerms,
}

/// Why a line cannot be ordered as it stands, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The supplier's list no longer has it.
    Withdrawn,
    /// The supplier takes no orders now.
    SupplierClosed,
    /// Fewer pieces are available than are wanted.
    NotEnoughStock,
    /// The supplier sends no fewer than so many.
    BelowMinimum,
    /// The supplier sends whole packs only.
    NotAMultiple,
    /// The price is not the one that was seen.
    PriceChanged,
}

impl Problem {
    /// The gravest reason why so many pieces of an offer cannot be ordered, whatever its price.
    #[must_use]
    pub fn of(orderable: &Orderable, wanted: Quantity) -> Option<Self> {
        let OfferTerms { min_quantity, multiple } = orderable.terms;
        if orderable.withdrawn {
            Some(Self::Withdrawn)
        } else if !orderable.accepting_orders {
            Some(Self::SupplierClosed)
        } else if orderable.available < wanted.pieces() {
            Some(Self::NotEnoughStock)
        } else if wanted.pieces() < min_quantity {
            Some(Self::BelowMinimum)
        } else if wanted.pieces() % multiple != 0 {
            Some(Self::NotAMultiple)
        } else {
            None
        }
    }

    /// Its code in answers.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::SupplierClosed => "supplier_closed",
            Self::NotEnoughStock => "not_enough_stock",
            Self::BelowMinimum => "below_minimum",
            Self::NotAMultiple => "not_a_multiple",
            Self::PriceChanged => "price_changed",
        }
    }
}

/// One offer in a basket, as the catalogue has it now.
#[derive(Clone, Debug)]
pub struct BasketLine {
    /// Which offer.
    pub offer_id: OfferId,
    /// Of which product.
    pub product_id: ProductId,
    /// The product's name.
    pub product_name: String,
    /// Whose offer.
    pub supplier_id: SupplierId,
    /// Their name.
    pub supplier_name: String,
    /// The supplier's own id of it.
    pub sku: String,
    /// The price now.
    pub price: Money,
    /// The price that was seen.
    pub seen_price: Money,
    /// Pieces wanted.
    pub quantity: Quantity,
    /// What a piece is.
    pub unit: Option<String>,
    /// The rate of the VAT that is in the price.
    pub vat_rate: Option<VatRate>,
    /// What of it can be ordered now.
    pub orderable: Orderable,
}

impl BasketLine {
    /// The price of all its pieces, as of now.
    #[must_use]
    pub fn sum(&self) -> Money {
        self.price.checked_mul(i64::from(self.quantity.pieces())).unwrap_or(Money::MAX)
    }

    /// The gravest reason why it cannot be ordered as it stands.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let price_changed = (self.price != self.seen_price).then_some(Problem::PriceChanged);
        Problem::of(&self.orderable, self.quantity).or(price_changed)
    }
}

/// What of a basket goes to one supplier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupplierSubtotal {
    /// Which one.
    pub id: SupplierId,
    /// Their name.
    pub name: String,
    /// The sum of their lines.
    pub subtotal: Money,
}

/// A user's basket, in the order in which it was filled.
#[derive(Clone, Debug, Default)]
pub struct Basket {
    /// Its lines.
    pub lines: Vec<BasketLine>,
}

impl Basket {
    /// The sum of all lines, as of now; [`Money::MAX`] where it would be more.
    #[must_use]
    pub fn total(&self) -> Money {
        self.lines
            .iter()
            .try_fold(Money::ZERO, |total, line| total.checked_add(line.sum()))
            .unwrap_or(Money::MAX)
    }

    /// The sums by supplier, each supplier once, in the order of the lines.
    #[must_use]
    pub fn suppliers(&self) -> Vec<SupplierSubtotal> {
        let mut suppliers: Vec<SupplierSubtotal> = Vec::new();
        for line in &self.lines {
            match suppliers.iter_mut().find(|supplier| supplier.id == line.supplier_id) {
                Some(known) => known.subtotal = known.subtotal.checked_add(line.sum()).unwrap_or(Money::MAX),
                None => suppliers.push(SupplierSubtotal {
                    id: line.supplier_id,
                    name: line.supplier_name.clone(),
                    subtotal: line.sum(),
                }),
            }
        }
        suppliers
    }

    /// The gravest problem of all its lines.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        self.lines.iter().filter_map(BasketLine::problem).min()
    }
}

/// How a line names its offer.
#[derive(Clone, Debug)]
pub enum OfferName {
    /// By its id.
    Id(OfferId),
    /// By its supplier's own id of it.
    Sku(SupplierId, Sku),
}

/// A line about to be put, one of many.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// Which offer.
    pub offer: OfferName,
    /// Pieces wanted.
    pub quantity: Quantity,
}

/// A line that was not put, one of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectedLine {
    /// Its place among the lines, from 0.
    pub index: usize,
    /// Why.
    pub reason: Rejection,
}

/// Why a line was not put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// There is no such offer.
    OfferUnknown,
    /// The offer cannot be ordered so.
    Refused {
        /// Why.
        problem: Problem,
        /// What of it can be ordered now.
        orderable: Orderable,
    },
    /// All lines for the offer together want more pieces than a line may have.
    TooManyPieces(i64),
    /// The basket has as many lines as it may.
    BasketFull,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_below_the_least_and_broken_packs_are_problems() {
        let terms = OfferTerms { min_quantity: 12, multiple: 6 };
        let orderable = Orderable { withdrawn: false, accepting_orders: true, available: 30, terms };
        let problem = |pieces| Problem::of(&orderable, Quantity::parse(pieces).unwrap());
        for (pieces, expected) in [
            (6, Some(Problem::BelowMinimum)),
            (7, Some(Problem::BelowMinimum)),
            (12, None),
            (13, Some(Problem::NotAMultiple)),
            (30, None),
            (36, Some(Problem::NotEnoughStock)),
        ] {
            assert_eq!(problem(pieces), expected, "{pieces}");
        }
        let closed = Orderable { accepting_orders: false, ..orderable };
        assert_eq!(Problem::of(&closed, Quantity::parse(6).unwrap()), Some(Problem::SupplierClosed));
    }
}
