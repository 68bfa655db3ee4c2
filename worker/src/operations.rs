//! What operators' programs ask a worker, on a listener of its own: `/healthz`, `/readyz` and `/metrics`.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use common::{db::Db, queue};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{self, timeout},
};

/// How many may ask at once; further ones wait.
const CONNECTIONS: usize = 32;

/// How long an exchange may take, the client's part included.
const EXCHANGE_WITHIN: Duration = Duration::from_secs(10);

/// How long the database may take to count: who asks has a deadline too.
const DATABASE_WITHIN: Duration = Duration::from_secs(2);

/// How often figures that nobody asks for are put together, and how long to wait after a failed accept.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What the answers are made from.
#[derive(Clone)]
pub struct Operations {
    /// The database.
    pub db: Db,
    /// What was counted.
    pub figures: PrometheusHandle,
}

impl Operations {
    /// Answers for as long as it is polled.
    pub async fn serve(self, listener: TcpListener) -> Infallible {
        let accepting = self.clone().accept(listener);
        tokio::select! {
            never = accepting => never,
            never = self.keep_up() => never,
        }
    }

    async fn accept(self, listener: TcpListener) -> Infallible {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let slot = Arc::clone(&slots).acquire_owned().await;
            match listener.accept().await {
                Ok((stream, _)) => {
                    let operations = self.clone();
                    tokio::spawn(async move {
                        let _slot = slot;
                        let service = service_fn(move |request| operations.clone().answer(request));
                        let connection = http1::Builder::new()
                            .timer(TokioTimer::new())
                            .keep_alive(false)
                            .serve_connection(TokioIo::new(stream), service);
                        // Who goes away or is slow has no answer, and that is all.
                        _ = timeout(EXCHANGE_WITHIN, connection).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "nobody could ask for figures for a moment");
                    time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn keep_up(self) -> Infallible {
        let mut ticks = time::interval(UPKEEP_EVERY);
        loop {
            ticks.tick().await;
            self.figures.run_upkeep();
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (status, text) = match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, "ok\n".to_owned()),
            (&Method::GET | &Method::HEAD, "/readyz") => self.readiness().await,
            (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, self.metrics().await),
            (_, "/healthz" | "/readyz" | "/metrics") => {
                (StatusCode::METHOD_NOT_ALLOWED, "only GET is allowed here\n".to_owned())
            }
            _ => (StatusCode::NOT_FOUND, "there is /healthz, /readyz and /metrics\n".to_owned()),
        };
        let mut answer = Response::builder()
            .status(status)
            .header(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")
            .header(CACHE_CONTROL, "no-store");
        if status == StatusCode::METHOD_NOT_ALLOWED {
            answer = answer.header(ALLOW, "GET, HEAD");
        }
        Ok(answer.body(Full::new(text.into())).unwrap_or_default())
    }

    async fn readiness(&self) -> (StatusCode, String) {
        match self.db.check_ready().await {
            Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
            Err(error) => {
                tracing::warn!(%error, "not ready");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the database is away or not migrated; see the log\n".to_owned(),
                )
            }
        }
    }

    /// What was counted, and the queues as they are now. Without the database the last known stays out of date, and
    /// `database_up` says so.
    async fn metrics(&self) -> String {
        self.db.count_connections();
        let observed = timeout(DATABASE_WITHIN, queue::figures::observe(self.db.pool())).await;
        let up = matches!(observed, Ok(Ok(())));
        metrics::gauge!("database_up").set(if up { 1.0 } else { 0.0 });
        self.figures.render()
    }
}

/// Listens for [`Operations::serve`].
///
/// # Errors
/// When the address cannot be listened on.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    use anyhow::Context;

    let listening = TcpListener::bind(address).await;
    listening.with_context(|| format!("METRICS_ADDR: {address} cannot be listened on"))
}
