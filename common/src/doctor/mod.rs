//! Is this installation sound? Each check says what it found and, where something is not right, what to do about it.
//!
//! The program that has the settings asks for the checks it can make, and prints the [`Report`].

pub mod database;
pub mod machine;
pub mod secrets;
mod store;

use std::fmt;

use serde::Serialize;

/// How serious it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, but should not stay so.
    Warn,
    /// It does not work, or must not.
    Fail,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check.
    pub check: &'static str,
    /// How serious it is.
    pub level: Level,
    /// What is.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, found: found.into(), remedy: None }
    }

    /// It works, but should not stay so.
    pub fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Warn, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// It does not work, or must not.
    pub fn fail(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Fail, found: found.into(), remedy: Some(remedy.into()) }
    }
}

/// What all checks found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// In the order in which they were made.
    pub checks: Vec<Finding>,
}

impl Report {
    /// Whether nothing failed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.checks.iter().all(|finding| finding.level != Level::Fail)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.checks.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
        for Finding { check, level, found, remedy } in &self.checks {
            let level = match level {
                Level::Ok => "ok  ",
                Level::Warn => "WARN",
                Level::Fail => "FAIL",
            };
            writeln!(f, "{level}  {check:width$}  {found}")?;
            if let Some(remedy) = remedy {
                writeln!(f, "      {:width$}  → {remedy}", "")?;
            }
        }
        Ok(())
    }
}
