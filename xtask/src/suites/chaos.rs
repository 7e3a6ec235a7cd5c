//! Random stories of faults: the binary against a server of `tests/chaos`.

use std::fs;

use anyhow::{Result, bail};

use super::suite::Outcome;
use crate::command::{cargo, root, say, succeed};

/// Plays as many stories as CI has time for.
pub(super) fn test() -> Result<Outcome> {
    play(&[]).map(|()| Outcome::Passed)
}

/// Plays the stories that `flags` name: `--seeds N`, `--seed S`, `--only N,…`.
///
/// # Errors
/// Returns an error for other flags, and if a story fails.
pub(crate) fn play(flags: &[&str]) -> Result<()> {
    let mut command = cargo(&["test", "--workspace", "--test", "chaos"]);
    for pair in flags.chunks(2) {
        let (name, value) = match pair {
            ["--seeds", value] => ("HYPERFRAMES_CI_CHAOS_SEEDS", value),
            ["--seed", value] => ("HYPERFRAMES_CI_CHAOS_SEED", value),
            ["--only", value] => ("HYPERFRAMES_CI_CHAOS_ONLY", value),
            _ => bail!("unknown flag {}; the flags are --seeds N, --seed S and --only N,…", pair.join(" ")),
        };
        command.env(name, value);
    }
    let table = root().join("target/tables/chaos.txt");
    let _ = fs::remove_file(&table);
    let ended = succeed(&mut command);
    if let Ok(table) = fs::read_to_string(table) {
        say(&format!("\n{table}"));
    }
    ended
}
