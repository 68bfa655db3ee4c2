//! What staff did, for whoever asks later.
//!
//! Every action of staff writes one entry in its own transaction, so that nothing is done without one and no entry
//! speaks of what was not done. The table is append-only, and the database sees to it.

mod model;
mod store;

pub use model::{Action, AuditFilter, Author, Entry, Record};
pub use store::{list, record};
