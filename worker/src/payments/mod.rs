//! What payments need done in the background. [`settle`] asks the provider how a card payment stands and does what
//! follows; the jobs say when.

mod expire;
mod finalize;
mod overdue;
mod refund;
mod settle;
