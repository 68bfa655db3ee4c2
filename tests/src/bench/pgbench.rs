//! Rates of PostgreSQL alone, by pgbench.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, ensure};

use super::{CLIENTS, Cluster};

/// What pgbench repeats; of several, each time one at random.
#[derive(Clone, Debug)]
pub enum Script {
    /// A file.
    File(PathBuf),
    /// Statements, at most 100, each with its values in it: they stay in temporary files.
    Statements(Vec<String>),
}

/// So many clients, each so many times.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// How many clients.
    pub clients: u32,
    /// How often each.
    pub times: u32,
}

/// How often a second 16 clients do it, with prepared statements.
///
/// # Errors
/// When pgbench is missing or fails.
pub fn pgbench(cluster: &Cluster, database: &str, script: &Script, time: Duration) -> anyhow::Result<f64> {
    let time = time.as_secs().max(1).to_string();
    run(cluster, database, script, &["-c", &CLIENTS.to_string(), "-T", &time])
}

/// How often a second these clients do it, with prepared statements.
///
/// # Errors
/// When pgbench is missing or fails.
pub fn pgbench_of(cluster: &Cluster, database: &str, script: &Script, runs: Runs) -> anyhow::Result<f64> {
    let Runs { clients, times } = runs;
    run(cluster, database, script, &["-c", &clients.to_string(), "-t", &times.to_string()])
}

fn run(cluster: &Cluster, database: &str, script: &Script, how: &[&str]) -> anyhow::Result<f64> {
    let mut command = Command::new(cluster.program("pgbench"));
    command.args(["-n", "-M", "prepared", "-j", "2"]).args(how);
    match script {
        Script::File(file) => {
            command.arg("-f").arg(file);
        }
        Script::Statements(statements) => {
            let dir = cluster.scratch()?;
            for (number, statement) in statements.iter().enumerate() {
                let file = dir.join(format!("{number}.sql"));
                fs::write(&file, statement.replace('\n', " ") + ";\n")?;
                command.arg("-f").arg(file);
            }
        }
    }
    command.arg(cluster.url(database));
    let output = command.output().context("cannot start pgbench; it comes with PostgreSQL")?;
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "pgbench has failed: {complained}");
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    tps.with_context(|| format!("pgbench says no rate: {said}"))
}
