//! Importing price lists.

mod import;
