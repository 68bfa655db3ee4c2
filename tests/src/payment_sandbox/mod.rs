//! A payment provider on this machine, which speaks the HTTP of YooKassa's API v3, instead of the one that moves money.
//!
//! The `ledger` is the provider: payments in two steps, refunds, and the Idempotence-Keys of a day. `http` is its API
//! under `/v3`, in the forms of `wire`, the page at `/pay/{id}` on which a buyer pays or declines (`POST` pays), and an
//! overview for people. `notices` tells the shop what happened, again and again until it listens. On request (`faults`)
//! answers are lost, late or wrong, as out there.
//!
//! Nothing here knows Postavka: YooKassa's own client speaks to it as well.

mod faults;
mod http;
mod ledger;
mod notices;
mod page;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use tokio::{net::TcpListener, task::JoinSet};

use self::{faults::Faults, ledger::Ledger, notices::Notices};
pub use self::{
    faults::{Fault, FaultKind, Operation},
    ledger::{SandboxPayment, SandboxRefund, SandboxStatus},
    notices::NoticeSettings,
};

/// The shop that the sandbox knows.
pub const SHOP_ID: &str = "100500";

/// Its secret key.
pub const SECRET_KEY: &str = "test_sandbox_key";

/// A running sandbox; dropping it closes its port.
#[derive(Debug)]
pub struct PaymentSandbox {
    provider: Arc<Provider>,
    addr: SocketAddr,
    _server: JoinSet<()>,
}

impl PaymentSandbox {
    /// Listens; a port of 0 takes a free one. With a file, what it knows outlives a restart.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the file cannot be read.
    pub async fn start(addr: SocketAddr, file: Option<PathBuf>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(addr).await.with_context(|| format!("cannot listen on {addr}"))?;
        let addr = listener.local_addr()?;
        let ledger = Ledger::open(file, format!("http://{addr}"))?;
        let provider = Arc::new(Provider {
            ledger: Mutex::new(ledger),
            faults: Mutex::default(),
            notices: Notices::default(),
        });
        let mut server = JoinSet::new();
        server.spawn(http::serve(listener, Arc::clone(&provider))?);
        Ok(Self { provider, addr, _server: server })
    }

    /// Where the overview is.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the API is, as clients are told.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}/v3", self.addr)
    }

    /// Where and how to tell what happened.
    pub fn notify(&self, settings: NoticeSettings) {
        self.provider.notices.set(settings);
    }

    /// How many notices are still to be delivered.
    #[must_use]
    pub fn undelivered(&self) -> usize {
        self.provider.notices.undelivered()
    }

    /// How many notices were sent more than once, or out of their order.
    #[must_use]
    pub fn notices_sent_again(&self) -> u64 {
        self.provider.notices.sent_again()
    }

    /// All payments, oldest first.
    #[must_use]
    pub fn payments(&self) -> Vec<SandboxPayment> {
        self.provider.ledger().payments().cloned().collect()
    }

    /// All refunds, oldest first.
    #[must_use]
    pub fn refunds(&self) -> Vec<SandboxRefund> {
        self.provider.ledger().refunds().cloned().collect()
    }

    /// The buyer pays.
    ///
    /// # Errors
    /// When there is no payment that waits for them.
    pub fn pay(&self, payment_id: &str) -> anyhow::Result<()> {
        self.provider.change(|ledger| ledger.pay(payment_id)).map_err(anyhow::Error::msg)
    }

    /// Somebody of the shop takes all of the held money, at the provider's own page.
    ///
    /// # Errors
    /// When no money is held.
    pub fn take(&self, payment_id: &str) -> anyhow::Result<()> {
        let taken = self.provider.change(|ledger| ledger.capture(payment_id, None));
        taken.map(|_| ()).map_err(|refusal| anyhow::Error::msg(refusal.description))
    }

    /// Time runs out for a payment that is not captured.
    ///
    /// # Errors
    /// When there is no such payment, or it has ended.
    pub fn expire(&self, payment_id: &str) -> anyhow::Result<()> {
        self.provider.change(|ledger| ledger.expire(payment_id)).map_err(anyhow::Error::msg)
    }

    /// The bank does not let held money be taken.
    ///
    /// # Errors
    /// When no money is held.
    pub fn decline_capture(&self, payment_id: &str) -> anyhow::Result<()> {
        self.provider.change(|ledger| ledger.decline_capture(payment_id)).map_err(anyhow::Error::msg)
    }

    /// Makes an operation go wrong from now on.
    pub fn inject(&self, fault: Fault) {
        self.provider.faults().inject(fault);
    }

    /// Behaves well again.
    pub fn clear_faults(&self) {
        self.provider.faults().clear();
    }

    /// How many faults have struck.
    #[must_use]
    pub fn faults_struck(&self) -> u64 {
        self.provider.faults().struck()
    }
}

/// What the API, the pages and the notices share.
#[derive(Debug)]
struct Provider {
    ledger: Mutex<Ledger>,
    faults: Mutex<Faults>,
    notices: Notices,
}

impl Provider {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the ledger, keeps it, and tells the shop what happened.
    fn change<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> T {
        let (outcome, events) = {
            let mut ledger = self.ledger();
            let outcome = change(&mut ledger);
            (outcome, ledger.settle())
        };
        for event in events {
            self.notices.tell(event);
        }
        outcome
    }
}
