//! The API's settings.

use std::time::Duration;

use salvo::http::HeaderValue;

use common::{
    config::{DatabaseArgs, DatabaseSettings, Problems, Secret, TradeArgs, TradeSettings, number},
    doctor::secrets::MIN_TOKEN_SECRET,
    imports::urls::{Allowed, FetchArgs},
    payments::{ProviderArgs, ProviderSettings},
};

use crate::limits::{LimitArgs, LimitSettings};
use crate::serve::Serving;

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
    #[arg(long, env = "CATALOG_CACHE_MIB", default_value = "8")]
    pub catalog_cache_mib: String,

    /// Origins whose pages may read the API's answers, e.g. `https://shop.example.com`, with commas between; `*` for
    /// all; none when empty
    #[arg(long, env = "CORS_ORIGINS", default_value = "")]
    pub cors_origins: String,

    /// How long to go on when told to stop, in seconds: as long as the balancer in front takes to notice that `/readyz`
    /// is 503
    #[arg(long, env = "STOP_DELAY_SECONDS", default_value = "0")]
    pub stop_delay_seconds: String,

    /// The database
    #[command(flatten)]
    pub database: DatabaseArgs,

    /// The rules of the installation
    #[command(flatten)]
    pub trade: TradeArgs,

    /// From where price lists are fetched
    #[command(flatten)]
    pub fetching: FetchArgs,

    /// Who handles cards
    #[command(flatten)]
    pub cards: ProviderArgs,
}

/// The settings, checked.
#[derive(Clone)]
pub struct ServeSettings {
    /// Signs access tokens.
    pub token_secret: Secret,
    /// How often something may be tried.
    pub limits: LimitSettings,
    /// How many bytes of the catalogue's answers may be kept.
    pub catalog_cache_bytes: u64,
    /// How the API meets its clients.
    pub serving: Serving,
    /// Which database.
    pub database: DatabaseSettings,
    /// The rules of the installation.
    pub trade: TradeSettings,
    /// From where price lists are fetched although it is not public.
    pub fetching: Allowed,
    /// Who handles cards.
    pub cards: ProviderSettings,
}

impl ServeArgs {
    /// Checks them.
    ///
    /// # Errors
    /// One error that lists every problem, beside those that there are already.
    pub fn check(self, mut problems: Problems) -> anyhow::Result<ServeSettings> {
        let listen_addr = problems.take(
            "LISTEN_ADDR",
            self.listen_addr
                .parse()
                .map_err(|_| format!("expected address:port, found {:?}", self.listen_addr)),
        );
        let secret = problems.required("TOKEN_SECRET", self.token_secret);
        let secret = secret.and_then(|secret| {
            let long_enough = if secret.len() >= MIN_TOKEN_SECRET {
                Ok(secret)
            } else {
                Err(format!("expected at least {MIN_TOKEN_SECRET} characters"))
            };
            problems.take("TOKEN_SECRET", long_enough)
        });
        let limits = self.limits.check(&mut problems);
        let cache = number(&self.catalog_cache_mib, 0..=1 << 20, "MiB");
        let cache = problems.take("CATALOG_CACHE_MIB", cache);
        let stop_delay = number(&self.stop_delay_seconds, 0..=u16::MAX, "seconds");
        let stop_delay = problems.take("STOP_DELAY_SECONDS", stop_delay);
        let cors_origins = problems.take("CORS_ORIGINS", parse_origins(&self.cors_origins));
        let database = self.database.check(&mut problems);
        let trade = self.trade.check(&mut problems);
        let fetching = self.fetching.check(&mut problems);
        let cards = self.cards.check(&mut problems);
        let settings = (|| {
            Some(ServeSettings {
                token_secret: Secret::new(secret?),
                limits: limits?,
                catalog_cache_bytes: cache? << 20,
                serving: Serving {
                    cors_origins: cors_origins?,
                    https: trade.as_ref()?.public_url.scheme() == "https",
                    stop_delay: Duration::from_secs(stop_delay?.into()),
                    ..Serving::on(listen_addr?)
                },
                database: database?,
                trade: trade?,
                fetching: fetching?,
                cards: cards?,
            })
        })();
        problems.finish(settings)
    }
}

/// Reads origins as browsers send them: scheme, host and port, nothing else.
fn parse_origins(text: &str) -> Result<Vec<HeaderValue>, String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.contains(&"*") && parts.len() > 1 {
        return Err("`*` is all there are: expected nothing beside it".to_owned());
    }
    let origin = |part: &str| {
        let wrong = || format!("expected an origin such as https://shop.example.com, found {part:?}");
        let is_origin = part == "*"
            || url::Url::parse(part).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == part
            });
        if is_origin { HeaderValue::from_str(part).map_err(|_| wrong()) } else { Err(wrong()) }
    };
    parts.into_iter().map(origin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_browsers_send_them() {
        assert_eq!(parse_origins(""), Ok(Vec::new()));
        assert_eq!(parse_origins(" https://a.example , http://b.example:8080,").map(|all| all.len()), Ok(2));
        assert_eq!(parse_origins("*").map(|all| all.len()), Ok(1));
        for wrong in [
            "a.example",
            "https://a.example/",
            "https://a.example:443",
            "https://A.example",
            "ftp://a",
            "*,https://a.example",
        ] {
            assert!(parse_origins(wrong).is_err(), "{wrong}");
        }
    }
}
