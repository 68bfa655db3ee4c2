//! Postavka's domain. It knows neither HTTP nor SMTP.
//!
//! Each domain is a module with the same rooms: `model` (types and rules, pure), `store` (all its SQL),
//! `actions` (use cases, on a connection whose transaction the caller owns) and `jobs` (its background work).

pub mod imports;
pub mod money;
pub mod orders;
pub mod page;
pub mod queue;
pub mod request;
pub mod telemetry;
pub mod text;
