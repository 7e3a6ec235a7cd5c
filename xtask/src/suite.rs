//! Runs suites one after the other and sums up.
//!
//! A suite that cannot run is skipped with its reason, and under `CI=true` a skip is a failure: a check that is
//! silently absent is no check.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::{say, suites};

/// What can be checked.
pub(crate) struct Suite {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// Runs it: an error is a failure.
    pub(crate) run: fn() -> Result<Outcome>,
}

/// How a suite that did not fail ended.
pub(crate) enum Outcome {
    /// Everything holds.
    Passed,
    /// Everything that could be checked holds; what could not be, and why.
    Partly(String),
    /// Nothing could be checked, and why.
    Skipped(String),
}

/// Runs the suites called `names`, or all; gives back whether that was a success.
pub(crate) fn run(names: &[&str]) -> Result<bool> {
    if let Some(unknown) = names.iter().find(|name| !suites::names().contains(name)) {
        bail!("there is no suite {unknown}; there are {}", suites::names().join(", "));
    }
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let mut lines = Vec::new();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for suite in suites::ALL.iter().filter(|suite| names.is_empty() || names.contains(&suite.name)) {
        say(&format!("\n== {}", suite.name));
        let began = Instant::now();
        let result = (suite.run)();
        let (word, reason) = match result {
            Ok(Outcome::Passed) => {
                passed += 1;
                ("passed", String::new())
            }
            Ok(Outcome::Partly(reason)) => {
                passed += 1;
                ("passed", format!(", but {reason}"))
            }
            Ok(Outcome::Skipped(reason)) if in_ci => {
                failed += 1;
                ("FAILED", format!(": skipped under CI=true: {reason}"))
            }
            Ok(Outcome::Skipped(reason)) => {
                skipped += 1;
                ("skipped", format!(": {reason}"))
            }
            Err(error) => {
                failed += 1;
                ("FAILED", format!(": {error:#}"))
            }
        };
        let line = format!("{:>6.1}s  {word:7} {}{reason}", began.elapsed().as_secs_f64(), suite.name);
        say(&line);
        lines.push(line);
    }
    say(&format!("\n{}", lines.join("\n")));
    say(&format!("\n{passed} passed, {failed} failed, {skipped} skipped"));
    Ok(failed == 0)
}
