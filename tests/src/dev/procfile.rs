//! The `Procfile`: a name and a command a line, as platforms that run processes read it.

use std::{fs, path::Path};

use anyhow::{Context, bail, ensure};

/// The lines of a Procfile, in their order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Procfile {
    lines: Vec<(String, String)>,
}

impl Procfile {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Reads `name: command` lines; blank lines and those that begin with `#` are for people.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut lines: Vec<(String, String)> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, command) =
                line.split_once(':').with_context(|| format!("line {number} is not `name: command`"))?;
            let (name, command) = (name.trim(), command.trim());
            let named = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            ensure!(!name.is_empty() && name.chars().all(named), "line {number}: {name:?} is no name");
            ensure!(!command.is_empty(), "line {number}: {name} has no command");
            ensure!(
                lines.iter().all(|(known, _)| known != name),
                "line {number}: there are two lines {name}"
            );
            // A line is one program, which then gets our signals itself. Of a list of programs only a shell would.
            if let Some(sign) = command.chars().find(|c| ";&|<>".contains(*c)) {
                bail!("line {number}: `{sign}` needs a shell: put the command of {name} into a script");
            }
            lines.push((name.to_owned(), command.to_owned()));
        }
        ensure!(!lines.is_empty(), "there are no lines");
        Ok(Self { lines })
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|(name, command)| (name.as_str(), command.as_str()))
    }

    pub(super) fn command(&self, name: &str) -> Option<&str> {
        self.lines().find(|(known, _)| *known == name).map(|(_, command)| command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_commands_are_read_in_order() {
        let text = "# processes\n\nrelease: api migrate\r\n  web : RUST_LOG=info api serve --at 0.0.0.0:80\nmail-worker:worker run";
        let procfile = Procfile::parse(text).unwrap();
        let lines: Vec<_> = procfile.lines().collect();
        assert_eq!(
            lines,
            [
                ("release", "api migrate"),
                ("web", "RUST_LOG=info api serve --at 0.0.0.0:80"),
                ("mail-worker", "worker run"),
            ]
        );
        assert_eq!(procfile.command("release"), Some("api migrate"));
        assert_eq!(procfile.command("other"), None);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, complaint) in [
            ("", "there are no lines"),
            ("# nothing\n", "there are no lines"),
            ("web api", "line 1 is not `name: command`"),
            ("\nweb:", "line 2: web has no command"),
            ("a b: api", "line 1: \"a b\" is no name"),
            (": api", "line 1: \"\" is no name"),
            ("a: x\na: y", "line 2: there are two lines a"),
            ("a: x && y", "line 1: `&` needs a shell: put the command of a into a script"),
        ] {
            assert_eq!(Procfile::parse(text).unwrap_err().to_string(), complaint);
        }
    }
}
