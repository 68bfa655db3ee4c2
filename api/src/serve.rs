//! The process that serves: its listener, its limits, its end.

mod bounds;
mod ending;
mod headers;
mod lingering;
mod pace;
mod unread;

use std::{future::Future, net::SocketAddr, time::Duration};

use anyhow::Context;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use salvo::{
    Server,
    conn::{Acceptor, Listener, TcpListener},
    fuse::FuseConfig,
    http::HeaderValue,
};

pub use self::bounds::Bounds;
pub(crate) use self::{
    ending::Ending,
    headers::{Headers, cors},
    pace::{Pace, TooSlow, was_too_slow},
    unread::Unread,
};

use self::ending::Closable;
use crate::{context::Services, routes};

/// How long requests that run may take when the process is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How often measurements are summed up.
const SUMMED_UP_EVERY: Duration = Duration::from_secs(1);

/// How the API meets its clients.
#[derive(Clone, Debug)]
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// How much it takes on, and for how long it waits.
    pub bounds: Bounds,
    /// The origins whose pages may read its answers.
    pub cors_origins: Vec<HeaderValue>,
    /// Whether people come by https only.
    pub https: bool,
    /// How long it goes on when it is told to stop, for balancers to notice.
    pub stop_delay: Duration,
}

impl Serving {
    /// By http on this address, for pages of nobody else, within the usual limits.
    #[must_use]
    pub fn on(address: SocketAddr) -> Self {
        Self {
            address,
            bounds: Bounds::default(),
            cors_origins: Vec::new(),
            https: false,
            stop_delay: Duration::ZERO,
        }
    }
}

/// Starts to count. Once a process.
///
/// # Errors
/// When it was started already.
pub fn start_figures() -> anyhow::Result<PrometheusHandle> {
    Ok(PrometheusBuilder::new()
        .set_buckets(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0])?
        .install_recorder()?)
}

/// Serves until `stop` is done; further connections are then refused, and requests that run are answered. `started` is
/// told the address.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(
    services: Services,
    serving: Serving,
    figures: PrometheusHandle,
    started: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let address = serving.address;
    let listening = TcpListener::new(address).try_bind().await;
    let acceptor = listening.with_context(|| format!("LISTEN_ADDR: {address} cannot be listened on"))?;
    let local = acceptor.holdings().first().and_then(|holding| holding.local_addr.clone().into_std());
    started(local.unwrap_or(address));
    let counted = figures.clone();
    // What was measured is kept as it is until somebody sums it up: whoever asks for the figures, or we.
    let summing_up = tokio::spawn(async move {
        let mut tick = tokio::time::interval(SUMMED_UP_EVERY);
        loop {
            tick.tick().await;
            counted.run_upkeep();
        }
    });
    let bounds = serving.bounds;
    // Idle connections end with the time for headers, since they wait for those of the next request.
    let patience = FuseConfig::default()
        .with_http1_header_timeout(bounds.reader_within)
        .with_write_stall_timeout(bounds.reader_within);
    let ending = Ending::default();
    let acceptor = Closable::new(acceptor, bounds.linger_within, ending.clone());
    let server = Server::new(acceptor).fuse_config(patience).max_connections(bounds.connections);
    let (handle, delay, begins) = (server.handle(), serving.stop_delay, ending.clone());
    tokio::spawn(async move {
        stop.await;
        tracing::info!(delay_s = delay.as_secs(), "stopping; requests that run are answered first");
        begins.begin(delay).await;
        handle.stop_graceful(GRACE);
    });
    let served = server.try_serve(routes::service(services, serving, figures, ending)).await;
    summing_up.abort();
    Ok(served?)
}
