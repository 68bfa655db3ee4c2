//! Connections to the SMTP server of the setting ([`SmtpServer`] reads it). TLS is rustls on ring with the machine's root
//! certificates.

use std::{fmt, time::Duration};

use anyhow::Context as _;
use common::mail::{Encryption, SmtpServer};
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, TlsParameters},
    extension::ClientId,
};

/// The server, and what every connection to it needs.
pub(crate) struct Server {
    server: SmtpServer,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
}

impl Server {
    /// Reads the setting. Its errors never repeat the URL, which may hold a password.
    pub(crate) fn parse(smtp_url: &str) -> anyhow::Result<Self> {
        let server = SmtpServer::parse(smtp_url)?;
        let tls = match server.encryption {
            Encryption::None => None,
            Encryption::StartTls | Encryption::Tls => {
                Some(TlsParameters::new(server.host.clone()).context("TLS cannot be set up")?)
            }
        };
        let credentials = server.credentials.as_ref();
        let credentials =
            credentials.map(|(user, password)| Credentials::new(user.clone(), password.reveal().to_owned()));
        if credentials.is_some() && tls.is_none() {
            tracing::warn!(
                "the SMTP password travels unencrypted: smtp:// was set, not smtp+starttls:// or smtps://"
            );
        }
        let hello = server.hello.clone().map_or_else(ClientId::default, ClientId::Domain);
        Ok(Self { server, tls, credentials, hello })
    }

    /// Opens a connection that is ready for a message: encrypted and signed in, as far as the setting wants it.
    pub(super) async fn connect(&self, limit: Duration) -> Result<AsyncSmtpConnection, Error> {
        let (at_once, later) = match self.server.encryption {
            Encryption::Tls => (self.tls.clone(), None),
            Encryption::StartTls | Encryption::None => (None, self.tls.clone()),
        };
        let address = (self.server.host.as_str(), self.server.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(limit), &self.hello, at_once, None).await?;
        if let Some(tls) = later {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

/// Without the credentials.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.server.host)
            .field("port", &self.server.port)
            .field("encryption", &self.server.encryption)
            .finish_non_exhaustive()
    }
}
