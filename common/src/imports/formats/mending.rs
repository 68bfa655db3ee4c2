//! What stood in a refused row, as it is kept for the report.

use super::{RawGood, table::Field, writing::cells};
use crate::imports::text::{Lines, clean};

/// The most bytes that are kept of a row: beyond, there is nothing to be mended by hand.
const MAX_BYTES: usize = 32 << 10;

impl RawGood {
    /// How many bytes its texts are, about as much memory as it takes.
    pub(in super::super) fn weight(&self) -> usize {
        let fields: usize = cells(self).into_iter().flatten().map(str::len).sum();
        fields + self.parameters.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>()
    }

    /// The row as it is kept, unless it is too large: without NUL, which PostgreSQL refuses, and with the names of
    /// parameters as columns have them.
    pub(in super::super) fn kept_for_report(mut self) -> Option<Box<Self>> {
        if self.weight() > MAX_BYTES {
            return None;
        }
        for (_, field) in Field::ALL {
            if let Some(text) = field.of(&mut self) {
                without_nul(text);
            }
        }
        for (name, text) in &mut self.parameters {
            *name = clean(std::mem::take(name), Lines::One, usize::MAX).unwrap_or_default();
            without_nul(text);
        }
        Some(Box::new(self))
    }
}

fn without_nul(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_kept_as_it_stood_but_for_what_cannot_be() {
        let good = RawGood {
            price: Some("дор\0го".to_owned()),
            parameters: vec![
                (" Цвет\u{200b}".to_owned(), "a\0".to_owned()),
                ("\0".to_owned(), "b".to_owned()),
            ],
            ..RawGood::default()
        };
        let kept = good.kept_for_report().unwrap();
        assert_eq!(kept.price.as_deref(), Some("дор\u{fffd}го"));
        let parameters =
            [("Цвет", "a\u{fffd}"), ("", "b")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(kept.parameters, parameters);
    }

    #[test]
    fn nobody_mends_a_row_of_megabytes() {
        let good = RawGood { description: Some("x".repeat(MAX_BYTES + 1)), ..RawGood::default() };
        assert_eq!(good.kept_for_report(), None);
    }
}
