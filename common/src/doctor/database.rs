//! The database: is it there, can it hold what we store, is it migrated, does it keep what it acknowledges?

use std::{collections::BTreeMap, time::Duration};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use time::OffsetDateTime;
use tokio::time::timeout;

use super::{Finding, store};
use crate::{
    clock::Clock,
    config::DatabaseSettings,
    db::{LOCK_TIMEOUT, MIGRATOR, STATEMENT_TIMEOUT, limited},
    queue::QueueName,
};

/// How long a database may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The oldest version that Postavka is run on.
const OLDEST: i32 = 150_000;

/// The extensions that the schema uses.
const EXTENSIONS: [&str; 1] = ["pg_trgm"];

/// Tokens and limits go by this machine's clock, leases by the database's: so far may they be apart.
const SKEW_NOTICED: time::Duration = time::Duration::seconds(2);
const SKEW_BORNE: time::Duration = time::Duration::seconds(30);

/// Looks at a database. What cannot be looked at because something else is wrong is left out.
///
/// `cards` says whether somebody is set up who handles cards.
pub async fn check(settings: &DatabaseSettings, clock: &Clock, cards: bool) -> Vec<Finding> {
    let mut connection = match connect(&settings.url).await {
        Ok(connection) => connection,
        Err(finding) => return vec![finding],
    };
    let looking = look(&mut connection, settings, clock, cards);
    let findings = match timeout(ANSWERS_WITHIN * 2, looking).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) => vec![Finding::fail("database", format!("it refuses: {error}"), "see its log")],
        Err(_) => vec![Finding::fail("database", "it stopped answering", "see its log and its load")],
    };
    _ = timeout(ANSWERS_WITHIN, connection.close()).await;
    findings
}

async fn connect(url: &str) -> Result<PgConnection, Finding> {
    let unreachable = |found: String| {
        let remedy = "check that PostgreSQL runs, that DATABASE_URL names it, and what stands between";
        Finding::fail("database", found, remedy)
    };
    let options: PgConnectOptions =
        url.parse().map_err(|error| unreachable(format!("DATABASE_URL cannot be read: {error}")))?;
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let options = limited(options, STATEMENT_TIMEOUT);
    match timeout(ANSWERS_WITHIN, PgConnection::connect_with(&options)).await {
        Ok(Ok(connection)) => Ok(connection),
        // A pooler's words.
        Ok(Err(error)) if error.to_string().contains("startup parameter") => {
            Err(Finding::fail("database", format!("{place} refuses: {error}"), POOLER))
        }
        Ok(Err(error)) => Err(unreachable(format!("{place} cannot be reached: {error}"))),
        Err(_) => Err(unreachable(format!("{place} does not answer within {} s", ANSWERS_WITHIN.as_secs()))),
    }
}

async fn look(
    connection: &mut PgConnection,
    settings: &DatabaseSettings,
    clock: &Clock,
    cards: bool,
) -> Result<Vec<Finding>, sqlx::Error> {
    let encoding = store::encoding(connection).await?;
    if encoding != "UTF8" {
        return Ok(vec![no_utf8(&encoding)]);
    }
    let server = store::server(connection).await?;
    let mut findings = vec![version(&server), locale(&server)];
    let applied = store::migrations(connection).await?;
    findings.push(extensions(&store::extensions(connection, &EXTENSIONS).await?));
    let has_schema = !applied.is_empty();
    findings.push(migrations(&applied.into_iter().collect()));
    findings.push(durability(&server));
    findings.push(timeouts(&server));
    if has_schema {
        let names = QueueName::ALL.map(QueueName::as_str);
        findings.push(queues(&store::queues(connection, &names).await?));
    }
    findings.push(connections(&server, settings));
    let before = clock.now();
    let theirs = store::now(connection).await?;
    findings.push(skew(before, theirs, clock.now()));
    if let Some(open) = store::open_cards(connection).await? {
        findings.push(handled_cards(open, cards));
    }
    Ok(findings)
}

/// A card payment that was begun is seen through by nobody without its provider.
fn handled_cards(open: i64, handled: bool) -> Finding {
    match (open, handled) {
        (_, true) => {
            Finding::ok("cards", format!("{open} card payments are open, and somebody handles them"))
        }
        (0, false) => Finding::ok("cards", "nobody pays by card here"),
        (open, false) => Finding::fail(
            "cards",
            format!("{open} card payments are open, and nobody handles them: their orders keep their goods"),
            "set YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY again, for `api` and `worker`, until these have ended",
        ),
    }
}

const NEW_DATABASE: &str = "make a new database: createdb -E UTF8 -l C.UTF-8 -T template0 <name>";

fn no_utf8(encoding: &str) -> Finding {
    Finding::fail("encoding", format!("texts are kept in {encoding}, which cannot hold them"), NEW_DATABASE)
}

fn version(server: &store::Server) -> Finding {
    let found = format!("PostgreSQL {}", server.version);
    if server.version_number < OLDEST {
        Finding::fail("version", found, "use PostgreSQL 15 or newer")
    } else {
        Finding::ok("version", found)
    }
}

fn locale(server: &store::Server) -> Finding {
    if server.knows_cyrillic {
        Finding::ok("encoding", format!("{}, and the locale knows Cyrillic", server.encoding))
    } else {
        Finding::fail(
            "encoding",
            "the locale does not know that `ж` is the small `Ж`: search is blind",
            NEW_DATABASE,
        )
    }
}

fn extensions(known: &[(String, bool)]) -> Finding {
    let missing = |name: &&&str| !known.iter().any(|(known, _)| known == **name);
    let absent: Vec<&str> = EXTENSIONS.iter().filter(missing).copied().collect();
    let waiting: Vec<&str> =
        known.iter().filter(|(_, installed)| !installed).map(|(name, _)| name.as_str()).collect();
    match (&absent[..], &waiting[..]) {
        ([], []) => Finding::ok("extensions", EXTENSIONS.join(", ")),
        ([], waiting) => {
            let found = format!("{} could be there, and is not yet", waiting.join(", "));
            Finding::fail("extensions", found, "run `api migrate`")
        }
        (absent, _) => {
            let remedy = "install PostgreSQL's contrib package on the database's machine";
            Finding::fail("extensions", format!("{} is not to be had", absent.join(", ")), remedy)
        }
    }
}

fn migrations(applied: &BTreeMap<i64, Vec<u8>>) -> Finding {
    let wanted: BTreeMap<i64, &[u8]> =
        MIGRATOR.iter().map(|migration| (migration.version, &*migration.checksum)).collect();
    let changed: Vec<_> = wanted
        .iter()
        .filter(|(version, sum)| applied.get(version).is_some_and(|applied| applied != *sum))
        .map(|(version, _)| version.to_string())
        .collect();
    let missing = wanted.keys().filter(|version| !applied.contains_key(version)).count();
    let newer = applied.keys().filter(|version| !wanted.contains_key(version)).count();
    if !changed.is_empty() {
        let found = format!("migration {} was applied in another form", changed.join(", "));
        return Finding::fail("migrations", found, "use the build that belongs to this database");
    }
    if missing > 0 {
        let found = format!("{missing} of {} are missing", wanted.len());
        return Finding::fail("migrations", found, "run `api migrate`");
    }
    if newer > 0 {
        let found = format!("{newer} are newer than this build");
        return Finding::warn("migrations", found, "roll out the build that brought them");
    }
    Finding::ok("migrations", format!("all {} are applied", wanted.len()))
}

fn durability(server: &store::Server) -> Finding {
    if !server.fsync || server.synchronous_commit == "off" {
        let found =
            format!("fsync is {}, synchronous_commit is {}", on(server.fsync), server.synchronous_commit);
        return Finding::warn(
            "durability",
            found,
            "switch both on, or acknowledged orders can be lost with the power",
        );
    }
    Finding::ok("durability", format!("fsync is on, synchronous_commit is {}", server.synchronous_commit))
}

const POOLER: &str = "let the pooler ignore the startup parameter `options` (PgBouncer: ignore_startup_parameters = \
    options), and set for the database's user what it says: alter role … set lock_timeout = '5s', likewise \
    statement_timeout = '30s' and idle_in_transaction_session_timeout = '60s'";

/// What a session is started with may be lost on its way through a pooler.
fn timeouts(server: &store::Server) -> Finding {
    const CHECK: &str = "timeouts";
    let (locks, statements) = (server.lock_timeout_ms, server.statement_timeout_ms);
    let found =
        format!("a lock may be waited for {locks} ms, a statement take {statements} ms (0: without end)");
    let wanted = [LOCK_TIMEOUT, STATEMENT_TIMEOUT].map(|timeout| i64::try_from(timeout.as_millis()).ok());
    if wanted == [Some(locks), Some(statements)] {
        return Finding::ok(CHECK, found);
    }
    Finding::warn(CHECK, found, POOLER)
}

fn queues(queues: &[store::Queue]) -> Finding {
    const CHECK: &str = "queues";
    let left: Vec<&store::Queue> = queues.iter().filter(|queue| !queue.has_workers).collect();
    if left.is_empty() {
        return Finding::ok(CHECK, "each has a worker");
    }
    let name = |queue: &&store::Queue| match queue.has_jobs {
        true => format!("{} (jobs wait)", queue.name),
        false => queue.name.clone(),
    };
    let names: Vec<String> = left.iter().map(name).collect();
    let remedy = "run a worker for each queue somewhere; `worker run` takes all of them";
    Finding::warn(CHECK, format!("nobody takes jobs of {}", names.join(", ")), remedy)
}

fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn connections(server: &store::Server, settings: &DatabaseSettings) -> Finding {
    let (all, ours) = (server.max_connections, settings.max_connections);
    let found = format!("this process may open {ours} of {all}");
    if i64::from(ours) * 2 > i64::from(all) {
        let remedy = "lower DATABASE_MAX_CONNECTIONS or raise max_connections: each process opens as many";
        return Finding::warn("connections", found, remedy);
    }
    Finding::ok("connections", found)
}

/// The database answered at some moment between `before` and `after`.
fn skew(before: OffsetDateTime, theirs: OffsetDateTime, after: OffsetDateTime) -> Finding {
    let apart = (before - theirs).max(theirs - after).max(time::Duration::ZERO);
    let found = format!("{:.1} s apart from the database's", apart.as_seconds_f64());
    let remedy = "let both machines keep their clocks by NTP (chrony, systemd-timesyncd)";
    match apart {
        apart if apart > SKEW_BORNE => Finding::fail("clock", found, remedy),
        apart if apart > SKEW_NOTICED => Finding::warn("clock", found, remedy),
        _ => Finding::ok("clock", found),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    #[test]
    fn open_card_payments_want_somebody_who_handles_them() {
        for (open, handled, level) in
            [(0, false, Level::Ok), (0, true, Level::Ok), (3, true, Level::Ok), (3, false, Level::Fail)]
        {
            assert_eq!(handled_cards(open, handled).level, level, "{open} {handled}");
        }
    }

    #[test]
    fn clocks_are_compared_with_the_time_that_the_question_took() {
        let now = Clock::system().now();
        let second = time::Duration::SECOND;
        for (theirs, after, level) in [
            (now, now, Level::Ok),
            (now + second * 5, now + second * 5, Level::Ok),
            (now + second * 5, now, Level::Warn),
            (now - second * 5, now + second, Level::Warn),
            (now - second * 31, now, Level::Fail),
        ] {
            assert_eq!(skew(now, theirs, after).level, level);
        }
    }
}
