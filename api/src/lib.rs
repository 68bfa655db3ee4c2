//! Postavka's HTTP API: routes, their JSON, and the way from a request to the domain and back.
//!
//! A request's body is parsed by its `dto` into the domain's types; a handler opens a transaction, calls the
//! domain, commits, and turns the result into JSON. What a domain refuses becomes a
//! [problem](problem::ProblemCode) in one place, [`error`].

mod accounts;
mod addresses;
mod admin;
mod answer;
mod basket;
mod body;
mod catalog;
pub mod context;
pub mod create_staff;
pub mod doctor;
pub mod error;
mod heads;
mod idempotency;
mod ids;
mod imports;
pub mod limits;
mod observe;
pub mod openapi;
mod operations;
mod orders;
mod params;
mod payments;
pub mod problem;
mod routes;
pub mod serve;
pub mod settings;
mod shape;
mod supplier;
pub mod tokens;
mod web;

pub use catalog::kept::CatalogCache;
