//! Postavka's domain. It knows neither an HTTP server nor SMTP.
//!
//! Each domain is a module with the same rooms: `model` (types and rules, pure), `store` (all its SQL),
//! `actions` (use cases, on a connection whose transaction the caller owns) and `jobs` (its background work).

pub mod accounts;
pub mod addresses;
pub mod age;
pub mod audit;
pub mod basket;
pub mod catalog;
pub mod checks;
pub mod clock;
pub mod config;
pub mod db;
pub mod doctor;
pub mod idempotency;
pub mod ids;
pub mod imports;
pub mod janitor;
pub mod limits;
pub mod locale;
pub mod mail;
pub mod money;
pub mod orders;
pub mod page;
pub mod payments;
pub mod program;
pub mod queue;
pub mod request;
pub mod shutdown;
pub mod supervisor;
pub mod suppliers;
pub mod telemetry;
pub mod text;
pub mod tls;
pub mod trace;
pub mod vat;
