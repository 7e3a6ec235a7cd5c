//! What a step says to GitHub's runner: commands in the log, and lines in the runner's files.
//!
//! Source: docs.github.com, "Workflow commands for GitHub Actions".

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use hyperframes_ci_core::findings::{Findings, Severity};
use hyperframes_ci_core::report::{ReportFormat, plain, workflow_data, workflow_property};

use crate::ci::HostError;

/// Annotations of one severity that GitHub shows of one step.
const MOST_ANNOTATIONS: usize = 10;

/// A summary that is longer is refused as a whole, in bytes.
const LONGEST_SUMMARY: usize = 1024 * 1024;

/// Prints a line, which the runner reads.
#[expect(clippy::print_stdout, reason = "the runner reads commands from standard output")]
fn say(line: &str) {
    println!("{line}");
}

/// Keeps a text out of the log. A text of many lines is masked line by line.
pub(super) fn mask(secret: &str) {
    for line in secret.lines().filter(|line| !line.trim().is_empty()) {
        say(&format!("::add-mask::{}", workflow_data(line)));
    }
}

/// Begins a part of the log that can be folded.
pub(super) fn begin_group(title: &str) {
    say(&format!("::group::{}", workflow_data(&plain(title))));
}

/// Ends it.
pub(super) fn end_group() {
    say("::endgroup::");
}

/// Shows findings at their places: errors first, as many of each severity as GitHub shows.
pub(super) fn annotate(findings: &Findings) -> usize {
    let mut hidden = 0;
    for severity in [Severity::Error, Severity::Warning] {
        let of_it = findings.diagnostics.iter().filter(|found| found.severity == severity);
        let (shown, rest) =
            of_it.cloned().enumerate().partition::<Vec<_>, _>(|(index, _)| *index < MOST_ANNOTATIONS);
        hidden += rest.len();
        let diagnostics = shown.into_iter().map(|(_, found)| found).collect();
        let part = Findings { diagnostics, ..Findings::default() };
        let text = hyperframes_ci_core::report::render(&part, ReportFormat::Github, false);
        if !text.is_empty() {
            say(text.trim_end());
        }
    }
    hidden
}

/// An error that is about no file.
pub(super) fn annotate_error(title: &str, message: &str) {
    say(&format!("::error title={}::{}", workflow_property(&plain(title)), workflow_data(&plain(message))));
}

/// A line that the runner shows only where debugging is asked for (`RUNNER_DEBUG`).
pub(super) fn debug(text: &str) {
    say(&format!("::debug::{}", workflow_data(&plain(text))));
}

/// Hands a value to the steps that follow. The delimiter differs every time, and is not in the value: nobody can end
/// the value early and begin another.
pub(super) fn output(
    file: &Path,
    name: &str,
    value: &str,
    random: &mut dyn FnMut() -> u64,
) -> Result<(), HostError> {
    let delimiter = loop {
        let delimiter = format!("hfci_{:016x}{:016x}", random(), random());
        if !value.contains(&delimiter) {
            break delimiter;
        }
    };
    append(file, &format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

/// Adds markdown to the job's summary, as far as there is room.
pub(super) fn summary(file: &Path, markdown: &str) -> Result<(), HostError> {
    let length =
        std::fs::metadata(file).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    let room = LONGEST_SUMMARY.saturating_sub(length + 2);
    let end = (0..=markdown.len().min(room)).rev().find(|end| markdown.is_char_boundary(*end)).unwrap_or(0);
    append(file, &format!("{}\n", &markdown[..end]))
}

fn append(file: &Path, text: &str) -> Result<(), HostError> {
    let written = OpenOptions::new().create(true).append(true).open(file);
    written
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| HostError::Runner(file.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_become_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("output");
        let mut numbers = [1, 1, 2, 2].into_iter().cycle();
        let mut random = || numbers.next().unwrap_or_default();
        let first = format!("hfci_{:016x}{:016x}", 1, 1);
        output(&file, "title", &format!("a\n{first}\nevil<<x\ny\nx"), &mut random).expect("written");
        let written = std::fs::read_to_string(&file).expect("text");
        let delimiter =
            written.lines().next().and_then(|line| line.strip_prefix("title<<")).expect("a delimiter");
        assert_ne!(delimiter, first);
        assert_eq!(written.matches(delimiter).count(), 2);
    }
}
