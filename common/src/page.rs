//! Pages of long lists: keyset, never OFFSET.

/// How many items a page has: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit(u8);

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl Limit {
    /// Checks it.
    ///
    /// # Errors
    /// `out_of_range` beyond 1 to 100.
    pub fn parse(limit: u64) -> Result<Self, crate::text::Invalid> {
        match u8::try_from(limit) {
            Ok(limit @ 1..=100) => Ok(Self(limit)),
            _ => Err(crate::text::Invalid::new("out_of_range", format!("expected 1 to 100, found {limit}"))),
        }
    }

    /// One more than the page holds: the item that shows whether there is a next page.
    #[must_use]
    pub fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// Cuts what was fetched down to a page. The cursor is that of the page's last item, when more follow.
    #[must_use]
    pub fn page<T, C>(self, mut items: Vec<T>, cursor: impl Fn(&T) -> C) -> Page<T, C> {
        let more = items.len() > usize::from(self.0);
        items.truncate(usize::from(self.0));
        let next = if more { items.last().map(cursor) } else { None };
        Page { items, next }
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T, C> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// The page with each of its items as `show` makes it.
    #[must_use]
    pub fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U, C> {
        Page { items: self.items.into_iter().map(show).collect(), next: self.next }
    }
}
