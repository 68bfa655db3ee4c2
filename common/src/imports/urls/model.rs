//! Where a price list is, and how it comes from there.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

use super::{Allowed, FetchFailure};
use crate::{
    ids::{SupplierId, UserId},
    imports::{ImportFailure, ImportMode},
    text::{Invalid, one_line},
};

/// Where a price list can be fetched: http or https, at a host of the internet as far as that can be seen without asking
/// for it, without credentials or fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct PriceListUrl(Url);

impl PriceListUrl {
    /// The most characters that it has, as it is sent.
    pub const MAX: usize = 2_000;

    /// How many characters of it are shown.
    const SHOWN: usize = 200;

    /// Checks it.
    ///
    /// # Errors
    /// `invalid_url`, `url_with_credentials`, `url_not_allowed`, or as [`one_line`].
    pub fn parse(text: &str, allowed: &Allowed) -> Result<Self, Invalid> {
        let text = one_line(text, Self::MAX)?;
        let url = Url::parse(&text).map_err(|error| {
            Invalid::new("invalid_url", format!("expected an http or https address: {error}"))
        })?;
        Self::check(url, allowed)
    }

    /// Where a redirect leads.
    ///
    /// # Errors
    /// When it leads nowhere, from https to http, or to where no list is fetched from.
    pub fn redirected_to(&self, location: &str, allowed: &Allowed) -> Result<Self, FetchFailure> {
        let url = self.0.join(location).map_err(|_| FetchFailure::bad_redirect())?;
        if self.0.scheme() == "https" && url.scheme() == "http" {
            return Err(FetchFailure::downgraded());
        }
        Self::check(url, allowed).map_err(|invalid| match invalid.code {
            "url_not_allowed" => FetchFailure::not_allowed(),
            _ => FetchFailure::bad_redirect(),
        })
    }

    fn check(mut url: Url, allowed: &Allowed) -> Result<Self, Invalid> {
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.port() == Some(0) {
            return Err(Invalid::new("invalid_url", "expected an http or https address of a file"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let detail = "expected no user or password in the address; they would be shown to others";
            return Err(Invalid::new("url_with_credentials", detail));
        }
        url.set_fragment(None);
        if url.as_str().len() > Self::MAX {
            let detail = format!("expected at most {} characters as it is sent", Self::MAX);
            return Err(Invalid::new("too_long", detail));
        }
        let url = Self(url);
        match url.literal() {
            Some(address) if !allowed.permits(address, url.port()) => {
                let detail = "expected a host of the internet, found an address that is none";
                Err(Invalid::new("url_not_allowed", detail))
            }
            _ => Ok(url),
        }
    }

    /// One that was checked before, from the database.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn stored(text: &str) -> Result<Self, sqlx::Error> {
        Url::parse(text).map(Self).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    /// The address itself.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// All of it, for its supplier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, as logs have it.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The host, where it is an address itself.
    #[must_use]
    pub fn literal(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// The last part of its path, which may tell a form.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.0.path().rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// As it is shown to everybody who may see the import: what stands behind `?` may be a secret.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut bare = self.0.clone();
        bare.set_query(None);
        let shown: String = bare.as_str().chars().take(Self::SHOWN).collect();
        let is_whole = self.0.query().is_none() && shown.len() == bare.as_str().len();
        if is_whole { shown } else { format!("{shown}…") }
    }
}

/// A log may have it: it shows the host alone.
impl fmt::Debug for PriceListUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PriceListUrl({})", self.host())
    }
}

/// A price list about to be fetched.
#[derive(Clone, Debug)]
pub struct NewFetch {
    /// Whose.
    pub supplier_id: SupplierId,
    /// Who asks for it.
    pub requested_by: UserId,
    /// What happens to offers that it does not name.
    pub mode: ImportMode,
    /// Whether it is only looked at, until somebody decides.
    pub dry_run: bool,
    /// Where it is.
    pub url: PriceListUrl,
}

/// How far fetching a list has come.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// How often it was tried.
    pub attempts: i32,
    /// Bytes that have come in the last attempt.
    pub bytes_fetched: i64,
    /// Bytes that the server promised.
    pub bytes_total: Option<i64>,
    /// Why the last attempt failed.
    pub error: Option<ImportFailure>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<PriceListUrl, &'static str> {
        PriceListUrl::parse(text, &Allowed::default()).map_err(|invalid| invalid.code)
    }

    #[test]
    fn an_address_of_the_internet_is_taken_as_it_will_be_sent() {
        for (text, kept) in [
            ("https://shop.example.com/price.yaml", "https://shop.example.com/price.yaml"),
            (" http://shop.example.com:8080/a?b=c#d ", "http://shop.example.com:8080/a?b=c"),
            ("HTTPS://SHOP.example.com", "https://shop.example.com/"),
            ("https://магазин.рф/прайс.csv", "https://xn--80aaalalv2c.xn--p1ai/"),
            ("http://8.8.8.8/x", "http://8.8.8.8/x"),
        ] {
            let url = parse(text).unwrap();
            assert!(
                url.as_str() == kept || kept.ends_with("xn--p1ai/") && url.host().ends_with("xn--p1ai"),
                "{url:?}"
            );
        }
    }

    #[test]
    fn what_is_no_such_address_is_refused() {
        let long = format!("https://a.example/{}", "x".repeat(1_990));
        let grows = format!("https://a.example/{}", "ж".repeat(400));
        for (text, code) in [
            ("", "required"),
            ("price.yaml", "invalid_url"),
            ("//shop.example.com/a", "invalid_url"),
            ("ftp://shop.example.com/a", "invalid_url"),
            ("file:///etc/passwd", "invalid_url"),
            ("data:text/csv,a", "invalid_url"),
            ("http://", "invalid_url"),
            ("http://a.example:0/", "invalid_url"),
            ("http://a.example:99999/", "invalid_url"),
            ("https://user:secret@shop.example.com/a", "url_with_credentials"),
            ("https://user@shop.example.com/a", "url_with_credentials"),
            ("https://a.example/\n", "control_characters"),
            (&long, "too_long"),
            (&grows, "too_long"),
        ] {
            assert_eq!(parse(text), Err(code), "{text}");
        }
    }

    #[test]
    fn an_address_of_ours_is_refused_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "017700000001",
            "0",
            "169.254.169.254",
            "0xa9fea9fe",
            "10.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[fd00::1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "１２７.0.0.1",
            "127.0.0.1.",
        ] {
            assert_eq!(parse(&format!("http://{host}/price.yaml")), Err("url_not_allowed"), "{host}");
        }
        let allowed: Allowed = "127.0.0.1:8090".parse().unwrap();
        assert!(PriceListUrl::parse("http://127.0.0.1:8090/a", &allowed).is_ok());
        assert!(PriceListUrl::parse("http://127.0.0.1:8091/a", &allowed).is_err());
    }

    #[test]
    fn a_redirect_leads_where_an_address_may_lead_and_never_from_https_to_http() {
        let allowed = Allowed::default();
        let from = parse("https://shop.example.com/a/price.yaml?x=1").unwrap();
        let to = |location: &str| {
            let next = from.redirected_to(location, &allowed);
            next.map(|url| url.as_str().to_owned()).map_err(|failure| failure.code.as_str())
        };
        assert_eq!(to("b.yaml"), Ok("https://shop.example.com/a/b.yaml".to_owned()));
        assert_eq!(to("//cdn.example.com/b"), Ok("https://cdn.example.com/b".to_owned()));
        for (location, code) in [
            ("http://shop.example.com/price.yaml", "url_not_allowed"),
            ("https://127.0.0.1/", "url_not_allowed"),
            ("https://[::1]/", "url_not_allowed"),
            ("https://169.254.169.254/latest/meta-data", "url_not_allowed"),
            ("https://user:secret@shop.example.com/", "url_answered"),
            ("ftp://shop.example.com/", "url_answered"),
            ("https://", "url_answered"),
        ] {
            assert_eq!(to(location), Err(code), "{location}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_shown_to_nobody() {
        let url = parse("https://shop.example.com/price.yaml?token=s3cret").unwrap();
        assert_eq!(url.shown(), "https://shop.example.com/price.yaml…");
        assert_eq!(format!("{url:?}"), "PriceListUrl(shop.example.com)");
        assert_eq!(parse("https://a.example/b").unwrap().shown(), "https://a.example/b");
        assert_eq!(url.file_name(), Some("price.yaml"));
        let long = parse(&format!("https://a.example/{}", "x".repeat(500))).unwrap();
        assert_eq!(long.shown().chars().count(), PriceListUrl::SHOWN + 1);
    }

    proptest! {
        #[test]
        fn what_is_taken_is_read_back_as_the_same(text in "https?://[ -~]{0,60}") {
            if let Ok(url) = PriceListUrl::parse(&text, &Allowed::default()) {
                prop_assert_eq!(PriceListUrl::stored(url.as_str()).unwrap(), url.clone());
                prop_assert!(url.as_url().username().is_empty() && url.as_url().password().is_none());
                prop_assert!(url.literal().is_none_or(super::super::is_public));
            }
        }
    }
}
