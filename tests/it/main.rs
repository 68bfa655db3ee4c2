//! The end-to-end tests: what Postavka's users see, over HTTP and by e-mail, against a real PostgreSQL, a real SMTP
//! conversation and real worker loops.
//!
//! [`support`] is the harness. Every test starts a [`TestApp`](support::TestApp) with a database of its own, and ends
//! it with `finish`, which asserts that no job is left and that every invariant holds.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod accounts;
mod admin;
mod basket;
mod basket_lines;
mod canceling;
mod catalog;
mod catalog_answers;
mod catalog_lists;
mod catalog_search;
mod catalog_upkeep;
mod checker;
mod deploy;
mod doctor;
mod drift;
mod gtins;
mod import_by_hand;
mod import_events;
mod import_forms;
mod import_guard;
mod import_previews;
mod import_reports;
mod import_reverts;
mod import_same;
mod import_schedules;
mod import_turns;
mod import_uploads;
mod import_urls;
mod imports;
mod janitor;
mod logs;
mod mail;
mod mail_admin;
mod migrating;
mod offer_history;
mod offer_terms;
mod openapi;
mod order_lists;
mod orders;
mod orders_at_once;
mod outages;
mod pages;
mod payments;
mod problems;
mod programs;
mod queue;
mod rubbish;
mod serving;
mod serving_clients;
mod serving_database;
mod serving_end;
mod serving_worker;
mod story;
mod strangers;
mod supervised;
mod supplier;
mod support;
mod tidy;
mod traces;
