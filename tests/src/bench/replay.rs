//! What a process asked of PostgreSQL, to be asked again by psql: so the limit is our own SQL, whatever that is by now.

use std::{collections::HashMap, fs, path::PathBuf};

use anyhow::{Context, ensure};
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::Cluster;

/// Transactions as a log has them, with the values in their statements.
#[derive(Clone, Debug)]
pub struct Replay {
    statements: Vec<String>,
}

/// A part of the server's log, from when it was begun.
#[derive(Debug)]
pub struct Recording {
    log: PathBuf,
    begins_at: usize,
}

impl Recording {
    /// Has the server write down all that is asked of a database by those who connect to it from now on.
    ///
    /// # Errors
    /// When it cannot be asked to.
    pub async fn begin(cluster: &Cluster, database: &str) -> anyhow::Result<Self> {
        let mut connection = cluster.connect(database).await?;
        let setting = format!("alter database \"{database}\" set log_min_duration_statement = 0");
        connection.execute(AssertSqlSafe(setting)).await?;
        connection.close().await?;
        let log = cluster.log().to_owned();
        let begins_at = fs::read(&log).context("the server's log")?.len();
        Ok(Self { log, begins_at })
    }

    /// The transactions in which a value stands, in their order, from when the last rows were copied from a client.
    ///
    /// # Errors
    /// When there is none.
    pub fn after_copying(self, value: &str) -> anyhow::Result<Replay> {
        let log = fs::read(&self.log).context("the server's log")?;
        let log = String::from_utf8_lossy(log.get(self.begins_at..).unwrap_or_default()).into_owned();
        let transactions = transactions_in(&entries_in(&log));
        let copies =
            |statements: &Vec<String>| statements.iter().any(|statement| statement.starts_with("copy "));
        let after = transactions.iter().rposition(copies).map_or(0, |last| last + 1);
        let has_value =
            |statements: &Vec<String>| statements.iter().any(|statement| statement.contains(value));
        let statements: Vec<String> =
            transactions.into_iter().skip(after).filter(has_value).flatten().collect();
        ensure!(!statements.is_empty(), "the server's log has no transaction with {value}");
        Ok(Replay { statements })
    }
}

impl Replay {
    /// As psql reads it, with other values in the place of those that were recorded.
    #[must_use]
    pub fn script(&self, other: &[(&str, &str)]) -> String {
        let mut script = self.statements.join(";\n") + ";\n";
        for (recorded, wanted) in other {
            script = script.replace(recorded, wanted);
        }
        script
    }
}

/// Who wrote what into the log. A text of several lines goes on after a tab.
fn entries_in(log: &str) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in log.lines() {
        match (line.strip_prefix('\t'), line.strip_prefix('[').and_then(|rest| rest.split_once("] "))) {
            (Some(more), _) => {
                if let Some((_, text)) = entries.last_mut() {
                    text.push('\n');
                    text.push_str(more);
                }
            }
            (None, Some((process, text))) => entries.push((process.to_owned(), text.to_owned())),
            (None, None) => {}
        }
    }
    entries
}

/// The statements of each transaction, in the order in which these ended.
fn transactions_in(entries: &[(String, String)]) -> Vec<Vec<String>> {
    let mut open: HashMap<&str, Vec<String>> = HashMap::new();
    let mut ended = Vec::new();
    // Values stand behind each step of a statement: what counts is those of its execution.
    let mut executed: Option<&str> = None;
    for (process, text) in entries {
        if let Some(values) = text.strip_prefix("DETAIL:  parameters: ") {
            if executed == Some(process)
                && let Some(last) =
                    open.get_mut(process.as_str()).and_then(|statements| statements.last_mut())
            {
                *last = with_values(last, values);
            }
            continue;
        }
        executed = statement_of(text).map(|_| process.as_str());
        let Some(statement) = statement_of(text) else { continue };
        match statement.to_ascii_lowercase().as_str() {
            "begin" => {
                open.insert(process, vec![statement.to_owned()]);
            }
            "commit" | "rollback" => {
                if let Some(mut statements) = open.remove(process.as_str()) {
                    statements.push(statement.to_owned());
                    ended.push(statements);
                }
            }
            _ => {
                if let Some(statements) = open.get_mut(process.as_str()) {
                    statements.push(statement.to_owned());
                }
            }
        }
    }
    ended
}

/// What was executed, in a line such as `LOG:  duration: 0.1 ms  execute sqlx_s_1: select 1`.
fn statement_of(text: &str) -> Option<&str> {
    let (_, what) = text.strip_prefix("LOG:  duration: ")?.split_once(" ms  ")?;
    let (how, statement) = what.split_once(": ")?;
    (how == "statement" || how.starts_with("execute ")).then(|| statement.trim().trim_end_matches(';'))
}

/// A statement and its values, such as `$1 = 'text', $2 = NULL`: prepared, so that each value has the type that it had.
fn with_values(statement: &str, values: &str) -> String {
    let mut all = Vec::new();
    let mut rest = values;
    while let Some((_, value)) = rest.split_once(" = ") {
        let length = length_of_value(value);
        all.push(&value[..length]);
        rest = value[length..].strip_prefix(", ").unwrap_or_default();
    }
    format!("prepare replayed as {statement};\nexecute replayed ({});\ndeallocate replayed", all.join(", "))
}

/// How long the value is that a text begins with: `NULL`, or quoted, a quote within it twice.
fn length_of_value(text: &str) -> usize {
    if !text.starts_with('\'') {
        return text.find(',').unwrap_or(text.len());
    }
    let mut quotes = text.match_indices('\'').map(|(at, _)| at).skip(1).peekable();
    while let Some(at) = quotes.next() {
        if quotes.next_if_eq(&(at + 1)).is_none() {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "[7] LOG:  duration: 0.1 ms  statement: BEGIN
[8] LOG:  duration: 0.1 ms  execute sqlx_s_1: select 1
[7] LOG:  duration: 0.1 ms  bind sqlx_s_2: update t
\tset a = $1 where b = $2 and c = $3
[7] DETAIL:  parameters: $1 = 'it''s, ''$2'' = ', $2 = NULL, $3 = ''
[7] LOG:  duration: 0.1 ms  execute sqlx_s_2: update t
\tset a = $1 where b = $2 and c = $3
[7] DETAIL:  parameters: $1 = 'it''s, ''$2'' = ', $2 = NULL, $3 = ''
[7] LOG:  duration: 0.1 ms  statement: COMMIT
[8] LOG:  duration: 0.1 ms  statement: BEGIN
[8] LOG:  duration: 0.1 ms  statement: copy s (it) from stdin
[8] LOG:  duration: 0.1 ms  statement: COMMIT
";

    #[test]
    fn transactions_are_told_apart_and_statements_have_their_values() {
        let transactions = transactions_in(&entries_in(LOG));
        let update = "prepare replayed as update t\nset a = $1 where b = $2 and c = $3;\n\
                      execute replayed ('it''s, ''$2'' = ', NULL, '');\ndeallocate replayed";
        assert_eq!(
            transactions,
            [vec!["BEGIN", update, "COMMIT"], vec!["BEGIN", "copy s (it) from stdin", "COMMIT"]]
        );
    }
}
