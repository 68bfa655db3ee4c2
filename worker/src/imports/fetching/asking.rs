//! One question to one server, over a connection of its own.

use std::net::SocketAddr;

use common::imports::urls::{Absence, FetchFailure, PriceListUrl};
use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header, redirect,
};

use super::{FetchError, FetchLimits, Fetcher, Wanted};

/// What is asked for, and where that was led to.
pub(super) struct Asked<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) url: PriceListUrl,
}

impl Asked<'_> {
    /// Whether only a newer version is wanted.
    pub(super) fn is_conditional(&self) -> bool {
        self.wanted.etag.is_some() || self.wanted.last_modified.is_some()
    }
}

/// Whatever the name, these are its addresses: they were checked, and nobody looks up again.
struct Pinned(Vec<SocketAddr>);

impl Resolve for Pinned {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(async move { Ok(addresses) })
    }
}

impl Fetcher {
    /// Asks for the file, and waits for the beginning of the answer.
    pub(super) async fn ask(&self, asked: &Asked<'_>) -> Result<Response, FetchError> {
        let addresses = self.addresses(&asked.url).await?;
        let client = self.client(addresses).map_err(anyhow::Error::from)?;
        let mut request = client
            .get(asked.url.as_url().clone())
            .header(header::ACCEPT, "*/*")
            .header(header::ACCEPT_ENCODING, "identity");
        if let Some(etag) = &asked.wanted.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &asked.wanted.last_modified {
            request = request.header(header::IF_MODIFIED_SINCE, last_modified);
        }
        request.send().await.map_err(|error| failure(&error, &self.limits).into())
    }

    fn client(&self, addresses: Vec<SocketAddr>) -> reqwest::Result<Client> {
        common::tls::use_ring();
        Client::builder()
            .dns_resolver(Pinned(addresses))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .pool_max_idle_per_host(0)
            .connect_timeout(self.limits.connect)
            .read_timeout(self.limits.silence)
            .user_agent(concat!("postavka/", env!("CARGO_PKG_VERSION")))
            .build()
    }
}

/// What an error of the connection means.
pub(super) fn failure(error: &reqwest::Error, limits: &FetchLimits) -> FetchFailure {
    if error.is_connect() {
        let reason = if error.is_timeout() { Absence::Silent } else { Absence::of(error) };
        return FetchFailure::unreachable(&reason);
    }
    if error.is_timeout() {
        return FetchFailure::silent(limits.silence.as_secs_f32());
    }
    FetchFailure::broken_off()
}
