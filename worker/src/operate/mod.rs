//! What operators do on the command line: `worker jobs …`, `worker queues …`, `worker schedules` and `worker import`.
//!
//! They act as nobody in particular: the audit log says that it was done, and no name. Whoever should be named uses the
//! API.

mod import;
mod jobs;
mod queues;
mod schedules;

pub use import::ImportArgs;
pub use jobs::JobsCommand;
pub use queues::QueuesCommand;
pub use schedules::list_schedules;

use common::{
    clock::Clock,
    config::{DatabaseArgs, Problems},
    db::Db,
    program,
    queue::office::Desk,
};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// What each of these commands takes besides.
#[derive(clap::Args, Clone, Debug)]
pub struct Common {
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,

    /// The database
    #[command(flatten)]
    database: DatabaseArgs,
}

impl Common {
    fn connect(&self, mut problems: Problems) -> anyhow::Result<Db> {
        let settings = self.database.clone().check(&mut problems);
        Ok(Db::new(&problems.finish(settings)?)?)
    }
}

/// Nobody in particular, now.
fn desk() -> Desk {
    Desk { by: None, now: Clock::system().now() }
}

fn at(instant: OffsetDateTime) -> String {
    instant.format(&Rfc3339).unwrap_or_default()
}

/// Prints rows in columns, each as wide as its widest cell.
fn print_table(header: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|name| name.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let print = |cells: &mut dyn Iterator<Item = &str>| {
        let line: String = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
        program::print(line.trim_end());
    };
    print(&mut header.iter().copied());
    for row in rows {
        print(&mut row.iter().map(String::as_str));
    }
}

fn print_json(value: &Value) {
    program::print(format_args!("{value:#}"));
}
