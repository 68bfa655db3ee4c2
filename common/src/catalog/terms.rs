//! In which quantities an offer is ordered.

/// The least that is ordered of an offer, and in packs of how many.
///
/// Both are 1 to 1,000,000 pieces, and the least is a whole number of packs: what can be ordered is then every whole number
/// of packs from it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferTerms {
    /// At least so many pieces.
    pub min_quantity: i32,
    /// So many pieces or several times as many.
    pub multiple: i32,
}

impl Default for OfferTerms {
    /// Any number of pieces.
    fn default() -> Self {
        Self { min_quantity: 1, multiple: 1 }
    }
}

impl OfferTerms {
    /// The most of either.
    pub const MAX: i32 = 1_000_000;

    /// What a supplier says: where it names no minimum, or 1, that is one pack. None when the minimum is no whole number of
    /// packs.
    #[must_use]
    pub fn of(min_quantity: Option<i32>, multiple: Option<i32>) -> Option<Self> {
        let multiple = multiple.unwrap_or(1);
        let min_quantity = min_quantity.filter(|min_quantity| *min_quantity > 1).unwrap_or(multiple);
        (min_quantity % multiple == 0).then_some(Self { min_quantity, multiple })
    }

    /// What a list says of them, the minimum first: nothing where that goes without saying.
    #[must_use]
    pub fn said(self) -> (Option<i32>, Option<i32>) {
        let Self { min_quantity, multiple } = self;
        ((min_quantity != multiple).then_some(min_quantity), (multiple != 1).then_some(multiple))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_a_whole_number_of_packs() {
        let of = |min, multiple| OfferTerms::of(min, multiple).map(|it| (it.min_quantity, it.multiple));
        assert_eq!(of(None, None), Some((1, 1)));
        assert_eq!(of(Some(5), None), Some((5, 1)));
        assert_eq!(of(None, Some(6)), Some((6, 6)));
        assert_eq!(of(Some(1), Some(6)), Some((6, 6)), "no minimum of its own");
        assert_eq!(of(Some(12), Some(6)), Some((12, 6)));
        assert_eq!(of(Some(10), Some(6)), None);
        assert_eq!(of(Some(2), Some(6)), None);
    }

    #[test]
    fn what_is_said_of_them_says_them() {
        for (min, multiple) in [(1, 1), (5, 1), (6, 6), (12, 6), (1_000_000, 1_000_000)] {
            let terms = OfferTerms { min_quantity: min, multiple };
            let (min, multiple) = terms.said();
            assert_eq!(OfferTerms::of(min, multiple), Some(terms));
        }
    }
}
