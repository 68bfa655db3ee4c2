//! The end of serving, in an order that no balancer and no client notices.
//!
//! ```text
//! told to stop ─▶ /readyz is 503, connections are closed with their answers ─▶ after the delay: the listener is
//! closed, further connections are refused ─▶ what runs is answered ─▶ the end
//! ```
//!
//! Salvo alone keeps its listener open until the last answer is given, and whoever connects meanwhile is first accepted
//! by the kernel and then cut off.

use std::{future::pending, io, time::Duration};

use salvo::{
    FlowCtrl, Handler, async_trait,
    conn::{
        Accepted, Acceptor, Holding,
        tcp::{TcpAcceptor, TcpCoupler},
    },
    fuse::ArcFusePolicy,
    http::{HeaderValue, header::CONNECTION},
    prelude::{Depot, Request, Response},
};
use tokio_util::sync::CancellationToken;

use super::lingering::Lingering;

/// How long the listener may take to close: it does so at once, unless every connection is taken.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

/// How far the end has come; cloning is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    told: CancellationToken,
    closing: CancellationToken,
    closed: CancellationToken,
}

impl Ending {
    /// Whether the process was told to stop.
    pub(crate) fn has_begun(&self) -> bool {
        self.told.is_cancelled()
    }

    /// Lets balancers know, serves on for the delay, and closes the listener.
    pub(super) async fn begin(&self, delay: Duration) {
        self.told.cancel();
        tokio::time::sleep(delay).await;
        self.closing.cancel();
        _ = tokio::time::timeout(CLOSED_WITHIN, self.closed.cancelled()).await;
    }
}

/// Tells whoever is answered while the process stops to come by another connection.
#[async_trait]
impl Handler for Ending {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        ctrl.call_next(req, depot, res).await;
        if self.has_begun() {
            res.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// A listener that can be closed before the server ends, and whose connections [linger](Lingering).
pub(super) struct Closable {
    listener: Option<TcpAcceptor>,
    holdings: Vec<Holding>,
    linger_within: Duration,
    ending: Ending,
}

impl Closable {
    pub(super) fn new(listener: TcpAcceptor, linger_within: Duration, ending: Ending) -> Self {
        Self { holdings: listener.holdings().to_vec(), listener: Some(listener), linger_within, ending }
    }
}

impl Acceptor for Closable {
    type Coupler = TcpCoupler<Self::Stream>;
    type Stream = Lingering<<TcpAcceptor as Acceptor>::Stream>;

    fn holdings(&self) -> &[Holding] {
        &self.holdings
    }

    async fn accept(
        &mut self,
        fuse_policy: Option<ArcFusePolicy>,
    ) -> io::Result<Accepted<Self::Coupler, Self::Stream>> {
        if let Some(listener) = &mut self.listener {
            tokio::select! {
                biased;
                // Whoever has connected before it closes is served.
                accepted = listener.accept(fuse_policy) => {
                    return Ok(accepted?.map_into(
                        |_| TcpCoupler::new(),
                        |stream| Lingering::new(stream, self.linger_within),
                    ));
                }
                () = self.ending.closing.cancelled() => {}
            }
            self.listener = None;
            self.ending.closed.cancel();
        }
        pending().await
    }
}
