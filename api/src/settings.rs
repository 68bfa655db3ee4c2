//! The API's settings.

use std::net::SocketAddr;

use common::{
    config::{DatabaseArgs, DatabaseSettings, Problems, Secret, TradeArgs, TradeSettings},
    payments::{ProviderArgs, ProviderSettings},
};

use crate::limits::{LimitArgs, LimitSettings};

/// The shortest secret that access tokens may be signed with, in bytes.
const MIN_SECRET: usize = 32;

/// The settings, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct ServeArgs {
    /// The address to listen on
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8080")]
    pub listen_addr: String,

    /// Signs access tokens: at least 32 characters, the same for every API process, e.g. from
    /// `openssl rand -base64 48`
    #[arg(long, env = "TOKEN_SECRET", hide_env_values = true)]
    pub token_secret: Option<String>,

    /// How often something may be tried
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How many MiB of the catalogue's answers may be kept for up to a second; 0 keeps none
    #[arg(long, env = "CATALOG_CACHE_MIB", default_value_t = 8)]
    pub catalog_cache_mib: u32,

    /// The database
    #[command(flatten)]
    pub database: DatabaseArgs,

    /// The rules of the installation
    #[command(flatten)]
    pub trade: TradeArgs,

    /// Who handles cards
    #[command(flatten)]
    pub cards: ProviderArgs,
}

/// The settings, checked.
#[derive(Clone)]
pub struct ServeSettings {
    /// The address to listen on.
    pub listen_addr: SocketAddr,
    /// Signs access tokens.
    pub token_secret: Secret,
    /// How often something may be tried.
    pub limits: LimitSettings,
    /// How many bytes of the catalogue's answers may be kept.
    pub catalog_cache_bytes: u64,
    /// Which database.
    pub database: DatabaseSettings,
    /// The rules of the installation.
    pub trade: TradeSettings,
    /// Who handles cards.
    pub cards: ProviderSettings,
}

impl ServeArgs {
    /// Checks them.
    ///
    /// # Errors
    /// One error that lists every problem.
    pub fn check(self) -> anyhow::Result<ServeSettings> {
        let mut problems = Problems::default();
        let listen_addr = problems.take(
            "LISTEN_ADDR",
            self.listen_addr
                .parse()
                .map_err(|_| format!("expected address:port, found {:?}", self.listen_addr)),
        );
        let secret = problems.required("TOKEN_SECRET", self.token_secret);
        let secret = secret.and_then(|secret| {
            let long_enough = if secret.len() >= MIN_SECRET {
                Ok(secret)
            } else {
                Err(format!("expected at least {MIN_SECRET} characters"))
            };
            problems.take("TOKEN_SECRET", long_enough)
        });
        let limits = self.limits.check(&mut problems);
        let database = self.database.check(&mut problems);
        let trade = self.trade.check(&mut problems);
        let cards = self.cards.check(&mut problems);
        let settings = (|| {
            Some(ServeSettings {
                listen_addr: listen_addr?,
                token_secret: Secret::new(secret?),
                limits: limits?,
                catalog_cache_bytes: u64::from(self.catalog_cache_mib) << 20,
                database: database?,
                trade: trade?,
                cards: cards?,
            })
        })();
        problems.finish(settings)
    }
}
