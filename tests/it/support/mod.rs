//! The harness: a database, the whole application, people who use it, and their mailboxes.

mod answer;
mod app;
mod books;
mod cluster;
mod collector;
mod database;
mod goods;
mod letters;
mod mailbox;
mod people;
mod program;
mod speaking;
mod upload;

pub use answer::Answer;
pub use app::{ADMIN, TestApp, figures, trade};
pub use cluster::OwnCluster;
pub use collector::{Collector, Span};
pub use database::TestDatabase;
pub use goods::price_list;
pub use mailbox::{Mailbox, link_token, register_token};
pub use people::{PASSWORD, Person, address, registration};
pub use program::program;
pub use speaking::Speaking;
pub use upload::attach;
