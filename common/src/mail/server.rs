//! Which SMTP server to speak to, and how: the setting's URL. How it is spoken is the worker's.
//!
//! | URL | connection | default port |
//! |---|---|---|
//! | `smtp://host` | plain, for a relay on the same machine or network | 25 |
//! | `smtp+starttls://host`, or `smtp://host?tls=required` | STARTTLS, or no message at all | 587 |
//! | `smtps://host` | TLS from the first byte | 465 |
//!
//! Each may carry `user:password@` (percent-encoded), `:port`, and as its path the name to say in `EHLO`, which is
//! otherwise the machine's own.

use anyhow::{Context as _, bail, ensure};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::config::Secret;

/// A server, and who we are to it.
#[derive(Clone, Debug)]
pub struct SmtpServer {
    /// Its name or address; of IPv6 without the brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is hidden from others.
    pub encryption: Encryption,
    /// Who signs in, and the password.
    pub credentials: Option<(String, Secret)>,
    /// The name to say in `EHLO`, where it is not the machine's own.
    pub hello: Option<String>,
}

/// How a connection is hidden from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// From STARTTLS on.
    StartTls,
    /// From the first byte on.
    Tls,
}

impl SmtpServer {
    /// Reads the setting.
    ///
    /// # Errors
    /// Says what is wrong without repeating the URL, which may hold a password.
    pub fn parse(smtp_url: &str) -> anyhow::Result<Self> {
        let url = Url::parse(smtp_url).context("the SMTP URL is malformed")?;
        let host = match url.host().context("the SMTP URL names no host")? {
            Host::Ipv6(address) => address.to_string(),
            named => named.to_string(),
        };
        ensure!(!host.is_empty(), "the SMTP URL names no host");
        let query: Vec<_> = url.query_pairs().collect();
        let required = match &query[..] {
            [] => false,
            [(key, value)] if key == "tls" && value == "required" => true,
            _ => bail!("the only parameter that an SMTP URL takes is tls=required"),
        };
        let (encryption, usual_port) = match (url.scheme(), required) {
            ("smtp", false) => (Encryption::None, 25),
            ("smtp", true) | ("smtp+starttls", _) => (Encryption::StartTls, 587),
            ("smtps", _) => (Encryption::Tls, 465),
            _ => bail!("an SMTP URL begins with smtp://, smtp+starttls:// or smtps://"),
        };
        let hello = Some(url.path().trim_matches('/')).filter(|name| !name.is_empty()).map(str::to_owned);
        let credentials = credentials(&url)?;
        Ok(Self { port: url.port().unwrap_or(usual_port), host, encryption, credentials, hello })
    }
}

fn credentials(url: &Url) -> anyhow::Result<Option<(String, Secret)>> {
    let decode = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(String::from)
            .context("the SMTP URL's credentials are not UTF-8")
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => bail!("an SMTP URL with a user has a password too, and the reverse"),
        (user, Some(password)) => Ok(Some((decode(user)?, Secret::new(decode(password)?)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_url_is_understood() {
        use Encryption::{None, StartTls, Tls};
        for (url, encryption, host, port) in [
            ("smtp://localhost", None, "localhost", 25),
            ("smtp://127.0.0.1:1025", None, "127.0.0.1", 1025),
            ("smtp://[::1]:1025", None, "::1", 1025),
            ("smtp://mail.example?tls=required", StartTls, "mail.example", 587),
            ("smtp+starttls://mail.example", StartTls, "mail.example", 587),
            ("smtps://u:p%40ss@mail.example/shop.example", Tls, "mail.example", 465),
        ] {
            let server = SmtpServer::parse(url).expect(url);
            assert_eq!((server.encryption, &*server.host, server.port), (encryption, host, port), "{url}");
        }
        let server = SmtpServer::parse("smtps://shop%40mail:p%40ss@mail.example/shop.example").unwrap();
        let (user, password) = server.credentials.unwrap();
        assert_eq!((&*user, password.reveal()), ("shop@mail", "p@ss"));
        assert_eq!(server.hello.as_deref(), Some("shop.example"));
    }

    #[test]
    fn what_is_not_understood_is_refused_without_telling_the_password() {
        for url in [
            "",
            "mail.example",
            "smtp://",
            "http://u:s3cret@mail.example",
            "smtp://u:s3cret@mail.example?tls=maybe",
            "smtp://u:s3cret@mail.example?tls=required&x=1",
            "smtp://u:s3cret%FF@mail.example",
            "smtp://:s3cret@mail.example",
            "smtp://u@mail.example",
            "smtp://u:s3cret@mail.example:port",
        ] {
            let error = SmtpServer::parse(url).expect_err(url);
            assert!(!format!("{error:#} {error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
