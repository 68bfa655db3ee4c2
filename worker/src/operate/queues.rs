//! `worker queues list|pause|resume`.

use clap::Subcommand;
use common::{
    config::Problems,
    program,
    queue::{
        QueueName,
        figures::{self, QueueFigures},
        office,
    },
};
use serde_json::json;

use super::{Common, at, desk, print_json, print_table};

/// Looks at the queues, or pauses them.
#[derive(Subcommand)]
pub enum QueuesCommand {
    /// Shows what waits in each queue, how many workers take from it, and whether it pauses
    List(Common),
    /// Lets no worker take from a queue, within a second; what runs goes on
    Pause(Which),
    /// Lets workers take from a queue again
    Resume(Which),
}

/// Which queue.
#[derive(clap::Args)]
pub struct Which {
    /// The queue: mail, imports, fetches, payments or maintenance
    #[arg(value_parser = queue)]
    queue: QueueName,

    #[command(flatten)]
    common: Common,
}

pub(super) fn queue(text: &str) -> Result<QueueName, String> {
    let names = || QueueName::ALL.map(QueueName::as_str).join(", ");
    QueueName::parse(text).ok_or_else(|| format!("expected one of {}", names()))
}

impl QueuesCommand {
    /// Does it.
    ///
    /// # Errors
    /// When the settings are not right, or the database is away.
    pub async fn run(self, problems: Problems) -> anyhow::Result<()> {
        match self {
            Self::List(common) => list(&common, problems).await,
            Self::Pause(Which { queue, common }) => {
                let mut tx = common.connect(problems)?.begin().await?;
                let changed = office::pause(&mut tx, desk(), queue).await?;
                tx.commit().await?;
                report(&common, queue, changed, true);
                Ok(())
            }
            Self::Resume(Which { queue, common }) => {
                let mut tx = common.connect(problems)?.begin().await?;
                let changed = office::resume(&mut tx, desk(), queue).await?;
                tx.commit().await?;
                report(&common, queue, changed, false);
                Ok(())
            }
        }
    }
}

fn report(common: &Common, queue: QueueName, changed: bool, pauses: bool) {
    let queue = queue.as_str();
    if common.json {
        print_json(&json!({ "queue": queue, "changed": changed, "pauses": pauses }));
        return;
    }
    let what = match (pauses, changed) {
        (true, true) => "pauses: nobody takes from it until it is resumed",
        (true, false) => "pauses already",
        (false, true) => "goes on",
        (false, false) => "does not pause",
    };
    program::print(format_args!("{queue} {what}"));
}

async fn list(common: &Common, problems: Problems) -> anyhow::Result<()> {
    let queues = figures::of(common.connect(problems)?.pool()).await?;
    if common.json {
        print_json(&queues.iter().map(as_json).collect());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = queues.iter().map(as_row).collect();
    let header = ["QUEUE", "READY", "WAITING", "RUNNING", "DEAD", "OLDEST", "WORKERS", "PAUSED SINCE"];
    print_table(&header, &rows);
    for queue in queues.iter().filter(|queue| queue.ready > 0 && queue.workers == 0) {
        let queue = &queue.queue;
        program::print(format_args!("nobody takes from {queue}: a worker somewhere has to run it"));
    }
    Ok(())
}

fn as_row(queue: &QueueFigures) -> Vec<String> {
    vec![
        queue.queue.clone(),
        queue.ready.to_string(),
        queue.waiting.to_string(),
        queue.running.to_string(),
        queue.dead.to_string(),
        format!("{:.0}s", queue.oldest_ready_s),
        queue.workers.to_string(),
        queue.paused_since.map_or_else(|| "-".to_owned(), at),
    ]
}

fn as_json(queue: &QueueFigures) -> serde_json::Value {
    json!({
        "queue": queue.queue, "ready": queue.ready, "waiting": queue.waiting, "running": queue.running,
        "dead": queue.dead, "oldest_ready_s": queue.oldest_ready_s, "workers": queue.workers,
        "paused_since": queue.paused_since.map(at),
    })
}
