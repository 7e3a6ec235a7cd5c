//! Runs suites one after the other and sums up.
//!
//! A suite that cannot run is skipped with its reason, and under `CI=true` a skip is a failure: a check that is
//! silently absent is no check.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::command::say;
use crate::provision::Missing;

/// What can be checked.
pub(super) struct Suite {
    /// What it is called on the command line.
    pub(super) name: &'static str,
    /// Runs it: [`Missing`] among the errors is a skip, every other error a failure.
    pub(super) run: fn() -> Result<Outcome>,
}

/// How a suite that ran and did not fail ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Everything holds.
    Passed,
    /// Everything that could be checked holds; what could not be, and why.
    Partly(String),
}

/// How a suite counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

/// Runs the suites of `all` called `names`, or all of them; returns whether none failed.
///
/// # Errors
/// Returns an error if a name is not that of a suite.
pub(super) fn run(all: &[Suite], names: &[&str]) -> Result<bool> {
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|suite| suite.name == **name)) {
        let known = all.iter().map(|suite| suite.name).collect::<Vec<_>>();
        bail!("unknown suite {unknown}; the suites are {}", known.join(", "));
    }
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let mut lines = Vec::new();
    let mut verdicts = Vec::new();
    for suite in all.iter().filter(|suite| names.is_empty() || names.contains(&suite.name)) {
        say(&format!("\n== {}", suite.name));
        let began = Instant::now();
        let (verdict, remark) = judge((suite.run)(), in_ci);
        let word = match verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "skipped",
        };
        let line = format!("{:>6.1}s  {word:7} {}{remark}", began.elapsed().as_secs_f64(), suite.name);
        say(&line);
        lines.push(line);
        verdicts.push(verdict);
    }
    say(&format!("\n{}\n\n{}", lines.join("\n"), summary(&verdicts)));
    Ok(!verdicts.contains(&Verdict::Failed))
}

/// How a result counts, and what is to be said of it.
fn judge(result: Result<Outcome>, in_ci: bool) -> (Verdict, String) {
    match result {
        Ok(Outcome::Passed) => (Verdict::Passed, String::new()),
        Ok(Outcome::Partly(reason)) => (Verdict::Passed, format!(", but {reason}")),
        Err(error) if error.is::<Missing>() && in_ci => {
            (Verdict::Failed, format!(": skipped under CI=true: {error:#}"))
        }
        Err(error) if error.is::<Missing>() => (Verdict::Skipped, format!(": {error:#}")),
        Err(error) => (Verdict::Failed, format!(": {error:#}")),
    }
}

/// The last line, for people and for programs.
fn summary(verdicts: &[Verdict]) -> String {
    let count = |verdict| verdicts.iter().filter(|other| **other == verdict).count();
    let (passed, failed) = (count(Verdict::Passed), count(Verdict::Failed));
    format!("{passed} passed, {failed} failed, {} skipped", count(Verdict::Skipped))
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn what_is_missing_is_a_skip_and_in_ci_a_failure() {
        let missing = || {
            let cause: Result<Outcome> = Err(anyhow!("no network"));
            cause.with_context(|| Missing::new(&["zizmor"], "pip cannot install it"))
        };
        let (verdict, remark) = judge(missing(), false);
        assert_eq!(verdict, Verdict::Skipped);
        assert_eq!(remark, ": zizmor missing: pip cannot install it: no network");
        assert_eq!(judge(missing(), true).0, Verdict::Failed);
    }

    #[test]
    fn an_error_is_a_failure_anywhere() {
        assert_eq!(judge(Err(anyhow!("clippy failed")), false).0, Verdict::Failed);
        assert_eq!(judge(Err(anyhow!("clippy failed")), true).0, Verdict::Failed);
    }

    #[test]
    fn the_summary_counts_each_once() {
        use Verdict::{Failed, Passed, Skipped};
        assert_eq!(summary(&[Passed, Skipped, Passed, Failed]), "2 passed, 1 failed, 1 skipped");
        assert_eq!(summary(&[]), "0 passed, 0 failed, 0 skipped");
    }
}
