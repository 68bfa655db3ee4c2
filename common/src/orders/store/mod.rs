//! All SQL of orders: writing them, moving their parts, reading them.

mod moving;
mod overview;
mod placing;
mod reading;
mod unpaid;

pub(super) use moving::{
    Entry, LockedPart, Move, Told, buyers_of, give_up_reservations, lock_order, lock_parts, lock_stock,
    set_status,
};
pub use overview::{list_all, supplier_of_part};
pub(super) use placing::{OrderRow, Placement, find_terms, insert_order, readers, take_stock};
pub use reading::{find, find_part, find_part_for_staff, list, list_parts, ordered_lines};
pub(super) use unpaid::{
    Told as ToldOfOrder, buyer_of_order, lock_waiting, release, wait_again, wait_no_more,
};
