//! Fetching a file from where its supplier keeps it.
//!
//! ```text
//! address ─▶ its form ─▶ looked up, once ─▶ each answer checked ─▶ connected to one of these, and nothing else
//!    ▲                                                                    │
//!    └────────────────── a redirect, three at most ◀──────────────────────┤
//!                                                                         ▼
//!                                                     a file on the disk: counted, unpacked, told by its beginning
//! ```
//!
//! Between looking up and connecting nobody looks up again, so a name that changes its mind meanwhile changes nothing.
//! Every step has a deadline, and so has the whole; every size has a limit that is held while it grows. Nothing of the
//! environment (proxies), and nothing of what another server said (cookies, credentials), goes along.

mod asking;
mod figures;
mod places;
mod resolving;
mod spool;

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::imports::{
    formats::Format,
    urls::{Allowed, FetchFailure, PriceListUrl},
};
use reqwest::{Response, StatusCode, header};
use tokio::time;

pub(crate) use self::figures::{begin as begin_figures, broken_off};
pub use self::resolving::{Looking, Resolver, SystemResolver};
use self::{
    asking::Asked,
    places::{Place, Places},
    spool::{Encoding, Spool, SpoolError, Spooled},
};

/// How often a server may lead on.
const MAX_REDIRECTS: usize = 3;

/// The longest name of a version that is kept.
const MAX_VALIDATOR: usize = 1_000;

/// How much may come, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// The largest file, in bytes, also unpacked.
    pub bytes: u64,
    /// How long it may take in all.
    pub whole: Duration,
    /// How long looking up a name may take, and how long connecting.
    pub connect: Duration,
    /// How long nothing may come.
    pub silence: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            bytes: 512 << 20,
            whole: Duration::from_secs(5 * 60),
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
        }
    }
}

/// Fetches files.
#[derive(Clone)]
pub struct Fetcher {
    /// What may be connected to although it is not public.
    pub allowed: Allowed,
    /// How names become addresses.
    pub resolver: Arc<dyn Resolver>,
    /// How much, and how long.
    pub limits: FetchLimits,
    places: Arc<Places>,
}

impl Fetcher {
    /// One that looks names up like the rest of the machine.
    #[must_use]
    pub fn new(allowed: Allowed) -> Self {
        Self {
            allowed,
            resolver: Arc::new(SystemResolver),
            limits: FetchLimits::default(),
            places: Arc::default(),
        }
    }
}

impl Default for Fetcher {
    fn default() -> Self {
        Self::new(Allowed::default())
    }
}

/// What is fetched.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where it is.
    pub url: PriceListUrl,
    /// The version that is here already, as the server calls it.
    pub etag: Option<String>,
    /// When the server said that this was changed.
    pub last_modified: Option<String>,
}

/// What came of it.
pub enum Fetched {
    /// A file.
    File(FetchedFile),
    /// The version that is here is still the last one.
    NotModified,
}

/// A file that was fetched, on the disk without a name.
pub struct FetchedFile {
    /// The file, at its beginning.
    pub file: File,
    /// Its form.
    pub format: Format,
    /// How many bytes it has.
    pub bytes: u64,
    /// The hash of its bytes.
    pub sha256: Vec<u8>,
    /// What the server calls this version.
    pub etag: Option<String>,
    /// When the server says that it was changed.
    pub last_modified: Option<String>,
}

/// Why nothing came.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It lies with the address, or the server.
    #[error(transparent)]
    Failed(#[from] FetchFailure),
    /// It lies with us.
    #[error(transparent)]
    Ours(#[from] anyhow::Error),
}

/// How far it has come, for whoever looks meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<(AtomicU64, AtomicU64)>);

impl Progress {
    /// How many bytes have come, and how many were promised.
    #[must_use]
    pub fn look(&self) -> (u64, Option<u64>) {
        let (bytes, total) = (self.0.0.load(Ordering::Relaxed), self.0.1.load(Ordering::Relaxed));
        (bytes, Some(total).filter(|total| *total > 0))
    }

    fn promise(&self, total: u64) {
        self.0.1.store(total, Ordering::Relaxed);
    }

    fn come(&self, bytes: u64) {
        self.0.0.store(bytes, Ordering::Relaxed);
    }
}

impl Fetcher {
    /// A place for a fetch of this supplier's: each has one at a time in a process, so that no slow server takes all.
    pub(crate) fn enter(&self, supplier_id: common::ids::SupplierId) -> Option<Place> {
        self.places.enter(supplier_id)
    }

    /// Fetches a file to the disk.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, wanted: &Wanted, progress: &Progress) -> Result<Fetched, FetchError> {
        let fetched = match time::timeout(self.limits.whole, self.follow(wanted, progress)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(FetchFailure::too_slow(self.limits.whole.as_secs_f32()).into()),
        };
        figures::ended(&fetched);
        fetched
    }

    async fn follow(&self, wanted: &Wanted, progress: &Progress) -> Result<Fetched, FetchError> {
        let mut asked = Asked { wanted, url: wanted.url.clone() };
        for _ in 0..=MAX_REDIRECTS {
            let response = self.ask(&asked).await?;
            match response.status() {
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => asked.url = self.next(&asked.url, &response)?,
                StatusCode::NOT_MODIFIED if asked.is_conditional() => return Ok(Fetched::NotModified),
                StatusCode::OK => return self.take(&asked.url, response, progress).await.map(Fetched::File),
                status => return Err(FetchFailure::answered(status.as_u16()).into()),
            }
        }
        Err(FetchFailure::too_many_redirects(MAX_REDIRECTS).into())
    }

    /// Where a redirect leads.
    fn next(&self, url: &PriceListUrl, response: &Response) -> Result<PriceListUrl, FetchFailure> {
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        url.redirected_to(location.ok_or_else(FetchFailure::bad_redirect)?, &self.allowed)
    }

    /// Reads an answer to its end.
    async fn take(
        &self,
        url: &PriceListUrl,
        mut response: Response,
        progress: &Progress,
    ) -> Result<FetchedFile, FetchError> {
        let most = self.limits.bytes;
        let text =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let kept = |name| text(name).filter(|value| value.len() <= MAX_VALIDATOR);
        let content_type = text(header::CONTENT_TYPE);
        let (etag, last_modified) = (kept(header::ETAG), kept(header::LAST_MODIFIED));
        let encoding = Encoding::named(text(header::CONTENT_ENCODING).as_deref())?;
        if let Some(total) = response.content_length() {
            if total > most {
                return Err(FetchFailure::too_large(most).into());
            }
            progress.promise(total);
        }
        let mut spool = Spool::begin(encoding, most);
        let mut bytes = 0;
        while let Some(piece) =
            response.chunk().await.map_err(|error| asking::failure(&error, &self.limits))?
        {
            bytes += piece.len() as u64;
            progress.come(bytes);
            // It takes no more when something is wrong with it; that is what is told.
            if bytes > most || !spool.take(piece).await {
                break;
            }
        }
        if bytes > most {
            return Err(FetchFailure::too_large(most).into());
        }
        let Spooled { file, head, bytes, sha256 } = spool.end().await.map_err(|error| match error {
            SpoolError::TooLarge => FetchError::Failed(FetchFailure::too_large(most)),
            SpoolError::Damaged => FetchError::Failed(FetchFailure::wrong_encoding()),
            SpoolError::Disk(error) => FetchError::Ours(error),
        })?;
        let format = form_of(url, content_type.as_deref(), &head).ok_or_else(FetchFailure::no_price_list)?;
        Ok(FetchedFile { file, format, bytes, sha256, etag, last_modified })
    }
}

/// The form of a file by its beginning, its address or its content type; none for a page, which many a server sends
/// instead of refusing.
fn form_of(url: &PriceListUrl, content_type: Option<&str>, head: &[u8]) -> Option<Format> {
    let beginning = String::from_utf8_lossy(head).trim_start_matches('\u{feff}').trim_start().to_lowercase();
    if beginning.starts_with("<!doctype html") || beginning.starts_with("<html") {
        return None;
    }
    Format::detect(url.file_name(), content_type, head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_no_price_list_whatever_it_is_called() {
        let url = |text: &str| PriceListUrl::parse(text, &Allowed::default()).unwrap();
        let (list, export) = (url("https://a.example/price.yml"), url("https://a.example/export?id=7"));
        for page in ["<!DOCTYPE html><title>x", "\u{feff}\n<html lang=ru>"] {
            assert_eq!(form_of(&list, Some("text/yaml"), page.as_bytes()), None);
        }
        for (url, content_type, head, format) in [
            (&list, None, "<?xml version=\"1.0\"?><yml_catalog>", Some(Format::Yml)),
            (&list, None, "shop: x\n", Some(Format::Yaml)),
            (&export, Some("text/csv; charset=utf-8"), "", Some(Format::Csv)),
            (&export, None, "id;category;name;price;quantity\n", Some(Format::Csv)),
            (&export, Some("application/json"), "{}", None),
            (&export, None, "", None),
        ] {
            assert_eq!(
                form_of(url, content_type, head.as_bytes()),
                format,
                "{url:?} {content_type:?} {head}"
            );
        }
    }
}
