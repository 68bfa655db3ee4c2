//! Where in its queue the next claim begins to look.
//!
//! The index of what is ready keeps the entries of jobs that were claimed until they are cleaned away, and that waits for the
//! oldest transaction. Beside one that stays open for minutes, a claim that began at the front would walk over all that was
//! claimed since. So a claim begins where the last one ended, and from time to time at the front: for what was handed back.

use std::time::{Duration, Instant};

use time::OffsetDateTime;
use uuid::Uuid;

use crate::ids::JobId;

/// How far before the newest job a claim looks for more, once it has them all: a job is due from the beginning of its
/// transaction on, and is seen after the end. Those of longer transactions are found from the front.
const SLACK: Duration = Duration::from_secs(10);

/// How often a claim begins at the front.
const FRONT_EVERY: Duration = Duration::from_secs(1);

/// How many times as long as a claim from the front took the next such waits, at least.
const FRONT_PAUSES: u32 = 20;

/// Where a job stands in its queue: by when it has become due, and among those of one moment (a thousand that one
/// transaction left) by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) due_at: OffsetDateTime,
    pub(super) id: JobId,
}

/// Where the next claim begins.
#[derive(Debug)]
pub(super) struct Place {
    /// Where the last of the jobs stands that were claimed.
    newest: Option<Position>,
    /// Whether there may be more right behind it.
    amid: bool,
    /// When to begin at the front again.
    front_at: Instant,
}

/// What a claim came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claimed {
    /// Where the last of its jobs stands.
    pub(super) newest: Option<Position>,
    /// Whether it is as many as were wanted.
    pub(super) full: bool,
    /// How long it took.
    pub(super) took: Duration,
}

/// Whether a queue has nothing more that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drained {
    Yes,
    No,
}

impl Place {
    /// The front.
    pub(super) fn front(now: Instant) -> Self {
        Self { newest: None, amid: false, front_at: now }
    }

    /// From where on jobs are looked at that are due; none means the front.
    pub(super) fn begin(&self, now: Instant) -> Option<Position> {
        let newest = self.newest.filter(|_| now < self.front_at)?;
        let before = || Position { due_at: newest.due_at - SLACK, id: JobId(Uuid::nil()) };
        Some(if self.amid { newest } else { before() })
    }

    /// Moves on, after a claim that began at `begin`.
    pub(super) fn move_on(&mut self, begin: Option<Position>, claimed: Claimed, now: Instant) -> Drained {
        // Only what is right behind the last claim was looked at.
        let in_part = self.amid && begin.is_some();
        if begin.is_none() {
            self.front_at = now + FRONT_EVERY.max(claimed.took * FRONT_PAUSES);
        }
        self.newest = self.newest.max(claimed.newest);
        self.amid = claimed.full;
        if claimed.full || in_part { Drained::No } else { Drained::Yes }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const DUE: Position = at(datetime!(2026-11-27 12:00 UTC), 7);

    const fn at(due_at: OffsetDateTime, id: u128) -> Position {
        Position { due_at, id: JobId(Uuid::from_u128(id)) }
    }

    fn claimed(newest: Option<Position>, full: bool) -> Claimed {
        Claimed { newest, full, took: Duration::from_millis(1) }
    }

    #[test]
    fn a_backlog_is_walked_once_and_what_is_left_behind_is_found_from_the_front() {
        let start = Instant::now();
        let mut place = Place::front(start);
        assert_eq!(place.begin(start), None);
        assert_eq!(place.move_on(None, claimed(Some(DUE), true), start), Drained::No);
        assert_eq!(place.begin(start), Some(DUE));
        assert_eq!(place.begin(start + FRONT_EVERY), None);
    }

    #[test]
    fn a_queue_is_drained_only_when_what_became_due_a_moment_ago_was_looked_at() {
        let start = Instant::now();
        let mut place = Place::front(start);
        place.move_on(None, claimed(Some(DUE), true), start);
        assert_eq!(place.move_on(Some(DUE), claimed(None, false), start), Drained::No);
        let begin = place.begin(start);
        assert_eq!(begin, Some(at(DUE.due_at - SLACK, 0)));
        assert_eq!(place.move_on(begin, claimed(None, false), start), Drained::Yes);
    }

    #[test]
    fn an_empty_queue_is_looked_at_from_the_front() {
        let start = Instant::now();
        let mut place = Place::front(start);
        assert_eq!(place.move_on(None, claimed(None, false), start), Drained::Yes);
        assert_eq!(place.begin(start), None);
    }

    #[test]
    fn a_front_that_takes_long_is_looked_at_less_often() {
        let start = Instant::now();
        let mut place = Place::front(start);
        let slow = Claimed { took: Duration::from_secs(1), ..claimed(Some(DUE), true) };
        place.move_on(None, slow, start);
        assert_eq!(place.begin(start + Duration::from_secs(19)), Some(DUE));
        assert_eq!(place.begin(start + Duration::from_secs(20)), None);
    }
}
