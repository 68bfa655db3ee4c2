//! Payments: invoices with net terms, and cards through a provider.
//!
//! ```text
//!   invoice   invoiced ──▶ captured
//!                └───────▶ canceled
//!
//!   card      pending ──▶ requires_action ──▶ authorized ──▶ captured
//!                └───────────────┴─────────────────┴───────▶ failed | canceled | expired
//! ```
//!
//! An **invoice** pays one part of an order and is written with it; staff says that it was paid. A **card** pays all
//! parts of its order. Its money is held when the buyer pays (`authorized`, and only now the suppliers hear of the
//! order), and taken when no part is `new` any more, for the parts that are still wanted. Held money can be lost: its time
//! is up, or it cannot be taken. Then the order waits to be paid again, nothing of it is sent meanwhile, and it is called
//! off when nobody pays.
//!
//! The provider's word is asked for, never believed unasked: a notice only says what to ask about (decision 5). No
//! call happens inside a transaction (decision 7). What is about to be asked is committed first and carries a stable
//! name (decision 8), so that an answer that was lost is looked up or asked for again, and cannot happen twice:
//!
//! ```text
//!   begin_card   commits `pending`            ──▶  provider: create,  key = the payment's id
//!   note_answer  moves by what it said, and
//!                commits what is to be taken  ──▶  provider: capture, key = the payment's id and `-capture`
//!   note_answer  `captured`, the receipt,
//!                refunds of what was called off ─▶ provider: refund,  key = the refund's id
//! ```
//!
//! Locks: a card payment before its order. An invoice is locked after its part, by whoever calls that off; nothing here
//! locks stock or parts, but for their keys (by pointing at them), which whoever moves a part leaves free.

mod actions;
pub mod figures;
pub mod jobs;
mod messages;
mod model;
mod provider;
mod settings;
mod standing;
mod store;
pub mod yookassa;

pub use actions::{
    Asked, BeginError, Begun, CaptureError, InvoicePaid, NewRefund, Next, RefundError, RefundNoted,
    RefundStep, begin_card, begin_refund, capture_invoice, note_answer, note_refund, note_unknown, plan,
    receive_notice, refund, refuse_card, remind_overdue,
};
pub(crate) use actions::{await_card, await_invoices, parts_moved};
pub use model::{Payment, PaymentKind, PaymentStatus, Refund, RefundStatus};
pub use provider::{
    Asking, Capture, Charge, Ending, Notice, PaymentProvider, ProviderError, ProviderPayment, ProviderRefund,
    ProviderRefundStatus, ProviderStatus, RefundCharge,
};
pub use settings::{ProviderArgs, ProviderSettings};
pub use standing::{OrderPaymentStatus, Standing};
pub(crate) use store::of_order;
pub use store::{any_unmarked, find_of_buyer as find, open_card_of as open_card, open_since};
