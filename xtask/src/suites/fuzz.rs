//! The fuzz targets of `src/fuzz`, with inputs that depend on a seed only.

use std::fs;

use anyhow::{Result, bail};

use super::suite::Outcome;
use crate::command::{cargo, root, say, succeed};

/// Runs all targets with the seeds of every run.
pub(super) fn test() -> Result<Outcome> {
    run(&[]).map(|()| Outcome::Passed)
}

/// Runs what `flags` select: `--time SECONDS`, `--seeds N`, `--seed S`, `--target NAME`, `--file PATH`.
///
/// # Errors
/// Returns an error for other flags, and if an input fails.
pub(crate) fn run(flags: &[&str]) -> Result<()> {
    let test = "fuzz::campaign::every_input_keeps_the_properties";
    let mut command = cargo(&["test", "--workspace", "--bin", "hyperframes-ci", "--quiet", test, "--"]);
    command.args(["--ignored", "--exact"]);
    for pair in flags.chunks(2) {
        let (name, value) = match pair {
            ["--time", value] => ("SECONDS", (*value).to_owned()),
            ["--seeds", value] => ("SEEDS", (*value).to_owned()),
            ["--seed", value] => ("SEED", (*value).to_owned()),
            ["--target", value] => ("TARGET", (*value).to_owned()),
            ["--file", value] => ("FILE", fs::canonicalize(value)?.to_string_lossy().into_owned()),
            _ => bail!(
                "unknown flag {}; the flags are --time SECONDS, --seeds N, --seed S, --target NAME and --file PATH",
                pair.join(" ")
            ),
        };
        command.env(format!("HYPERFRAMES_CI_FUZZ_{name}"), value);
    }
    let table = root().join("target/tables/fuzz.txt");
    let _ = fs::remove_file(&table);
    let ended = succeed(&mut command);
    if let Ok(table) = fs::read_to_string(table) {
        say(&format!("\n{table}"));
    }
    ended
}
