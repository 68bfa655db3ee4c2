//! What is proved, what was found, and the state machines as the statements need them.

use std::fmt;

use crate::{
    imports::ImportStatus,
    mail::MessageStatus,
    orders::SupplierOrderStatus,
    payments::{PaymentKind, PaymentStatus},
};

/// How many violations one check names; the first ones show what is wrong.
pub(super) const AT_MOST: i64 = 100;

/// An invariant that the checker proves. The others are proved by other means than the database's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Stock, reservations and their ledger.
    I1,
    /// Sums of orders.
    I2,
    /// Histories of statuses.
    I3,
    /// Payments and refunds.
    I4,
    /// Messages and their jobs.
    I6,
    /// Price lists and what they changed.
    I7,
    /// Jobs that run.
    I8,
}

impl Invariant {
    /// Every invariant that is checked.
    pub const ALL: [Self; 7] = [Self::I1, Self::I2, Self::I3, Self::I4, Self::I6, Self::I7, Self::I8];

    /// Its number, `I1` to `I8`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::I1 => "I1",
            Self::I2 => "I2",
            Self::I3 => "I3",
            Self::I4 => "I4",
            Self::I6 => "I6",
            Self::I7 => "I7",
            Self::I8 => "I8",
        }
    }

    /// What it says, in a line.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::I1 => "stock agrees with its ledger and with the open orders",
            Self::I2 => "sums add up from lines to parts to orders",
            Self::I3 => "every history is a path in its state machine and ends in the current status",
            Self::I4 => "what is paid is what was captured for it, and no more went back than came",
            Self::I6 => "every event has its message, and every message a live job or an end",
            Self::I7 => "every price list was applied whole or not at all",
            Self::I8 => "no job is stuck",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing of which an invariant does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: Invariant,
    /// What it is about: a word and an id, such as `offer 0198…`.
    pub subject: String,
    /// What is there, and what should be.
    pub detail: String,
}

/// A row of a check: a violation that does not yet know of which invariant.
pub(super) struct Found {
    pub(super) subject: String,
    pub(super) detail: String,
}

/// What the checker found, and how much it looked at.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Every violation, at most 100 a check.
    pub violations: Vec<Violation>,
    /// How much there was to look at for each invariant, so that "nothing found" cannot come from an empty
    /// database.
    pub examined: Vec<(Invariant, &'static str, i64)>,
}

impl Report {
    /// Whether everything holds.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    pub(super) fn add(&mut self, invariant: Invariant, found: Vec<Found>) {
        let violations =
            found.into_iter().map(|Found { subject, detail }| Violation { invariant, subject, detail });
        self.violations.extend(violations);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for invariant in Invariant::ALL {
            let examined: Vec<_> = self.examined.iter().filter(|(of, ..)| *of == invariant).collect();
            let violations: Vec<_> =
                self.violations.iter().filter(|found| found.invariant == invariant).collect();
            let verdict = match violations.len() {
                0 if examined.iter().all(|(.., count)| *count == 0) => "nothing to examine".to_owned(),
                0 => "holds".to_owned(),
                count => format!("VIOLATED, {count} found"),
            };
            writeln!(f, "{invariant}  {}: {verdict}", invariant.title())?;
            let counts: Vec<String> =
                examined.iter().map(|(_, what, count)| format!("{what} {count}")).collect();
            writeln!(f, "    examined: {}", counts.join(", "))?;
            for Violation { subject, detail, .. } in violations {
                writeln!(f, "    {subject}: {detail}")?;
            }
        }
        match self.violations.len() {
            0 => f.write_str("no violations"),
            1 => f.write_str("1 violation"),
            count => write!(f, "{count} violations, the first {AT_MOST} of each check"),
        }
    }
}

/// A state machine, as a statement takes it: of what it is, where it starts, and its legal moves in two columns.
pub(super) struct Machine {
    /// The word of the views, and of what is reported.
    pub(super) kind: &'static str,
    pub(super) start: &'static str,
    pub(super) from: Vec<String>,
    pub(super) to: Vec<String>,
}

impl Machine {
    /// Those of everything that has a status and a history of it.
    pub(super) fn all() -> [Self; 5] {
        [
            Self::of_parts(),
            Self::of_payments("payment by invoice", PaymentKind::Invoice),
            Self::of_payments("payment by card", PaymentKind::Card),
            Self::of_imports(),
            Self::of_messages(),
        ]
    }

    fn of_parts() -> Self {
        use SupplierOrderStatus as Status;
        Self::new("supplier order", Status::New, &Status::ALL, Status::may_become, Status::as_str)
    }

    fn of_payments(kind: &'static str, paid_by: PaymentKind) -> Self {
        use PaymentStatus as Status;
        Self::new(kind, Status::start(paid_by), &Status::ALL, Status::may_become, Status::as_str)
    }

    fn of_imports() -> Self {
        use ImportStatus as Status;
        Self::new("import", Status::Received, &Status::ALL, Status::may_become, Status::as_str)
    }

    fn of_messages() -> Self {
        use MessageStatus as Status;
        Self::new("message", Status::Queued, &Status::ALL, Status::may_become, Status::as_str)
    }

    fn new<S: Copy>(
        kind: &'static str,
        start: S,
        all: &[S],
        may_become: impl Fn(S, S) -> bool,
        word: impl Fn(S) -> &'static str,
    ) -> Self {
        let mut machine = Self { kind, start: word(start), from: Vec::new(), to: Vec::new() };
        for &from in all {
            for &to in all.iter().filter(|to| may_become(from, **to)) {
                machine.from.push(word(from).to_owned());
                machine.to.push(word(to).to_owned());
            }
        }
        machine
    }
}

/// The statuses in which a part's lines are reserved: those from which a move still ends the reservation.
pub(super) fn reserving() -> Vec<String> {
    let ends_it = |from: SupplierOrderStatus, to: SupplierOrderStatus| {
        from.may_become(to) && to.stock_effect().is_some()
    };
    let all = SupplierOrderStatus::ALL;
    let reserving = all.into_iter().filter(|from| all.into_iter().any(|to| ends_it(*from, to)));
    reserving.map(|status| status.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goods_are_reserved_until_they_are_sent_or_given_back() {
        assert_eq!(reserving(), ["new", "confirmed", "assembled"]);
    }

    #[test]
    fn the_machines_have_exactly_the_legal_moves() {
        let parts = Machine::of_parts();
        assert_eq!((parts.start, parts.from.len(), parts.to.len()), ("new", 8, 8));
        assert!(
            parts
                .from
                .iter()
                .zip(&parts.to)
                .any(|pair| (pair.0.as_str(), pair.1.as_str()) == ("sent", "delivered"))
        );
        let imports = Machine::of_imports();
        assert_eq!(imports.start, "received");
        assert!(!imports.from.iter().any(|status| status == "completed"));
    }

    #[test]
    fn a_report_tells_what_holds_from_what_was_never_looked_at() {
        let mut report = Report { examined: vec![(Invariant::I1, "offers", 2)], ..Report::default() };
        let text = report.to_string();
        assert!(text.contains("open orders: holds\n    examined: offers 2\n"), "{text}");
        assert!(text.contains("no job is stuck: nothing to examine"), "{text}");
        assert!(text.ends_with("no violations"), "{text}");
        report.add(Invariant::I1, vec![Found { subject: "offer 7".to_owned(), detail: "is odd".to_owned() }]);
        let text = report.to_string();
        assert!(text.contains("open orders: VIOLATED, 1 found\n"), "{text}");
        assert!(text.contains("\n    offer 7: is odd\n"), "{text}");
        assert!(text.ends_with("1 violation"), "{text}");
        assert!(!report.is_clean());
    }
}
