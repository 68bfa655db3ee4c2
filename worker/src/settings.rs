//! The worker's settings.

use std::{net::SocketAddr, time::Duration};

use common::{
    age::Age,
    config::{DatabaseArgs, DatabaseSettings, Problems, TradeArgs, TradeSettings, number},
    imports::urls::{Allowed, FetchArgs, jobs::FetchDuePriceLists},
    janitor::{Retention, RetentionArgs, jobs::CleanUp},
    payments::{ProviderArgs, ProviderSettings},
    queue::{QueueName, lease::LeaseSettings, schedule::Schedule},
    supervisor::Supervisor,
};

use crate::{
    mail::{Mailer, Server, sender},
    run::RunSettings,
};

/// Longer than anybody waits for a worker.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct WorkArgs {
    /// Which queues to take jobs from, and how many of each at once
    #[arg(
        long,
        env = "WORKER_QUEUES",
        default_value = "mail=16,imports=1,fetches=8,payments=4,maintenance=1"
    )]
    pub queues: String,

    /// How long jobs that run may go on when the process is told to stop, e.g. 30s or 5m; a bare number is seconds
    #[arg(long, alias = "grace-seconds", env = "WORKER_GRACE_SECONDS", default_value = "30s")]
    pub grace: String,

    /// How long this process may be silent before others take its jobs over, in seconds
    #[arg(long, env = "WORKER_LEASE_SECONDS", default_value = "30")]
    pub lease_seconds: String,

    /// How often this process renews its lease, in seconds
    #[arg(long, env = "WORKER_HEARTBEAT_SECONDS", default_value = "5")]
    pub heartbeat_seconds: String,

    /// Where to serve `/healthz`, `/readyz` and `/metrics`; nowhere when empty
    #[arg(long, env = "METRICS_ADDR", default_value = "")]
    pub metrics_addr: String,

    /// The mail server, e.g. smtp://127.0.0.1:1025 or smtps://user:password@smtp.example.com
    #[arg(long, env = "SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,

    /// The sender of e-mails, e.g. Postavka <orders@example.com>
    #[arg(long, env = "MAIL_FROM")]
    pub mail_from: Option<String>,

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

    /// How long things are kept
    #[command(flatten)]
    pub retention: RetentionArgs,
}

/// The settings, checked.
pub struct WorkSettings {
    /// How the process runs.
    pub run: RunSettings,
    /// Where to serve `/metrics`.
    pub metrics_addr: Option<SocketAddr>,
    /// The way to the mail server.
    pub mailer: Mailer,
    /// Which database.
    pub database: DatabaseSettings,
    /// The rules of the installation.
    pub trade: TradeSettings,
    /// From where price lists are fetched although it is not public.
    pub fetching: Allowed,
    /// Who handles cards.
    pub cards: ProviderSettings,
    /// How long things are kept.
    pub retention: Retention,
}

impl WorkArgs {
    /// Checks them.
    ///
    /// # Errors
    /// One error that lists every problem, beside those that there are already.
    pub fn check(self, mut problems: Problems) -> anyhow::Result<WorkSettings> {
        let queues = problems.take("WORKER_QUEUES", RunSettings::parse_queues(&self.queues));
        let lease = self.check_lease(&mut problems);
        let grace = problems.take("WORKER_GRACE_SECONDS", parse_grace(&self.grace));
        let metrics_addr = match self.metrics_addr.as_str() {
            "" => Some(None),
            text => {
                let parsed = text.parse().map_err(|_| format!("expected address:port, found {text:?}"));
                problems.take("METRICS_ADDR", parsed).map(Some)
            }
        };
        let mailer = check_mailer(self.smtp_url, self.mail_from, &mut problems);
        let database = self.database.check(&mut problems);
        let trade = self.trade.check(&mut problems);
        let fetching = self.fetching.check(&mut problems);
        let cards = self.cards.check(&mut problems);
        let retention = self.retention.check(&mut problems);
        let settings = (|| {
            Some(WorkSettings {
                mailer: mailer?.sharing(queues.as_ref()?.get(QueueName::MAIL.as_str()).copied().unwrap_or(1)),
                run: RunSettings {
                    queues: queues?,
                    grace: grace?,
                    lease: lease?,
                    schedules: schedules(),
                    supervisor: Supervisor::of_this_process(),
                },
                metrics_addr: metrics_addr?,
                database: database?,
                trade: trade?,
                fetching: fetching?,
                cards: cards?,
                retention: retention?,
            })
        })();
        problems.finish(settings)
    }
}

impl WorkArgs {
    fn check_lease(&self, problems: &mut Problems) -> Option<LeaseSettings> {
        let mut seconds = |setting, text: &str| {
            problems.take(setting, number(text, 1..=LONGEST.as_secs(), "seconds")).map(Duration::from_secs)
        };
        let lease = seconds("WORKER_LEASE_SECONDS", &self.lease_seconds);
        let heartbeat = seconds("WORKER_HEARTBEAT_SECONDS", &self.heartbeat_seconds);
        let lease = LeaseSettings { lease: lease?, heartbeat: heartbeat? };
        let lease = if lease.heartbeat > lease.lease / 2 {
            Err("expected at most half of WORKER_LEASE_SECONDS")
        } else {
            Ok(lease)
        };
        problems.take("WORKER_HEARTBEAT_SECONDS", lease)
    }
}

fn check_mailer(smtp_url: Option<String>, from: Option<String>, problems: &mut Problems) -> Option<Mailer> {
    let server = problems
        .required("SMTP_URL", smtp_url)
        .and_then(|url| problems.take("SMTP_URL", Server::parse(&url).map_err(|error| format!("{error:#}"))));
    let from = problems.required("MAIL_FROM", from);
    let from = from.and_then(|from| problems.take("MAIL_FROM", sender(&from)));
    Some(Mailer::from(server?, from?))
}

fn parse_grace(text: &str) -> Result<Duration, String> {
    let grace = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => text.parse::<Age>().map_err(|error| error.to_string())?.duration(),
    };
    if grace > LONGEST { Err("expected at most a day".to_owned()) } else { Ok(grace) }
}

/// What comes by the clock.
fn schedules() -> Vec<Schedule> {
    vec![Schedule::of::<CleanUp>(), Schedule::of::<FetchDuePriceLists>()]
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: WorkArgs,
    }

    #[test]
    fn times_beyond_all_bounds_are_refused() {
        let longest = u64::MAX.to_string();
        for (flag, problem) in [
            ("--heartbeat-seconds", "WORKER_HEARTBEAT_SECONDS: expected 1 to 86400 seconds"),
            ("--lease-seconds", "WORKER_LEASE_SECONDS: expected 1 to 86400 seconds"),
            ("--grace-seconds", "WORKER_GRACE_SECONDS: expected at most a day"),
        ] {
            let args = Cli::parse_from(["worker", flag, &longest]).args;
            let refused = args.check(Problems::default()).err().expect("a refusal");
            assert!(refused.to_string().contains(problem), "{flag}: {refused}");
        }
    }

    #[test]
    fn a_bad_start_lists_everything_that_is_wrong() {
        let args = Cli::parse_from([
            "worker",
            "--smtp-url=ftp://relay",
            "--mail-from=nobody",
            "--queues=mail=0,exports,mail",
            "--import-url-allow=127.0.0.1:0,10.0.0.1/8",
        ]);
        let refused = args.args.check(Problems::default()).err().expect("a refusal").to_string();
        for problem in [
            "SMTP_URL: ",
            "MAIL_FROM: ",
            "mail: expected 1 to 1000 slots",
            "no queue \"exports\"",
            "the queue mail is there twice",
            "127.0.0.1:0",
            "10.0.0.1/8",
        ] {
            assert!(refused.contains(problem), "{problem}: {refused}");
        }
    }

    #[test]
    fn a_grace_is_a_time_or_a_number_of_seconds() {
        for (text, seconds) in [("30", 30), ("0", 0), ("30s", 30), ("5m", 300)] {
            assert_eq!(parse_grace(text), Ok(Duration::from_secs(seconds)));
        }
        assert!(parse_grace("soon").is_err());
    }
}
