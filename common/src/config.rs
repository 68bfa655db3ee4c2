//! Settings: read once from flags, the environment and `.env`, and checked all together.
//!
//! The `…Args` are what a person writes; `check` turns them into what the code uses and notes every
//! problem in [`Problems`], so that a bad start lists all that is wrong at once. So every setting is a text there: clap
//! ends at the first value that it cannot read itself, and names the flag.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use time::{Date, Duration, OffsetDateTime, UtcOffset};
use time_tz::{OffsetDateTimeExt, PrimitiveDateTimeExt, Tz};
use url::Url;

use crate::{accounts::EmailAddress, locale::Locale, money::Currency, text, vat::VatRates};

/// A secret, which prints as `***`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The secret itself: for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What is wrong with the settings, all of it.
#[derive(Debug, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Notes the error of a setting, if there is one.
    pub fn take<T, E: fmt::Display>(&mut self, setting: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.0.push(format!("{setting}: {error}"))).ok()
    }

    /// Notes a setting that has no value and no default.
    pub fn required<T>(&mut self, setting: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.0.push(format!("{setting} is not set"));
        }
        value
    }

    /// The settings, when each of them was fine.
    ///
    /// # Errors
    /// One error that lists every problem.
    pub fn finish<T>(self, settings: Option<T>) -> anyhow::Result<T> {
        match settings {
            Some(settings) if self.0.is_empty() => Ok(settings),
            _ => anyhow::bail!("the settings are not right:\n  {}", self.0.join("\n  ")),
        }
    }
}

/// Reads a setting that is a whole number, from the least to the most of `range`, of what it counts.
///
/// # Errors
/// What was expected, and what was found.
pub fn number<N>(text: &str, range: RangeInclusive<N>, of: &str) -> Result<N, String>
where
    N: FromStr + PartialOrd + fmt::Display,
{
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("expected {} to {} {of}, found {text:?}", range.start(), range.end()))
}

/// Reads a setting that is switched on or off.
///
/// # Errors
/// What was expected, and what was found.
pub fn switch(text: &str) -> Result<bool, String> {
    text.trim().parse().map_err(|_| format!("expected true or false, found {text:?}"))
}

/// Which database, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct DatabaseArgs {
    /// The PostgreSQL database, e.g. postgres://postavka:secret@db.example.com/postavka
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// The most connections this process keeps open
    #[arg(long, env = "DATABASE_MAX_CONNECTIONS", default_value = "16")]
    pub database_max_connections: String,
}

/// Which database, checked.
#[derive(Clone)]
pub struct DatabaseSettings {
    /// A libpq URL.
    pub url: String,
    /// The pool's size.
    pub max_connections: u32,
}

impl DatabaseArgs {
    /// Checks them.
    pub fn check(self, problems: &mut Problems) -> Option<DatabaseSettings> {
        let url = problems.required("DATABASE_URL", self.database_url);
        let url = url.and_then(|url| problems.take("DATABASE_URL", parse_database_url(url)));
        let size = number(&self.database_max_connections, 1..=1000, "connections");
        let max_connections = problems.take("DATABASE_MAX_CONNECTIONS", size);
        Some(DatabaseSettings { url: url?, max_connections: max_connections? })
    }
}

/// The rules of this installation, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct TradeArgs {
    /// The address under which people reach this installation; links in e-mails begin with it
    #[arg(long, env = "PUBLIC_URL", default_value = "http://127.0.0.1:8080")]
    pub public_url: String,

    /// Where the administrator gets a copy of each order; no copies when empty
    #[arg(long, env = "ADMIN_EMAIL", default_value = "")]
    pub admin_email: String,

    /// Whether staff must approve a new organization before its offers show and its buyers get invoices
    #[arg(long, env = "REQUIRE_APPROVAL", default_value = "true")]
    pub require_approval: String,

    /// The one currency, by its ISO 4217 code
    #[arg(long, env = "CURRENCY", default_value = "RUB")]
    pub currency: String,

    /// The rates of VAT that price lists may name, in percent, with commas between; none is for what is not taxed
    #[arg(long, env = "VAT_RATES", default_value = VatRates::RUSSIAN)]
    pub vat_rates: String,

    /// The time zone of dates in order numbers and e-mails
    #[arg(long, env = "TIME_ZONE", default_value = "Europe/Moscow")]
    pub time_zone: String,

    /// The version of the terms that whoever registers must accept, e.g. 2026-11-01; none when empty
    #[arg(long, env = "TERMS_VERSION", default_value = "")]
    pub terms_version: String,

    /// The language of whoever named none: ru or en
    #[arg(long, env = "DEFAULT_LOCALE", default_value = "ru")]
    pub default_locale: String,

    /// How many days an invoice may wait for its money
    #[arg(long, env = "INVOICE_DUE_DAYS", default_value = "14")]
    pub invoice_due_days: String,

    /// How many minutes an order waits for its card payment before its goods go back
    #[arg(long, env = "CARD_PAYMENT_MINUTES", default_value = "60")]
    pub card_payment_minutes: String,

    /// How many hours an order waits to be paid again when money that was held on a card was lost
    #[arg(long, env = "CARD_REPAYMENT_HOURS", default_value = "24")]
    pub card_repayment_hours: String,
}

/// The rules of this installation.
#[derive(Clone, Debug)]
pub struct TradeSettings {
    /// Links begin with it.
    pub public_url: Url,
    /// Gets a copy of each order.
    pub admin_email: Option<EmailAddress>,
    /// Whether new organizations wait for staff.
    pub require_approval: bool,
    /// The one currency.
    pub currency: Currency,
    /// The rates of VAT that price lists may name.
    pub vat_rates: VatRates,
    /// An IANA name, known to both time-tz and PostgreSQL.
    pub time_zone: String,
    /// The version of the terms that whoever registers must accept, if there are terms.
    pub terms_version: Option<String>,
    /// The language of whoever named none.
    pub default_locale: Locale,
    /// How many days after its order an invoice is due.
    pub invoice_due_days: u16,
    /// How long an order waits for its card payment.
    pub card_payment_time: Duration,
    /// How long an order waits to be paid again when its held money was lost.
    pub card_repayment_time: Duration,
}

impl TradeArgs {
    /// Checks them.
    pub fn check(self, problems: &mut Problems) -> Option<TradeSettings> {
        let public_url = problems.take("PUBLIC_URL", parse_http_url(&self.public_url));
        let admin_email = match self.admin_email.as_str() {
            "" => Some(None),
            text => problems.take("ADMIN_EMAIL", EmailAddress::parse(text)).map(Some),
        };
        let require_approval = problems.take("REQUIRE_APPROVAL", switch(&self.require_approval));
        let currency = problems.take("CURRENCY", self.currency.parse());
        let vat_rates = problems.take("VAT_RATES", VatRates::parse(&self.vat_rates));
        let time_zone = problems.take(
            "TIME_ZONE",
            match time_tz::timezones::get_by_name(&self.time_zone) {
                Some(_) => Ok(self.time_zone),
                None => Err(format!(
                    "{:?} is no time zone; expected a name such as Europe/Moscow",
                    self.time_zone
                )),
            },
        );
        let terms_version = match self.terms_version.as_str() {
            "" => Some(None),
            text => problems.take("TERMS_VERSION", text::one_line(text, 100)).map(Some),
        };
        let default_locale = problems.take("DEFAULT_LOCALE", self.default_locale.parse());
        let days = number(&self.invoice_due_days, 1..=365, "days");
        let invoice_due_days = problems.take("INVOICE_DUE_DAYS", days);
        // Providers know a key for a day: a payment whose answer was lost must be asked for again before that.
        let minutes = number(&self.card_payment_minutes, 1..=23 * 60, "minutes");
        let minutes = problems.take("CARD_PAYMENT_MINUTES", minutes);
        let hours = number(&self.card_repayment_hours, 1..=30 * 24, "hours");
        let hours = problems.take("CARD_REPAYMENT_HOURS", hours);
        Some(TradeSettings {
            public_url: public_url?,
            admin_email: admin_email?,
            require_approval: require_approval?,
            currency: currency?,
            vat_rates: vat_rates?,
            time_zone: time_zone?,
            terms_version: terms_version?,
            default_locale: default_locale?,
            invoice_due_days: invoice_due_days?,
            card_payment_time: Duration::minutes(minutes?),
            card_repayment_time: Duration::hours(hours?),
        })
    }
}

impl TradeSettings {
    /// A link to a page of this installation.
    #[must_use]
    pub fn link(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// A link to a page of this installation, which then speaks this language.
    #[must_use]
    pub fn link_in(&self, locale: Locale, path: &str) -> String {
        self.link(&format!("{path}?locale={locale}"))
    }

    /// The day that it is here.
    #[must_use]
    pub fn day_of(&self, instant: OffsetDateTime) -> Date {
        instant.to_timezone(self.zone()).date()
    }

    /// When a day begins here.
    #[must_use]
    pub fn start_of(&self, day: Date) -> OffsetDateTime {
        let midnight = day.midnight();
        // Where the clock skips midnight, the day begins with what it skips to: an hour is enough to find it.
        let begins = midnight.assume_timezone(self.zone()).take_first();
        let begins = begins.or_else(|| (midnight + Duration::HOUR).assume_timezone(self.zone()).take_first());
        begins.unwrap_or_else(|| midnight.assume_utc()).to_offset(UtcOffset::UTC)
    }

    /// The last day to pay the invoices of an order placed at this moment.
    #[must_use]
    pub fn invoice_due_on(&self, placed_at: OffsetDateTime) -> Date {
        self.day_of(placed_at).saturating_add(Duration::days(self.invoice_due_days.into()))
    }

    fn zone(&self) -> &'static Tz {
        time_tz::timezones::get_by_name(&self.time_zone).unwrap_or(time_tz::timezones::db::UTC)
    }
}

/// What is wrong with it never repeats it: it may hold a password.
fn parse_database_url(text: String) -> Result<String, String> {
    let is_ours = text.starts_with("postgres://") || text.starts_with("postgresql://");
    match text.parse::<sqlx::postgres::PgConnectOptions>() {
        Ok(_) if is_ours => Ok(text),
        Ok(_) => Err("expected an address that begins with postgres://".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn parse_http_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(_) => Err(format!("expected an http or https address, found {text:?}")),
        Err(error) => Err(format!("{text:?} is no address: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        trade: TradeArgs,
    }

    /// What is said of these flags.
    fn said_of(flags: &[&str]) -> String {
        let cli = Cli::parse_from([&["program"], flags].concat());
        let mut problems = Problems::default();
        let settings = cli.database.check(&mut problems).zip(cli.trade.check(&mut problems));
        problems.finish(settings).err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn whatever_is_wrong_is_listed_by_the_name_of_its_setting() {
        let said = said_of(&[
            "--database-url=mysql://shop:secret@db/postavka",
            "--database-max-connections=many",
            "--require-approval=maybe",
            "--invoice-due-days=366",
            "--card-payment-minutes=",
            "--card-repayment-hours=-1",
            "--currency=roubles",
        ]);
        for problem in [
            "DATABASE_URL: expected an address that begins with postgres://",
            "DATABASE_MAX_CONNECTIONS: expected 1 to 1000 connections, found \"many\"",
            "REQUIRE_APPROVAL: expected true or false, found \"maybe\"",
            "INVOICE_DUE_DAYS: expected 1 to 365 days, found \"366\"",
            "CARD_PAYMENT_MINUTES: expected 1 to 1380 minutes, found \"\"",
            "CARD_REPAYMENT_HOURS: expected 1 to 720 hours, found \"-1\"",
            "CURRENCY: ",
        ] {
            assert!(said.contains(problem), "{problem} is missing in {said}");
        }
        assert!(!said.contains("secret"), "{said}");
    }

    #[test]
    fn what_is_right_is_taken() {
        assert_eq!(said_of(&["--database-url=postgresql:///postavka", "--require-approval=false"]), "");
        assert_eq!((number(" 12 ", 1..=12, "months"), switch("true")), (Ok(12), Ok(true)));
    }
}
