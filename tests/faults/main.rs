//! What must hold when things go wrong: each test does a lot of work, makes much of it fail, and lets the checker
//! look at what is left. It prints operations attempted, faults injected and violations found, so that a 0 cannot come
//! from an idle run.
//!
//! A short version of each runs with all tests; the full ones are asked for:
//! `cargo test -p tests --release --test faults -- --ignored --nocapture`.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod api;
mod database;
mod imports;
mod mail;
mod payments;
mod price_lists;
mod process;
#[expect(
    dead_code,
    unused_imports,
    reason = "the harness of the end-to-end tests has more than is needed here"
)]
#[path = "../it/support/mod.rs"]
mod support;
mod workers;

/// What a run came to.
#[derive(Debug, Default)]
struct Tally {
    attempted: u64,
    faults: u64,
    violations: Vec<String>,
}

impl Tally {
    /// Notes a violation unless `holds`.
    fn check(&mut self, holds: bool, violation: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(violation());
        }
    }

    /// Prints it, and fails when anything was violated or nothing was tried.
    fn report(self, name: &str) {
        let Self { attempted, faults, violations } = self;
        println!(
            "{name}: {attempted} operations attempted, {faults} faults injected, {} violations found",
            violations.len()
        );
        assert!(attempted > 0 && faults > 0, "an idle run proves nothing");
        assert!(violations.is_empty(), "{violations:#?}");
    }
}
