//! Hostile pages: what the real engine and its browser reach from them.

use std::fs;

use anyhow::Result;

use super::suite::Outcome;
use crate::command::{cargo, root, say, succeed};
use crate::provision;

/// Runs the probes, and compares what is refused with what the engine's own compiler reads.
pub(super) fn test() -> Result<Outcome> {
    provision::packages(&["chromium", "ffmpeg", "nodejs", "npm"])?;
    // The table says so where the layer is not tried.
    let _ = provision::packages(&["bubblewrap"]);
    let tables = root().join("target/tables");
    let file = tables.join("hostile.txt");
    let _ = fs::remove_file(&file);
    let ended = succeed(&mut cargo(&["test", "--workspace", "--no-fail-fast", "--test", "hostile"]));
    let table = fs::read_to_string(file).unwrap_or_default();
    say(&format!("\n{table}"));
    ended?;
    // Below `--bins`, since the inspection is part of the program.
    let filter = "whatever_the_engine_would_read_outside_is_refused";
    succeed(&mut cargo(&["test", "--workspace", "--bin", "hyperframes-ci", filter, "--", "--ignored"]))?;
    say(&fs::read_to_string(tables.join("refusal.txt")).unwrap_or_default());
    Ok(match table.matches("OPEN: ").count() {
        0 => Outcome::Passed,
        open => Outcome::Partly(format!("{open} PROBES ARE OPEN until a layer holds them")),
    })
}
