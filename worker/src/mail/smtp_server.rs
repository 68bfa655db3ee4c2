//! Which SMTP server to speak to, and how: the setting's URL, parsed once.
//!
//! | URL | connection | default port |
//! |---|---|---|
//! | `smtp://host` | plain, for a relay on the same machine or network | 25 |
//! | `smtp+starttls://host`, or `smtp://host?tls=required` | STARTTLS, or no message at all | 587 |
//! | `smtps://host` | TLS from the first byte | 465 |
//!
//! Each may carry `user:password@` (percent-encoded), `:port`, and as its path the name to say in `EHLO`, which is
//! otherwise the machine's own. TLS is rustls on ring with the machine's root certificates.

use std::{fmt, time::Duration};

use anyhow::{Context as _, bail, ensure};
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, TlsParameters},
    extension::ClientId,
};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// The server, and who we are to it.
pub(super) struct Server {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
    hello: ClientId,
}

enum Encryption {
    None,
    StartTls(TlsParameters),
    Tls(TlsParameters),
}

impl Server {
    /// Reads the setting. Its errors never repeat the URL, which may hold a password.
    pub(super) fn parse(smtp_url: &str) -> anyhow::Result<Self> {
        let url = Url::parse(smtp_url).context("the SMTP URL is malformed")?;
        let host = match url.host().context("the SMTP URL names no host")? {
            Host::Ipv6(address) => address.to_string(),
            named => named.to_string(),
        };
        ensure!(!host.is_empty(), "the SMTP URL names no host");
        let tls = || TlsParameters::new(host.clone()).context("TLS cannot be set up");
        let query: Vec<_> = url.query_pairs().collect();
        let required = match &query[..] {
            [] => false,
            [(key, value)] if key == "tls" && value == "required" => true,
            _ => bail!("the only parameter that an SMTP URL takes is tls=required"),
        };
        let (encryption, port) = match (url.scheme(), required) {
            ("smtp", false) => (Encryption::None, 25),
            ("smtp", true) | ("smtp+starttls", _) => (Encryption::StartTls(tls()?), 587),
            ("smtps", _) => (Encryption::Tls(tls()?), 465),
            _ => bail!("an SMTP URL begins with smtp://, smtp+starttls:// or smtps://"),
        };
        let credentials = credentials(&url)?;
        if credentials.is_some() && matches!(encryption, Encryption::None) {
            tracing::warn!(
                "the SMTP password travels unencrypted: smtp:// was set, not smtp+starttls:// or smtps://"
            );
        }
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        Ok(Self { port: url.port().unwrap_or(port), host, encryption, credentials, hello })
    }

    /// Opens a connection that is ready for a message: encrypted and signed in, as far as the setting wants it.
    pub(super) async fn connect(&self, limit: Duration) -> Result<AsyncSmtpConnection, Error> {
        let wrapper = match &self.encryption {
            Encryption::Tls(tls) => Some(tls.clone()),
            Encryption::None | Encryption::StartTls(_) => None,
        };
        let address = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(limit), &self.hello, wrapper, None).await?;
        if let Encryption::StartTls(tls) = &self.encryption {
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

fn credentials(url: &Url) -> anyhow::Result<Option<Credentials>> {
    let decode = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(String::from)
            .context("the SMTP URL's credentials are not UTF-8")
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => bail!("an SMTP URL with a user has a password too, and the reverse"),
        (user, Some(password)) => Ok(Some(Credentials::new(decode(user)?, decode(password)?))),
    }
}

/// Without the credentials.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.encryption {
            Encryption::None => "smtp",
            Encryption::StartTls(_) => "smtp+starttls",
            Encryption::Tls(_) => "smtps",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_url_is_understood() {
        for (url, understood) in [
            ("smtp://localhost", "smtp://localhost:25"),
            ("smtp://127.0.0.1:1025", "smtp://127.0.0.1:1025"),
            ("smtp://[::1]:1025", "smtp://::1:1025"),
            ("smtp://mail.example?tls=required", "smtp+starttls://mail.example:587"),
            ("smtp+starttls://mail.example", "smtp+starttls://mail.example:587"),
            ("smtps://u:p%40ss@mail.example/shop.example", "smtps://mail.example:465"),
        ] {
            assert_eq!(format!("{:?}", Server::parse(url).expect(url)), understood);
        }
        let server = Server::parse("smtps://shop%40mail:p%40ss@mail.example/shop.example").unwrap();
        assert_eq!(server.credentials, Some(Credentials::new("shop@mail".to_owned(), "p@ss".to_owned())));
        assert_eq!(server.hello.to_string(), "shop.example");
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
            let error = Server::parse(url).expect_err(url);
            assert!(!format!("{error:#} {error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
