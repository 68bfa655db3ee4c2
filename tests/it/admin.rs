//! What staff does, and what is written down of it.

mod audit;
mod create_staff;
mod imports;
mod jobs;
mod orders;
mod organizations;
mod synonyms;
mod users;
