//! Cargo, to build the programs that are then run.

use std::{env, path::Path, process::Command};

/// `cargo build` of the whole workspace in its folder, to be told which programs: with another choice of packages it would
/// take other features and compile most of it again.
#[must_use]
pub fn build(root: &Path, release: bool) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--workspace"]).args(release.then_some("--release")).current_dir(root);
    // `cargo run`, `test` and `bench` tell us about our own package, and some build scripts run again when that is new to
    // them, now and when somebody builds without it.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_about_us) {
            command.env_remove(name);
        }
    }
    command
}

fn is_about_us(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_hears_nothing_of_the_package_that_runs() {
        let command = build(Path::new("."), false);
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .filter_map(|(name, _)| name.to_str())
            .collect();
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME"] {
            assert!(removed.contains(&name), "{name} is not removed: {removed:?}");
        }
    }
}
