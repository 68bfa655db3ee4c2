//! Secrets and addresses: are they long, one's own, and not to be read on the way?

use std::{collections::BTreeSet, path::Path};

use sqlx::postgres::PgConnectOptions;
use url::{Host, Url};

use super::Finding;
use crate::imports::urls::Allowed;

/// The shortest secret that access tokens may be signed with, in bytes.
pub const MIN_TOKEN_SECRET: usize = 32;

/// A random secret of that length has more different characters, however it is written.
const DIFFERENT_CHARACTERS: usize = 10;

/// Words of secrets that stand in examples.
const EXAMPLES: [&str; 8] =
    ["secret", "change", "example", "password", "postavka", "default", "0123456789", "abcdefgh"];

/// Passwords of databases that everybody tries first.
const USUAL_PASSWORDS: [&str; 6] = ["postgres", "password", "postavka", "secret", "admin", "123456"];

const NEW_SECRET: &str = "make a new one: openssl rand -base64 48";

/// Looks at the secret that signs access tokens. `development` is the file in which `cargo dev` keeps its own.
#[must_use]
pub fn token_secret(secret: Option<&str>, development: &Path) -> Finding {
    const CHECK: &str = "TOKEN_SECRET";
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
        return Finding::fail(CHECK, "it is not set", NEW_SECRET);
    };
    if secret.len() < MIN_TOKEN_SECRET {
        let found = format!("it has {} characters, and needs {MIN_TOKEN_SECRET}", secret.len());
        return Finding::fail(CHECK, found, NEW_SECRET);
    }
    let lower = secret.to_lowercase();
    let different = secret.chars().collect::<BTreeSet<_>>().len();
    if different < DIFFERENT_CHARACTERS || EXAMPLES.iter().any(|word| lower.contains(word)) {
        return Finding::fail(CHECK, "it looks made up, and can be guessed", NEW_SECRET);
    }
    if std::fs::read_to_string(development).is_ok_and(|own| own.trim() == secret) {
        let found = format!("it is that of `cargo dev` ({})", development.display());
        return Finding::warn(CHECK, found, format!("where others can reach this API, {NEW_SECRET}"));
    }
    Finding::ok(CHECK, format!("it has {} characters", secret.len()))
}

/// Looks at the password in the database's address.
#[must_use]
pub fn database_password(url: &str) -> Finding {
    const CHECK: &str = "DATABASE_URL";
    let password = Url::parse(url).ok().and_then(|url| url.password().map(str::to_owned));
    let local = url.parse::<PgConnectOptions>().is_ok_and(|options| options.get_socket().is_some());
    match password {
        Some(password) if USUAL_PASSWORDS.contains(&password.to_lowercase().as_str()) => Finding::warn(
            CHECK,
            "its password is one that everybody tries first",
            "give the database's user another",
        ),
        Some(_) => Finding::ok(CHECK, "it carries a password of its own"),
        None if local => Finding::ok(CHECK, "a unix socket, without a password"),
        None => Finding::ok(CHECK, "it carries no password"),
    }
}

/// Looks at the address under which people come.
#[must_use]
pub fn public_url(url: &Url) -> Finding {
    const CHECK: &str = "PUBLIC_URL";
    let at_home = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" {
        return Finding::ok(CHECK, url.as_str());
    }
    if at_home {
        return Finding::warn(
            CHECK,
            format!("{url} is of this machine only"),
            "set it to the address that people use",
        );
    }
    let remedy = "put a proxy with a certificate before the API, and write https://";
    Finding::warn(CHECK, format!("{url} is read by everybody on the way"), remedy)
}

/// Looks at what price lists may be fetched from beside the internet.
#[must_use]
pub fn fetched_from(allowed: &Allowed, written: &str) -> Finding {
    const CHECK: &str = "IMPORT_URL_ALLOW";
    if allowed.is_empty() {
        return Finding::ok(CHECK, "price lists come from the internet only");
    }
    let found = format!("price lists may be fetched from {written}: whoever sells here can have it asked");
    Finding::warn(CHECK, found, "leave it empty, or name single addresses with their ports")
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    #[test]
    fn what_suppliers_can_reach_inside_is_noticed() {
        let of = |written: &str| fetched_from(&written.parse().unwrap(), written);
        assert_eq!(of("").level, Level::Ok);
        let found = of("10.0.0.0/8");
        assert!(found.level == Level::Warn && found.found.contains("10.0.0.0/8"), "{found:?}");
    }

    fn level(secret: &str) -> Level {
        token_secret(Some(secret), Path::new("/nowhere")).level
    }

    #[test]
    fn secrets_that_can_be_guessed_are_none() {
        assert_eq!(token_secret(None, Path::new("/nowhere")).level, Level::Fail);
        for bad in
            ["", "short", &"a".repeat(64), &"ab12".repeat(16), "please-change-me-please-change-me-please"]
        {
            assert_eq!(level(bad), Level::Fail, "{bad}");
        }
        for good in ["kS0zq8mYxV1nT4rWc7bJdLhPgF9uE2iA", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"] {
            assert_eq!(level(good), Level::Ok, "{good}");
        }
    }

    #[test]
    fn the_usual_passwords_of_databases_are_noticed() {
        let of = |url: &str| database_password(url).level;
        assert_eq!(of("postgres://postgres:postgres@db/postavka"), Level::Warn);
        assert_eq!(of("postgres://shop:kS0zq8mYxV@db/postavka"), Level::Ok);
        assert_eq!(of("postgres:///postavka?host=/run/postgresql"), Level::Ok);
    }

    #[test]
    fn people_should_come_by_https() {
        let of = |url: &str| public_url(&url.parse().unwrap()).level;
        assert_eq!(of("https://orders.example.com"), Level::Ok);
        for plain in ["http://orders.example.com", "http://127.0.0.1:8080", "http://localhost"] {
            assert_eq!(of(plain), Level::Warn, "{plain}");
        }
    }
}
