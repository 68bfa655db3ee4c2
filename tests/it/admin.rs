//! What staff does, and what is written down of it.

mod audit;
mod create_staff;
mod synonyms;
