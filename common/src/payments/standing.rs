//! How an order stands with its money; it follows from its parts and payments.

use super::{Payment, PaymentStatus};
use crate::money::Money;

/// An order's payment status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderPaymentStatus {
    /// Nothing came, and nothing is invoiced.
    NotPaid,
    /// Invoices wait for their money.
    Invoiced,
    /// An invoice waits beyond its due date.
    Overdue,
    /// The money is held on a card.
    Authorized,
    /// Some of the money came.
    PartiallyPaid,
    /// All that is wanted is paid.
    Paid,
    /// Some of what came went back.
    PartiallyRefunded,
    /// All that came went back.
    Refunded,
}

impl OrderPaymentStatus {
    /// Its word in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPaid => "not_paid",
            Self::Invoiced => "invoiced",
            Self::Overdue => "overdue",
            Self::Authorized => "authorized",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }

    /// The status that follows. What the buyer should act on comes first: an invoice that is overdue.
    #[must_use]
    pub fn of(standing: &Standing) -> Self {
        let Standing { wanted, captured, refunded, authorized, invoiced, overdue } = *standing;
        let kept = captured > refunded;
        match () {
            () if overdue => Self::Overdue,
            () if !kept && authorized => Self::Authorized,
            () if !kept && invoiced => Self::Invoiced,
            () if captured == Money::ZERO => Self::NotPaid,
            () if !kept => Self::Refunded,
            () if refunded > Money::ZERO => Self::PartiallyRefunded,
            () if invoiced || captured < wanted => Self::PartiallyPaid,
            () => Self::Paid,
        }
    }
}

/// What an order's payment status follows from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// The sum of the parts that are not called off.
    pub wanted: Money,
    /// What came.
    pub captured: Money,
    /// What of it went back.
    pub refunded: Money,
    /// Whether money is held on a card.
    pub authorized: bool,
    /// Whether an invoice waits.
    pub invoiced: bool,
    /// Whether one waits beyond its due date.
    pub overdue: bool,
}

impl Standing {
    /// That of an order with these payments, whose parts that are not called off cost `wanted`.
    #[must_use]
    pub fn of(wanted: Money, payments: &[Payment]) -> Self {
        let sum = |of: fn(&Payment) -> Money| {
            payments.iter().try_fold(Money::ZERO, |sum, payment| sum.checked_add(of(payment)))
        };
        let any = |is: fn(&Payment) -> bool| payments.iter().any(is);
        Self {
            wanted,
            captured: sum(|payment| payment.captured).unwrap_or(Money::MAX),
            refunded: sum(|payment| payment.refunded).unwrap_or(Money::MAX),
            authorized: any(|payment| payment.status == PaymentStatus::Authorized),
            invoiced: any(|payment| payment.status == PaymentStatus::Invoiced),
            overdue: any(Payment::is_overdue),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{OrderPaymentStatus::*, *};

    fn money(minor: i64) -> Money {
        Money::from_minor(minor).unwrap()
    }

    fn standing(wanted: i64, captured: i64, refunded: i64) -> Standing {
        Standing {
            wanted: money(wanted),
            captured: money(captured),
            refunded: money(refunded),
            ..Standing::default()
        }
    }

    #[test]
    fn an_order_stands_where_its_payments_leave_it() {
        let authorized = Standing { authorized: true, ..standing(100, 0, 0) };
        let invoiced = |captured, refunded| Standing { invoiced: true, ..standing(100, captured, refunded) };
        for (standing, status) in [
            (standing(100, 0, 0), NotPaid),
            (authorized, Authorized),
            (invoiced(0, 0), Invoiced),
            (Standing { overdue: true, ..invoiced(60, 0) }, Overdue),
            (invoiced(60, 0), PartiallyPaid),
            (standing(100, 60, 0), PartiallyPaid),
            (standing(100, 100, 0), Paid),
            (standing(60, 100, 0), Paid),
            (standing(60, 100, 40), PartiallyRefunded),
            (standing(0, 100, 100), Refunded),
            (invoiced(60, 60), Invoiced),
        ] {
            assert_eq!(OrderPaymentStatus::of(&standing), status, "{standing:?}");
        }
    }

    proptest! {
        #[test]
        fn its_words_are_true(
            wanted in 0_i64..1000, captured in 0_i64..1000, back in 0_i64..1000,
            authorized: bool, invoiced: bool, overdue: bool,
        ) {
            let refunded = back.min(captured);
            let (invoiced, overdue) = (invoiced, invoiced && overdue);
            let standing = Standing { authorized, invoiced, overdue, ..standing(wanted, captured, refunded) };
            match OrderPaymentStatus::of(&standing) {
                NotPaid => prop_assert!(captured == 0 && !authorized && !invoiced),
                Invoiced => prop_assert!(invoiced && captured == refunded),
                Overdue => prop_assert!(overdue),
                Authorized => prop_assert!(authorized && captured == refunded),
                PartiallyPaid => prop_assert!(captured > 0 && refunded == 0 && (invoiced || captured < wanted)),
                Paid => prop_assert!(captured >= wanted && refunded == 0 && !invoiced),
                PartiallyRefunded => prop_assert!(0 < refunded && refunded < captured),
                Refunded => prop_assert!(captured > 0 && refunded == captured && !invoiced),
            }
        }
    }
}
