//! What Postavka asks of whoever handles cards: one trait, and its words.

use futures_util::future::BoxFuture;

use crate::{
    ids::{PaymentId, RefundId},
    money::Money,
};

/// A question on its way.
pub type Asking<'a, T> = BoxFuture<'a, Result<T, ProviderError>>;

/// Whoever handles cards. Each call that does something carries a stable key: asked again with the same key, the
/// provider answers for the same effect. Every call ends within 10 s.
pub trait PaymentProvider: Send + Sync {
    /// Its word in paths, answers and the database.
    fn name(&self) -> &'static str;

    /// Begins a payment whose money will be held, not taken.
    fn create<'a>(&'a self, charge: &'a Charge) -> Asking<'a, ProviderPayment>;

    /// What it knows of a payment; `None` when it knows none of that name.
    fn find<'a>(&'a self, provider_payment_id: &'a str) -> Asking<'a, Option<ProviderPayment>>;

    /// Takes money that is held, and lets go of the rest.
    fn capture<'a>(&'a self, capture: &'a Capture) -> Asking<'a, ProviderPayment>;

    /// Lets go of money that is held.
    fn cancel<'a>(
        &'a self,
        payment_id: PaymentId,
        provider_payment_id: &'a str,
    ) -> Asking<'a, ProviderPayment>;

    /// Gives money back.
    fn refund<'a>(&'a self, charge: &'a RefundCharge) -> Asking<'a, ProviderRefund>;

    /// The refund that was asked for under this name before; `None` when none was.
    fn find_refund<'a>(&'a self, charge: &'a RefundCharge) -> Asking<'a, Option<ProviderRefund>>;

    /// What a notice is about; `None` for one in another form, or of what does not concern us. Nothing else in it is
    /// believed: it is not signed.
    fn read_notice(&self, body: &[u8]) -> Option<Notice>;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It is not known whether anything happened: ask again with the same key, or look.
    #[error("the provider's answer is not known: {0}")]
    Unknown(String),
    /// It refused, and will again; nothing happened.
    #[error("the provider refused: {0}")]
    Refused(String),
}

/// A payment about to be begun.
#[derive(Clone, Debug)]
pub struct Charge {
    /// Ours; also the key.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// The currency's code.
    pub currency: String,
    /// The order's number, for the provider's page.
    pub order_number: String,
    /// Where the buyer comes back to.
    pub return_url: String,
}

/// Held money about to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Our payment; the key follows from it.
    pub payment_id: PaymentId,
    /// The provider's.
    pub provider_payment_id: String,
    /// How much.
    pub amount: Money,
    /// The currency's code.
    pub currency: String,
}

/// Money about to be given back.
#[derive(Clone, Debug)]
pub struct RefundCharge {
    /// Ours; also the key.
    pub refund_id: RefundId,
    /// The provider's name of the payment.
    pub provider_payment_id: String,
    /// How much.
    pub amount: Money,
    /// The currency's code.
    pub currency: String,
}

/// What the provider says of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderPayment {
    /// Its name there.
    pub id: String,
    /// Where it stands.
    pub status: ProviderStatus,
    /// How much: what was asked for, or, once it is taken, what was taken.
    pub amount: Money,
    /// The currency's code.
    pub currency: String,
    /// Which of our payments it was begun for.
    pub payment_id: Option<PaymentId>,
    /// Where the buyer goes to pay.
    pub redirect_url: Option<String>,
}

/// Where a payment stands at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderStatus {
    /// It waits for the buyer.
    Pending,
    /// The money is held.
    Authorized,
    /// The money was taken.
    Captured,
    /// It ended without money, and why.
    Ended(Ending),
}

/// Why a payment ended without money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// We let go of it.
    Canceled,
    /// Time ran out.
    Expired,
    /// Something else, in the provider's word.
    Failed(String),
}

/// What the provider says of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRefund {
    /// Its name there.
    pub id: String,
    /// Where it stands.
    pub status: ProviderRefundStatus,
    /// How much.
    pub amount: Money,
    /// The currency's code.
    pub currency: String,
}

/// Where a refund stands at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderRefundStatus {
    /// It is on its way.
    Pending,
    /// The money went back.
    Succeeded,
    /// It will not, and why.
    Failed(String),
}

/// What the provider told us unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What is said to have happened: one of the provider's few words.
    pub event: &'static str,
    /// The provider's name of the payment to ask about.
    pub provider_payment_id: String,
}
