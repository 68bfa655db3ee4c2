//! Postavka's workers: the processes that take jobs.
//!
//! What is stored of a job stands in `common`; how it is [done](registry::Perform) stands here, in a module
//! named after its domain. [`run`](run::run) drives them: one apalis worker for each queue, over the queue's own
//! persistence in `common::queue`.

mod catalog;
pub mod deps;
mod figures;
pub mod imports;
mod janitor;
pub mod mail;
pub mod operate;
pub mod operations;
mod payments;
pub mod registry;
pub mod run;
pub mod settings;
