//! What staff does, over HTTP: a room for each domain, like outside.
//!
//! A handler here takes [`Staff`](crate::context::Staff) as its asker, and whatever it changes it also writes into
//! the audit log, in the same transaction:
//!
//! ```ignore
//! let entry = Entry { by: Some(staff.user_id), action: Action::ApproveOrganization(id.0), details: json!({}) };
//! audit::record(&mut tx, ctx.now(), &entry).await?;
//! ```

pub mod audit;
pub mod imports;
pub mod jobs;
pub mod mail;
pub mod orders;
pub mod organizations;
pub mod queues;
pub mod synonyms;
pub mod users;
