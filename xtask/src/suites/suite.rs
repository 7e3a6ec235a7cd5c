//! Runs suites one after the other and sums up.
//!
//! A suite that cannot run is skipped with its reason, and under `CI=true` a skip is a failure: a check that is
//! silently absent is no check.

use std::sync::mpsc::{self, Receiver};
use std::thread::{self, Scope};
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
    /// Builds what it needs, once: minutes of work that no other suite shares.
    pub(super) prepare: Option<fn() -> Result<()>>,
    /// Whether it waits for half of its time, so that later suites are prepared beside it.
    pub(super) is_idle: bool,
}

impl Suite {
    /// A suite that prepares nothing.
    pub(super) const fn new(name: &'static str, run: fn() -> Result<Outcome>) -> Self {
        Self { name, run, prepare: None, is_idle: false }
    }

    /// The suite, which builds something first.
    pub(super) const fn after(mut self, prepare: fn() -> Result<()>) -> Self {
        self.prepare = Some(prepare);
        self
    }

    /// The suite, beside which later ones are prepared.
    pub(super) const fn idle(mut self) -> Self {
        self.is_idle = true;
        self
    }
}

/// Prepares suites in their order, on a thread of its own, with less right to the processors than the suites that run. Sends after
/// each.
fn prepare<'scope>(scope: &'scope Scope<'scope, '_>, suites: &'scope [&Suite]) -> Receiver<()> {
    let (sender, prepared) = mpsc::channel();
    scope.spawn(move || {
        // On Linux, this is of the thread and of the processes that it starts.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(10);
        for suite in suites {
            // The suite does what has failed again, and says why it fails.
            let _ = suite.prepare.map(|prepare| prepare());
            let _ = sender.send(());
        }
    });
    prepared
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
    let chosen = all.iter().filter(|suite| names.is_empty() || names.contains(&suite.name));
    let chosen = chosen.collect::<Vec<_>>();
    thread::scope(|scope| {
        let mut prepared = None;
        for (index, suite) in chosen.iter().enumerate() {
            say(&format!("\n== {}", suite.name));
            let began = Instant::now();
            match &prepared {
                None if suite.is_idle => prepared = Some(prepare(scope, &chosen[index + 1..])),
                None => {}
                // One for each suite, in the same order.
                Some(prepared) => drop(prepared.recv()),
            }
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
    });
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
    use std::sync::Mutex;

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
    fn later_suites_are_prepared_beside_an_idle_one() {
        static SAID: Mutex<Vec<&str>> = Mutex::new(Vec::new());
        fn note(what: &'static str) {
            SAID.lock().expect("no panic").push(what);
        }
        fn passed(what: &'static str) -> Result<Outcome> {
            note(what);
            Ok(Outcome::Passed)
        }
        fn wait() -> Result<Outcome> {
            while !SAID.lock().expect("no panic").contains(&"prepared b") {
                thread::yield_now();
            }
            passed("idle")
        }
        let all = [
            Suite::new("a", || passed("a"))
                .after(|| Err(anyhow!("nothing is prepared before an idle suite"))),
            Suite::new("idle", wait).idle(),
            Suite::new("b", || passed("b")).after(|| {
                note("prepared b");
                Ok(())
            }),
            Suite::new("c", || passed("c")).after(|| {
                note("prepared c");
                Err(anyhow!("the suite says so"))
            }),
        ];
        assert!(run(&all, &[]).expect("known suites"));
        let said = SAID.lock().expect("no panic");
        let place = |what: &str| said.iter().position(|said| *said == what).expect(what);
        assert_eq!(said.len(), 6, "{said:?}");
        assert!(place("prepared b") < place("idle") && place("prepared c") < place("c"), "{said:?}");
        assert!(place("a") < place("idle") && place("b") < place("c"), "{said:?}");
    }

    #[test]
    fn the_summary_counts_each_once() {
        use Verdict::{Failed, Passed, Skipped};
        assert_eq!(summary(&[Passed, Skipped, Passed, Failed]), "2 passed, 1 failed, 1 skipped");
        assert_eq!(summary(&[]), "0 passed, 0 failed, 0 skipped");
    }
}
