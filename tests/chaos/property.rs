//! What must hold after every story.

use std::time::Duration;

use crate::run::{Ended, Evidence, Run};
use crate::server::title;
use crate::story::{Decision, Story};

/// What a process may take beyond its time: to start, and on a machine with other work to do.
const SLACK: Duration = Duration::from_secs(8);

/// Requests for each row that no story needs: a client that makes more does not pause.
const MOST_REQUESTS: u64 = 1500;

/// What is wrong, in words; empty if the promise was kept.
pub(crate) fn violations(story: &Story, evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(evidence.bad_files.iter().cloned());
    found.extend(evidence.tally.offences.iter().cloned());
    found.extend(evidence.leaks.iter().map(|file| format!("{file} contains a secret")));
    let requests = evidence.tally.requests.values().sum::<u64>();
    if requests > MOST_REQUESTS * (1 + story.shape.rows.unwrap_or_default()) {
        found.push(format!("{requests} requests were made"));
    }
    delivered(story, evidence, &mut found);
    paid(story, evidence, &mut found);
    for (number, run) in evidence.runs.iter().enumerate() {
        ended(number, run, evidence, &mut found);
    }
    let may_leave_files =
        evidence.runs.iter().flat_map(|run| &run.processes).any(|ended| ended.signal == Some(9));
    let is_allowed = |name: &String| may_leave_files && is_temporary(name);
    found.extend(
        evidence.leftovers.iter().filter(|name| !is_allowed(name)).map(|name| format!("{name} is left over")),
    );
    found
}

/// Temporary files of killed processes are deleted by a later process.
fn is_temporary(name: &str) -> bool {
    name.starts_with(".hyperframes-ci-") || name.starts_with("hyperframes-ci-")
}

fn delivered(story: &Story, evidence: &Evidence, found: &mut Vec<String>) {
    let (rows, runs) = (story.shape.rows.unwrap_or(1) + story.shape.copies, evidence.runs.len());
    let succeeded = |run: &Run| run.processes.iter().all(|process| process.code == Some(0));
    if evidence.delivered < rows {
        found.push(format!("{} of {rows} videos after {runs} runs", evidence.delivered));
    }
    if !evidence.runs.last().is_some_and(succeeded) {
        found.push(format!("no success after {runs} runs"));
    }
    if let Some(number) = evidence.runs.iter().position(|run| {
        // A short limit may be used up by a slow machine.
        let is_excused = run.met > 0 || run.saw_failure || story.shape.is_impatient;
        !succeeded(run) && !is_excused
    }) {
        found.push(format!("run {number} did not succeed and met nothing"));
    }
}

fn paid(story: &Story, evidence: &Evidence, found: &mut Vec<String>) {
    for row in 0..story.shape.rows.unwrap_or(1) {
        let (failing, fine) = evidence.charged.get(&title(row)).copied().unwrap_or_default();
        let most_failing = story.decisions.iter().find_map(|decision| match decision {
            Decision::Failure { row: failing, times, .. } if *failing == row => Some(*times),
            _ => None,
        });
        if fine != 1 || failing > most_failing.unwrap_or_default() {
            found.push(format!("row {row} was charged {fine} times, and {failing} times for failed renders"));
        }
    }
    let most = if story.has(|decision| *decision == Decision::UploadKeysIgnored) {
        1 + story.hidden_uploads()
    } else if evidence.tally.requests.contains_key(&crate::faults::Site::ProxyUpload) {
        // An upload that changed to the other way is known by the ledger only.
        1 + story.forgotten()
    } else {
        1
    };
    let most = most + evidence.dropped;
    let range = if story.shape.upload == "inline" { 0..=0 } else { 1..=most };
    if !range.contains(&evidence.assets) {
        found.push(format!("{} assets were charged, and {most} at most are due", evidence.assets));
    }
}

fn ended(number: usize, run: &Run, evidence: &Evidence, found: &mut Vec<String>) {
    for Ended { code, signal, output, took } in &run.processes {
        let is_documented = match (code, signal) {
            (Some(code), _) => matches!(code, 0 | 1 | 3 | 4 | 130 | 143),
            (None, Some(9)) => run.met > 0,
            // So early that nobody handled the signal yet.
            (None, signal) => matches!(signal, Some(2 | 15)) && run.met > 0 && output.is_empty(),
        };
        if !is_documented {
            found.push(format!("run {number} ended with code {code:?}, signal {signal:?}: {output}"));
        }
        // Before the submission, for the render, and for the download: each has its own.
        let most = evidence.max_wait.min(Duration::from_secs(10)) * 3 + SLACK;
        if *took > most {
            found.push(format!("run {number} took {took:?}, and {most:?} is the most: {output}"));
        }
    }
}
