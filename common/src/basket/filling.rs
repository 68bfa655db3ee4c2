//! Which of many lines can be put into a basket, and why the others cannot.

use std::collections::{HashMap, HashSet};

use super::{
    MAX_LINES, NewLine, Problem, Quantity, RejectedLine, Rejection,
    store::{OfferNow, PutLine},
};
use crate::ids::OfferId;

/// What becomes of many lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filling {
    /// What is put, each offer once.
    pub(super) put: Vec<PutLine>,
    /// What is not, in the order of the lines.
    pub(super) rejected: Vec<RejectedLine>,
}

/// What the lines want of one offer.
struct Demand<'a> {
    offer: &'a OfferNow,
    pieces: i64,
    lines: Vec<usize>,
}

impl Filling {
    /// Decides for lines whose offers were found, or not, each at its place; `there` is in the basket already.
    pub(super) fn decide(lines: &[NewLine], offers: &[Option<OfferNow>], there: &HashSet<OfferId>) -> Self {
        let mut filling = Self::default();
        let mut demands: Vec<Demand<'_>> = Vec::new();
        let mut places: HashMap<OfferId, usize> = HashMap::new();
        for (index, (line, offer)) in lines.iter().zip(offers).enumerate() {
            let Some(offer) = offer else {
                filling.rejected.push(RejectedLine { index, reason: Rejection::OfferUnknown });
                continue;
            };
            let place = *places.entry(offer.id).or_insert(demands.len());
            if place == demands.len() {
                demands.push(Demand { offer, pieces: 0, lines: Vec::new() });
            }
            demands[place].pieces += i64::from(line.quantity.pieces());
            demands[place].lines.push(index);
        }
        let mut room = MAX_LINES.saturating_sub(there.len());
        for demand in demands {
            let is_there = there.contains(&demand.offer.id);
            match demand.check(is_there || room > 0) {
                Ok(line) => {
                    room -= usize::from(!is_there);
                    filling.put.push(line);
                }
                Err(reason) => {
                    let rejected = demand.lines.into_iter().map(|index| RejectedLine { index, reason });
                    filling.rejected.extend(rejected);
                }
            }
        }
        filling.rejected.sort_by_key(|rejected| rejected.index);
        filling
    }
}

impl Demand<'_> {
    fn check(&self, has_room: bool) -> Result<PutLine, Rejection> {
        let offer = self.offer;
        let quantity = Quantity::parse(self.pieces).map_err(|_| Rejection::TooManyPieces(self.pieces))?;
        match Problem::of(&offer.orderable, quantity) {
            Some(problem) => Err(Rejection::Refused { problem, orderable: offer.orderable }),
            None if !has_room => Err(Rejection::BasketFull),
            None => Ok(PutLine { offer_id: offer.id, quantity, price: offer.price }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{OfferName, Orderable},
        *,
    };
    use crate::{catalog::OfferTerms, money::Money};

    fn offer(available: i32) -> OfferNow {
        let (price, terms) = (Money::from_minor(100).unwrap(), OfferTerms::default());
        let orderable = Orderable { withdrawn: false, accepting_orders: true, available, terms };
        OfferNow { id: OfferId::new(), price, orderable }
    }

    fn line(offer: &OfferNow, pieces: i64) -> NewLine {
        NewLine { offer: OfferName::Id(offer.id), quantity: Quantity::parse(pieces).unwrap() }
    }

    fn decide(wanted: &[(&OfferNow, i64)], there: &HashSet<OfferId>) -> Filling {
        let lines: Vec<_> = wanted.iter().map(|(offer, pieces)| line(offer, *pieces)).collect();
        let offers: Vec<_> = wanted.iter().map(|(offer, _)| Some((*offer).clone())).collect();
        Filling::decide(&lines, &offers, there)
    }

    #[test]
    fn lines_for_one_offer_are_one_demand() {
        let (a, b) = (offer(5), offer(5));
        let filling = decide(&[(&a, 2), (&b, 3), (&a, 3), (&b, 3)], &HashSet::new());
        let put: Vec<_> = filling.put.iter().map(|line| (line.offer_id, line.quantity.pieces())).collect();
        assert_eq!(put, [(a.id, 5)]);
        let reason = Rejection::Refused { problem: Problem::NotEnoughStock, orderable: b.orderable };
        assert_eq!(filling.rejected, [1, 3].map(|index| RejectedLine { index, reason }));
    }

    #[test]
    fn lines_for_one_offer_are_packed_together() {
        let mut a = offer(30);
        a.orderable.terms = OfferTerms { min_quantity: 12, multiple: 6 };
        let filling = decide(&[(&a, 5), (&a, 7)], &HashSet::new());
        assert_eq!(filling.put.iter().map(|line| line.quantity.pieces()).collect::<Vec<_>>(), [12]);
        for (pieces, problem) in [(6, Problem::BelowMinimum), (14, Problem::NotAMultiple)] {
            let reason = Rejection::Refused { problem, orderable: a.orderable };
            let filling = decide(&[(&a, pieces)], &HashSet::new());
            assert_eq!(filling.rejected, [RejectedLine { index: 0, reason }]);
        }
    }

    #[test]
    fn more_than_a_million_pieces_of_an_offer_are_too_many() {
        let a = offer(i32::MAX);
        let filling = decide(&[(&a, 1_000_000), (&a, 1)], &HashSet::new());
        let reason = Rejection::TooManyPieces(1_000_001);
        assert_eq!(filling.rejected, [0, 1].map(|index| RejectedLine { index, reason }));
    }

    #[test]
    fn a_full_basket_takes_what_is_there_already_and_nothing_new() {
        let (old, new, newer) = (offer(5), offer(5), offer(5));
        let mut there: HashSet<OfferId> = (1..MAX_LINES - 1).map(|_| OfferId::new()).collect();
        there.insert(old.id);
        let filling = decide(&[(&new, 1), (&newer, 1), (&old, 1)], &there);
        let put: Vec<_> = filling.put.iter().map(|line| line.offer_id).collect();
        assert_eq!(put, [new.id, old.id], "there is room for one");
        assert_eq!(filling.rejected, [RejectedLine { index: 1, reason: Rejection::BasketFull }]);
    }

    proptest! {
        #[test]
        fn every_line_is_put_or_rejected_and_no_more_is_put_than_there_is(
            stocks in prop::collection::vec(0..20, 1..6),
            wanted in prop::collection::vec((0usize..6, 1i64..12), 0..40),
        ) {
            let offers: Vec<_> = stocks.iter().map(|available| offer(*available)).collect();
            let wanted: Vec<_> = wanted.iter().map(|(which, pieces)| (&offers[which % offers.len()], *pieces)).collect();
            let filling = decide(&wanted, &HashSet::new());
            let rejected: HashSet<usize> = filling.rejected.iter().map(|line| line.index).collect();
            prop_assert_eq!(rejected.len(), filling.rejected.len());
            for offer in &offers {
                let lines: Vec<_> = wanted.iter().enumerate().filter(|(_, (it, _))| it.id == offer.id).collect();
                let pieces: i64 = lines.iter().map(|(_, (_, pieces))| pieces).sum();
                match filling.put.iter().find(|line| line.offer_id == offer.id) {
                    Some(put) => {
                        prop_assert_eq!(i64::from(put.quantity.pieces()), pieces);
                        prop_assert!(put.quantity.pieces() <= offer.orderable.available);
                        prop_assert!(lines.iter().all(|(index, _)| !rejected.contains(index)));
                    }
                    None => {
                        prop_assert!(pieces == 0 || pieces > i64::from(offer.orderable.available));
                        prop_assert!(lines.iter().all(|(index, _)| rejected.contains(index)));
                    }
                }
            }
        }
    }
}
