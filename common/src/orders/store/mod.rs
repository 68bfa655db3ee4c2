//! All SQL of orders: writing them, moving their parts, reading them.

mod moving;
mod placing;
mod reading;
mod unpaid;

pub(super) use moving::{
    buyer_of_part, give_up_reservation, insert_history, lock_part, lock_stock_of_part, set_status,
};
pub(super) use placing::{OrderRow, Placement, find_terms, insert_order, readers, take_stock};
pub use reading::{find, find_part, list, list_parts};
pub(super) use unpaid::{
    Told as ToldOfOrder, buyer_of_order, cancel_parts, lock_stock_of_order, lock_unreleased, release,
};
