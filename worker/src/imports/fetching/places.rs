//! One fetch at a time for each supplier: their servers may be slow, and the slots are for all.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use common::ids::SupplierId;

/// The suppliers whose lists this process fetches right now.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashSet<SupplierId>>);

/// A supplier's place; free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    supplier_id: SupplierId,
}

impl Places {
    /// A supplier's place, unless it is taken.
    pub(super) fn enter(self: &Arc<Self>, supplier_id: SupplierId) -> Option<Place> {
        let is_free = self.lock().insert(supplier_id);
        is_free.then(|| Place { places: Arc::clone(self), supplier_id })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<SupplierId>> {
        // What stands there is right whoever panicked beside it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().remove(&self.supplier_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supplier_has_one_place_and_leaves_it() {
        let places = Arc::new(Places::default());
        let (one, other) = (SupplierId::new(), SupplierId::new());
        let place = places.enter(one);
        assert!(place.is_some() && places.enter(one).is_none() && places.enter(other).is_some());
        drop(place);
        assert!(places.enter(one).is_some());
    }
}
