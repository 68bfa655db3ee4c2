//! The settings of the processes: what the environment says, and what development needs where it says nothing.

use std::{
    env,
    fmt::{self, Write as _},
    fs::{self, File, Permissions},
    io::{self, Read},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;

use super::folder::Folder;
use crate::payment_sandbox;

const DATABASE_URL: &str = "DATABASE_URL";
const LISTEN_ADDR: &str = "LISTEN_ADDR";
const SMTP_URL: &str = "SMTP_URL";
const DEV_SMTP_ADDR: &str = "DEV_SMTP_ADDR";
const DEV_MAIL_ADDR: &str = "DEV_MAIL_ADDR";
const DEV_PAYMENTS_ADDR: &str = "DEV_PAYMENTS_ADDR";
const YOOKASSA_SHOP_ID: &str = "YOOKASSA_SHOP_ID";
const TOKEN_SECRET: &str = "TOKEN_SECRET";

/// How long a port may be taken that ought to be free.
const PORTS_FREE_WITHIN: Duration = Duration::from_secs(3);

/// Where the parts of the running stack are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The API's base URL, as seen from this machine.
    pub api: String,
    /// The page with the caught e-mail.
    pub mail_page: String,
    /// The payment sandbox's overview; none when the environment names a provider.
    pub payments_page: Option<String>,
    /// The database; it may hold a password.
    pub database_url: String,
    /// Whether the database was named by the environment.
    pub(super) database_is_given: bool,
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = if self.database_is_given { "as set in DATABASE_URL" } else { &self.database_url };
        writeln!(f)?;
        writeln!(f, "  API        {}", self.api)?;
        writeln!(f, "  Reference  {}/docs", self.api)?;
        writeln!(f, "  Mail       {}", self.mail_page)?;
        if let Some(page) = &self.payments_page {
            writeln!(f, "  Payments   {page}")?;
        }
        writeln!(f, "  Database   {database}")
    }
}

/// What the environment leaves open, and what it says about our own ports.
#[derive(Debug)]
pub(super) struct Settings {
    /// Where the API will listen.
    listen_addr: SocketAddr,
    /// Where the mail catcher listens.
    pub(super) smtp_addr: SocketAddr,
    /// Where the mail catcher's page is.
    pub(super) mail_addr: SocketAddr,
    /// Where the payment sandbox listens; nowhere when the environment names a provider.
    pub(super) payments_addr: Option<SocketAddr>,
    database_url: Option<String>,
    defaults: Vec<(&'static str, String)>,
}

impl Settings {
    /// Reads the environment. A variable that it has is the processes' own affair and stays as it is.
    pub(super) fn read(folder: &Folder) -> anyhow::Result<Self> {
        let listen_addr = address(LISTEN_ADDR, 8080)?;
        let smtp_addr = address(DEV_SMTP_ADDR, 1025)?;
        let mail_addr = address(DEV_MAIL_ADDR, 8025)?;
        let mut defaults = vec![
            (LISTEN_ADDR, listen_addr.to_string()),
            ("PUBLIC_URL", format!("http://{}", reachable(listen_addr))),
            (SMTP_URL, format!("smtp://{}", reachable(smtp_addr))),
            ("MAIL_FROM", "Postavka <noreply@localhost>".to_owned()),
            ("ADMIN_EMAIL", "admin@example.com".to_owned()),
            ("REQUIRE_APPROVAL", "false".to_owned()),
            // Whoever tries lists by address out, has them on this machine.
            ("IMPORT_URL_ALLOW", "127.0.0.0/8,[::1]".to_owned()),
            // Whoever tries things out, tries them often, and from one address.
            ("LIMIT_SIGN_INS_PER_ACCOUNT", "1000/m".to_owned()),
            ("LIMIT_SIGN_INS_PER_CALLER", "1000/m".to_owned()),
            ("LIMIT_REGISTRATIONS_PER_CALLER", "100/m".to_owned()),
            ("LIMIT_MAILS_PER_ACCOUNT", "100/m".to_owned()),
            ("LIMIT_MAILS_PER_CALLER", "1000/m".to_owned()),
        ];
        let payments_addr = address(DEV_PAYMENTS_ADDR, 8026)?;
        let payments_addr = (!is_set(YOOKASSA_SHOP_ID)).then_some(payments_addr);
        if let Some(addr) = payments_addr {
            defaults.push((YOOKASSA_SHOP_ID, payment_sandbox::SHOP_ID.to_owned()));
            defaults.push(("YOOKASSA_SECRET_KEY", payment_sandbox::SECRET_KEY.to_owned()));
            defaults.push(("YOOKASSA_URL", format!("http://{}/v3", reachable(addr))));
        }
        if !is_set(TOKEN_SECRET) {
            defaults.push((TOKEN_SECRET, kept_secret(&folder.data().join("token_secret"))?));
        }
        defaults.retain(|(name, _)| !is_set(name));
        let database_url = env::var(DATABASE_URL).ok().filter(|url| !url.is_empty());
        Ok(Self { listen_addr, smtp_addr, mail_addr, payments_addr, database_url, defaults })
    }

    /// Fails when a port is taken, or meant for two. Whoever needs it would say so too, but late, and not what to do.
    pub(super) async fn check_ports(&self) -> anyhow::Result<()> {
        let mut wanted = vec![
            (LISTEN_ADDR, self.listen_addr),
            (DEV_SMTP_ADDR, self.smtp_addr),
            (DEV_MAIL_ADDR, self.mail_addr),
        ];
        wanted.extend(self.payments_addr.map(|addr| (DEV_PAYMENTS_ADDR, addr)));
        let since = Instant::now();
        let mut taken = Vec::new();
        for (name, addr) in wanted {
            let listener = loop {
                match TcpListener::bind(addr) {
                    // The processes of a run that was killed have a moment to stop.
                    Err(error)
                        if error.kind() == io::ErrorKind::AddrInUse
                            && since.elapsed() < PORTS_FREE_WITHIN =>
                    {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    other => break other,
                }
            };
            taken.push(listener.with_context(|| {
                format!("cannot listen on {addr}: if another program does, set {name} to another address")
            })?);
        }
        Ok(())
    }

    pub(super) fn needs_postgres(&self) -> bool {
        self.database_url.is_none()
    }

    pub(super) fn use_database(&mut self, url: String) {
        self.defaults.push((DATABASE_URL, url.clone()));
        self.database_url = Some(url);
    }

    /// The variables to add to the processes' environment.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        self.defaults.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    pub(super) fn addresses(&self) -> Addresses {
        Addresses {
            api: format!("http://{}", reachable(self.listen_addr)),
            mail_page: format!("http://{}", reachable(self.mail_addr)),
            payments_page: self.payments_addr.map(|addr| format!("http://{}", reachable(addr))),
            database_url: self.database_url.clone().unwrap_or_default(),
            database_is_given: !self.defaults.iter().any(|(name, _)| *name == DATABASE_URL),
        }
    }
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn address(name: &str, default_port: u16) -> anyhow::Result<SocketAddr> {
    let Some(text) = env::var(name).ok().filter(|text| !text.is_empty()) else {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, default_port)));
    };
    // Port 0 would be a new one each time, and nobody would know which.
    let addr = text.parse().ok().filter(|addr: &SocketAddr| addr.port() != 0);
    addr.with_context(|| format!("{name} is {text:?}, but should look like 127.0.0.1:{default_port}"))
}

/// Where to reach, from this machine, what listens here: "everywhere" is no address to go to.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    addr
}

/// A random secret that stays the same over restarts, so that nobody is signed out by one.
fn kept_secret(path: &Path) -> anyhow::Result<String> {
    let context = || format!("cannot keep a secret in {}", path.display());
    match fs::read_to_string(path) {
        Ok(secret) if !secret.trim().is_empty() => return Ok(secret.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).with_context(context),
        _ => {}
    }
    let mut random = [0; 32];
    File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut random)).with_context(context)?;
    let mut secret = String::new();
    for byte in random {
        write!(secret, "{byte:02x}")?;
    }
    let unfinished = path.with_extension("new");
    fs::write(&unfinished, "").with_context(context)?;
    fs::set_permissions(&unfinished, Permissions::from_mode(0o600)).with_context(context)?;
    fs::write(&unfinished, &secret).and_then(|()| fs::rename(&unfinished, path)).with_context(context)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchDir;

    #[test]
    fn a_secret_is_made_once() {
        let scratch = ScratchDir::new("secret");
        let path = scratch.path().join("token_secret");
        let secret = kept_secret(&path).unwrap();
        assert_eq!(secret.len(), 64);
        assert_eq!(kept_secret(&path).unwrap(), secret);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn everywhere_is_reached_at_home() {
        let reached = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(reached("10.0.0.1:80"), "10.0.0.1:80");
    }
}
