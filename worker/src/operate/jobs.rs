//! `worker jobs list|show|retry|discard`.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};
use clap::Subcommand;
use common::{
    age::Age,
    clock::Clock,
    config::{Problems, TradeArgs},
    db::Db,
    ids::JobId,
    page::Limit,
    program,
    queue::{
        KnownKinds, QueueName,
        office::{self, Act, AttemptRecord, JobFilter, JobRecord, JobState},
    },
};
use serde_json::{Value, json};

use super::{Common, at, desk, print_json, print_table, queues::queue};

/// How many jobs one transaction changes.
const BATCH: i64 = 100;

/// How much of an error a row of a list shows, in characters.
const ERROR_SHOWN: usize = 60;

/// Looks at jobs, tries them again, or discards them.
#[derive(Subcommand)]
pub enum JobsCommand {
    /// Shows jobs, the newest first
    List(ListArgs),
    /// Shows a job with its payload and each attempt that failed
    Show(ShowArgs),
    /// Lets jobs run again that gave up or were discarded, and at once those that wait
    Retry(ActArgs),
    /// Lets jobs never run (any more) that gave up or wait
    Discard(ActArgs),
}

/// Which jobs.
#[derive(clap::Args)]
pub struct Selection {
    /// Only those of this queue
    #[arg(long, value_parser = queue)]
    queue: Option<QueueName>,

    /// Only those of this kind, e.g. send_email
    #[arg(long)]
    kind: Option<String>,

    /// Only those that are ready, running, done, dead or discarded
    #[arg(long, value_parser = state)]
    status: Option<JobState>,

    /// Only those enqueued longer ago than this, e.g. 2h or 7d
    #[arg(long)]
    older_than: Option<Age>,

    /// Only those enqueued within this time, e.g. 30m
    #[arg(long)]
    newer_than: Option<Age>,
}

fn state(text: &str) -> Result<JobState, String> {
    let words = || JobState::ALL.map(JobState::as_str).join(", ");
    JobState::parse(text).ok_or_else(|| format!("expected one of {}", words()))
}

impl Selection {
    fn filter(&self) -> JobFilter {
        let now = Clock::system().now();
        JobFilter {
            queue: self.queue,
            kind: self.kind.clone(),
            state: self.status,
            created_from: self.newer_than.map(|age| now - age.duration()),
            created_to: self.older_than.map(|age| now - age.duration()),
        }
    }

    fn is_empty(&self) -> bool {
        self.queue.is_none()
            && self.kind.is_none()
            && self.status.is_none()
            && self.older_than.is_none()
            && self.newer_than.is_none()
    }
}

/// `worker jobs list`.
#[derive(clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    selection: Selection,

    /// How many, at most 100
    #[arg(long, default_value_t = 20)]
    limit: u64,

    #[command(flatten)]
    common: Common,
}

/// `worker jobs show`.
#[derive(clap::Args)]
pub struct ShowArgs {
    /// The job's id
    id: JobId,

    #[command(flatten)]
    common: Common,
}

/// `worker jobs retry`, `worker jobs discard`.
#[derive(clap::Args)]
pub struct ActArgs {
    /// The ids of the jobs; or use the filters
    #[arg(conflicts_with_all = ["queue", "kind", "status", "older_than", "newer_than"])]
    ids: Vec<JobId>,

    #[command(flatten)]
    selection: Selection,

    /// Only says what would happen
    #[arg(long)]
    dry_run: bool,

    /// The rules of the installation
    #[command(flatten)]
    trade: TradeArgs,

    #[command(flatten)]
    common: Common,
}

impl JobsCommand {
    /// Does it.
    ///
    /// # Errors
    /// When the settings are not right, the database is away, there is no such job, or some job was refused.
    pub async fn run(self, problems: Problems) -> anyhow::Result<()> {
        match self {
            Self::List(args) => list(&args, problems).await,
            Self::Show(args) => show(&args, problems).await,
            Self::Retry(args) => act(args, Act::Retry, problems).await,
            Self::Discard(args) => act(args, Act::Discard, problems).await,
        }
    }
}

async fn list(args: &ListArgs, problems: Problems) -> anyhow::Result<()> {
    let limit = Limit::parse(args.limit).map_err(|invalid| anyhow::anyhow!("--limit: {invalid}"))?;
    let db = args.common.connect(problems)?;
    let mut conn = db.pool().acquire().await?;
    let page =
        limit.page(office::list(&mut conn, &args.selection.filter(), None, limit).await?, |job| job.id);
    if args.common.json {
        print_json(&page.items.iter().map(as_json).collect());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = page.items.iter().map(as_row).collect();
    print_table(&["ID", "QUEUE", "KIND", "STATUS", "ATTEMPTS", "CREATED", "LAST ERROR"], &rows);
    if page.next.is_some() {
        program::print("… and more; narrow it down, or raise --limit");
    }
    Ok(())
}

async fn show(args: &ShowArgs, problems: Problems) -> anyhow::Result<()> {
    let db = args.common.connect(problems)?;
    let mut conn = db.pool().acquire().await?;
    let Some(job) = office::find(&mut conn, args.id).await? else { bail!("there is no job {}", args.id) };
    let failures = office::attempts(&mut conn, args.id).await?;
    let mut value = as_json(&job);
    if let Value::Object(members) = &mut value {
        members.insert("payload".to_owned(), job.payload.clone());
        members.insert("failures".to_owned(), failures.iter().map(failure_as_json).collect());
    }
    if args.common.json {
        print_json(&value);
        return Ok(());
    }
    if let Value::Object(members) = &value {
        for (name, value) in members.iter().filter(|(name, value)| *name != "failures" && !value.is_null()) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            program::print(format_args!("{name:<13} {value}"));
        }
    }
    for failure in failures {
        let AttemptRecord { attempt, worker, error, .. } = &failure;
        let ended = at(failure.ended_at);
        program::print(format_args!("attempt {attempt} by {worker} failed {ended}: {error}"));
    }
    Ok(())
}

/// How many jobs were changed, and which were not.
#[derive(Default)]
struct Tally {
    changed: Vec<JobId>,
    /// What they would do, where this is a rehearsal and somebody knows.
    would: BTreeMap<JobId, String>,
    refused: Vec<(JobId, String)>,
}

/// What is being done, and where.
struct Acting {
    db: Db,
    kinds: KnownKinds,
    act: Act,
    dry_run: bool,
}

async fn act(args: ActArgs, act: Act, mut problems: Problems) -> anyhow::Result<()> {
    let by_filter = args.ids.is_empty();
    ensure!(
        !by_filter || !args.selection.is_empty(),
        "name jobs by their ids, or by a filter such as --status dead"
    );
    let trade = args.trade.clone().check(&mut problems);
    let database = args.common.database.clone().check(&mut problems);
    let (trade, database) = problems.finish(trade.zip(database))?;
    let kinds = KnownKinds::of_postavka(Clock::system(), trade);
    let acting = Acting { db: Db::new(&database)?, kinds, act, dry_run: args.dry_run };
    let mut tally = Tally::default();
    if by_filter {
        let state = args.selection.status.or(Some(JobState::Dead));
        acting.change_matching(&JobFilter { state, ..args.selection.filter() }, &mut tally).await?;
    } else {
        acting.change(&args.ids, &mut tally).await?;
    }
    report(&tally, act, &args);
    let refused = tally.refused.len();
    ensure!(refused == 0, "{} stay{} as before", jobs(refused), if refused == 1 { "s" } else { "" });
    Ok(())
}

impl Acting {
    async fn change_matching(&self, filter: &JobFilter, tally: &mut Tally) -> anyhow::Result<()> {
        let mut after = None;
        loop {
            let ids = office::matching(&mut *self.db.pool().acquire().await?, filter, after, BATCH).await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = Some(*last);
            self.change(&ids, tally).await?;
        }
    }

    async fn change(&self, ids: &[JobId], tally: &mut Tally) -> anyhow::Result<()> {
        let mut tx = self.db.begin().await?;
        if self.dry_run && self.act == Act::Retry {
            for &id in ids {
                let would = office::preview(&mut tx, &self.kinds, id).await?;
                tally.would.extend(would.map(|would| (id, would)));
            }
        }
        let outcomes = office::each(&mut tx, &self.kinds, desk(), self.act, ids).await?;
        if self.dry_run {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
        }
        for (id, outcome) in outcomes {
            match outcome {
                Ok(()) => tally.changed.push(id),
                Err(error) => {
                    tally.would.remove(&id);
                    tally.refused.push((id, error.to_string()));
                }
            }
        }
        Ok(())
    }
}

fn report(tally: &Tally, act: Act, args: &ActArgs) {
    if args.common.json {
        let changed: Vec<String> = tally.changed.iter().map(JobId::to_string).collect();
        let refused: Vec<Value> =
            tally.refused.iter().map(|(id, why)| json!({ "id": id.to_string(), "detail": why })).collect();
        let would: Value = tally.would.iter().map(|(id, would)| (id.to_string(), json!(would))).collect();
        print_json(
            &json!({ "changed": changed, "refused": refused, "dry_run": args.dry_run, "would": would }),
        );
        return;
    }
    for (id, why) in &tally.refused {
        program::print(format_args!("{id}: {why}"));
    }
    let one = tally.changed.len() == 1;
    let what = match (act, args.dry_run) {
        (Act::Retry, false) => "will run again",
        (Act::Retry, true) => "would run again",
        (Act::Discard, false) if one => "is discarded",
        (Act::Discard, false) => "are discarded",
        (Act::Discard, true) => "would be discarded",
    };
    program::print(format_args!("{} {what}", jobs(tally.changed.len())));
    let mut alike: BTreeMap<&str, usize> = BTreeMap::new();
    for would in tally.would.values() {
        *alike.entry(would).or_default() += 1;
    }
    for (would, count) in alike {
        program::print(format_args!("{count} would {would}"));
    }
}

fn jobs(count: usize) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") }
}

fn as_row(job: &JobRecord) -> Vec<String> {
    let error: String = job.last_error.as_deref().unwrap_or("-").chars().take(ERROR_SHOWN).collect();
    vec![
        job.id.to_string(),
        job.queue.clone(),
        job.kind.clone(),
        job.state.clone(),
        format!("{}/{}", job.attempts, job.max_attempts),
        at(job.created_at),
        error.replace('\n', " "),
    ]
}

fn as_json(job: &JobRecord) -> Value {
    json!({
        "id": job.id.to_string(), "queue": job.queue, "kind": job.kind, "status": job.state, "key": job.key,
        "attempts": job.attempts, "max_attempts": job.max_attempts, "run_at": at(job.run_at), "worker": job.worker,
        "started_at": job.started_at.map(at), "last_error": job.last_error, "request_id": job.request_id,
        "created_at": at(job.created_at), "finished_at": job.finished_at.map(at),
    })
}

fn failure_as_json(failure: &AttemptRecord) -> Value {
    json!({
        "attempt": failure.attempt, "worker": failure.worker, "started_at": failure.started_at.map(at),
        "ended_at": at(failure.ended_at), "error": failure.error,
    })
}
