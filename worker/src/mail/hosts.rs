//! How many messages to one host are under way at once.
//!
//! A host that hangs keeps each conversation about its recipients until the deadline: many a relay asks there before it
//! answers us. A handful of messages to one such host would hold every slot, and no letter would leave for anybody. So one
//! host has half of the slots; what finds none waits in the queue, uncharged, until its turn should come.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a message takes as long as none was timed.
const FIRST_GUESS: Duration = Duration::from_millis(100);

/// The soonest and the latest that a message comes back that found no place.
const SOONEST: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(30);

/// The hosts to which messages are under way.
#[derive(Debug)]
pub(super) struct Hosts {
    at_most: usize,
    hosts: Mutex<HashMap<String, Host>>,
}

#[derive(Debug)]
struct Host {
    under_way: usize,
    /// How long the last message took that ended.
    took: Duration,
    /// When the turn of the last one should come that found no place.
    line_ends: Instant,
}

/// A place that a message has; free again when this is dropped.
#[derive(Debug)]
pub struct Place<'a> {
    hosts: &'a Hosts,
    host: String,
    since: Instant,
}

impl Hosts {
    /// For a process that sends so many messages at once.
    pub(super) fn sharing(slots: usize) -> Self {
        Self { at_most: (slots / 2).max(1), hosts: Mutex::default() }
    }

    /// A place for a message to this address; or how long it has to wait for one.
    pub(super) fn enter(&self, address: &str) -> Result<Place<'_>, Duration> {
        let now = Instant::now();
        let host = host_of(address);
        let mut hosts = self.lock();
        let known =
            hosts.entry(host.clone()).or_insert(Host { under_way: 0, took: FIRST_GUESS, line_ends: now });
        if known.under_way < self.at_most {
            known.under_way += 1;
            return Ok(Place { hosts: self, host, since: now });
        }
        let places = u32::try_from(self.at_most).unwrap_or(u32::MAX);
        known.line_ends = known.line_ends.max(now) + known.took / places;
        Err((known.line_ends - now).clamp(SOONEST, LATEST))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        // The counts are right whoever panicked beside them.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut hosts = self.hosts.lock();
        let Some(host) = hosts.get_mut(&self.host) else { return };
        host.under_way -= 1;
        host.took = self.since.elapsed();
        if host.under_way == 0 {
            hosts.remove(&self.host);
        }
    }
}

/// What stands after the `@`, of `name@host` and of `Name <name@host>`.
fn host_of(address: &str) -> String {
    let host = address.rsplit('@').next().unwrap_or_default();
    host.trim_end_matches('>').trim_end_matches('.').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_half_of_the_places_and_the_others_the_rest() {
        let hosts = Hosts::sharing(4);
        let held: Vec<_> = ["a@slow.example", "B <b@SLOW.example>"].map(|to| hosts.enter(to).unwrap()).into();
        let waits = hosts.enter("c@slow.example").unwrap_err();
        assert!((SOONEST..=LATEST).contains(&waits), "{waits:?}");
        assert!(hosts.enter("a@quick.example").is_ok());
        drop(held);
        assert!(hosts.enter("c@slow.example").is_ok());
        assert!(hosts.lock().is_empty(), "nothing is kept of hosts to which nothing is under way");
    }

    #[test]
    fn who_waits_longer_in_line_comes_back_later() {
        let hosts = Hosts::sharing(2);
        let _held = hosts.enter("a@slow.example").unwrap();
        let waits: Vec<_> = (0..5).map(|_| hosts.enter("b@slow.example").unwrap_err()).collect();
        assert!(waits.is_sorted() && waits[4] > waits[1], "{waits:?}");
    }

    #[test]
    fn a_single_slot_never_waits() {
        let hosts = Hosts::sharing(1);
        drop(hosts.enter("a@slow.example").unwrap());
        assert!(hosts.enter("b@slow.example").is_ok());
    }
}
