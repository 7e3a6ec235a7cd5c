//! The console: results go to standard output, progress and errors to standard error.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use hyperframes_ci_core::findings::Findings;
use hyperframes_ci_core::report::{ReportFormat, disarm_json};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::plain;
use crate::fault::{Error, Fault};

/// The variable that makes a console of JSON write progress to standard error, a line as the engine's for each report: a
/// renderer that runs this program elsewhere reads them.
pub(crate) const PROGRESS_VARIABLE: &str = "HYPERFRAMES_CI_PROGRESS";

/// Its only value.
pub(crate) const PROGRESS_LINES: &str = "lines";

/// The least time between two lines about the progress of a phase in a log.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Decides which lines about progress a log gets: one for each phase, then at most one every [`LOG_INTERVAL`].
#[derive(Debug, Default)]
struct ProgressLog {
    phase: String,
    /// The time of the last line about the phase.
    printed: Option<Instant>,
}

impl ProgressLog {
    /// Returns whether `phase` has begun, or is still going on and due for another line.
    fn is_due(&mut self, phase: &str, now: Instant) -> Due {
        if self.printed.is_none() || self.phase != phase {
            phase.clone_into(&mut self.phase);
            self.printed = Some(now);
            return Due::Begun;
        }
        if self.printed.is_some_and(|printed| now.duration_since(printed) < LOG_INTERVAL) {
            return Due::No;
        }
        self.printed = Some(now);
        Due::Again
    }
}

/// Whether a log gets a line about progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// The phase has begun.
    Begun,
    /// The phase takes a while.
    Again,
    /// Not yet.
    No,
}

/// Writes the output of a command, for people or as JSON.
#[derive(Debug)]
pub(crate) struct Console {
    json: bool,
    interactive: bool,
    bar: Option<ProgressBar>,
    log: ProgressLog,
    began: Instant,
    /// The entry of a batch of entries: its lines start with its name, and its results are not printed.
    entry: Option<String>,
    /// The first error of writing to standard output.
    output_error: Option<io::Error>,
}

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const RESET: &str = "\u{1b}[0m";

impl Console {
    /// Returns a console for people, or one that prints nothing but JSON.
    pub(crate) fn new(json: bool) -> Self {
        // A log would contain every frame of a progress bar.
        let interactive = !json && io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        Self {
            json,
            interactive,
            bar: None,
            log: ProgressLog::default(),
            began: Instant::now(),
            entry: None,
            output_error: None,
        }
    }

    /// Returns a console that prints nothing.
    pub(crate) fn silent() -> Self {
        Self::new(true).for_entry("")
    }

    /// Returns a console for one of several entries that run at the same time.
    pub(crate) fn for_entry(&self, name: &str) -> Self {
        Self {
            json: self.json,
            interactive: false,
            bar: None,
            log: ProgressLog::default(),
            began: self.began,
            entry: Some(name.to_owned()),
            output_error: None,
        }
    }

    /// Returns whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints the start of a step.
    pub(crate) fn step(&mut self, text: &str) {
        self.end_bar();
        self.line(&format!("{CYAN}◆{RESET} {BOLD}{}{RESET}", plain(text)));
    }

    /// Prints a detail of the step.
    pub(crate) fn detail(&mut self, text: &str) {
        self.line(&format!("  {DIM}{}{RESET}", plain(text)));
    }

    /// Prints a success.
    pub(crate) fn done(&mut self, text: &str) {
        self.end_bar();
        self.line(&format!("{GREEN}✓{RESET} {}", plain(text)));
    }

    /// Prints that a step ended without completing its work.
    pub(crate) fn not_done(&mut self, text: &str) {
        self.end_bar();
        self.line(&format!("{RED}✗{RESET} {}", plain(text)));
    }

    /// Prints findings that are not the result.
    pub(crate) fn findings(&mut self, findings: &Findings) {
        self.end_bar();
        let text = hyperframes_ci_core::report::render(findings, ReportFormat::Human, true);
        if !text.is_empty() {
            self.line(text.trim_end());
        }
    }

    /// Prints a note that is not a finding.
    pub(crate) fn note(&mut self, text: &str) {
        self.line(&format!("{CYAN}{BOLD}note{RESET}{BOLD}:{RESET} {}", plain(text)));
    }

    /// Prints a warning that is not a finding.
    pub(crate) fn warning(&mut self, text: &str) {
        self.line(&format!("{YELLOW}{BOLD}warning{RESET}{BOLD}:{RESET} {}", plain(text)));
    }

    /// Prints the progress of a step: a bar on a terminal, a line every ten seconds in a log. The numbers are bytes if
    /// `is_bytes` is set. The phase is `what` up to a comma; [`Console::step`] has announced it.
    pub(crate) fn progress(&mut self, what: &str, done: u64, total: u64, is_bytes: bool) {
        if self.json {
            return;
        }
        if !self.interactive {
            let phase = what.split(',').next().unwrap_or_default();
            if self.log.is_due(phase, Instant::now()) == Due::Again {
                let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
                let amount = if is_bytes { format!(" of {}", super::bytes(total)) } else { String::new() };
                self.log_line(&format!("{what} {percent}%{amount}"));
            }
            return;
        }
        let template = if is_bytes {
            "  {msg:12} {bar:24} {bytes}/{total_bytes}  {bytes_per_sec}"
        } else {
            "  {msg:12} {bar:32} {pos}/{len}  {eta} left"
        };
        let bar = self.bar.get_or_insert_with(|| {
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total).with_style(style.progress_chars("━╸ "))
        });
        if bar.message() != what {
            bar.set_message(what.to_owned());
        }
        bar.set_length(total);
        bar.set_position(done);
    }

    /// Prints a changing status: a spinner on a terminal, a line per change in a log.
    pub(crate) fn status(&mut self, text: &str) {
        if self.json {
            return;
        }
        if !self.interactive {
            if self.log.is_due(text, Instant::now()) == Due::Begun {
                self.log_line(text);
            }
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("  {spinner} {msg} {elapsed:.dim}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_message(plain(text));
    }

    /// Prints a stage and a percentage, 0 to 100; in a log once for each stage, then every ten seconds.
    pub(crate) fn percent(&mut self, stage: &str, percent: f64) {
        if self.interactive {
            self.status(&format!("{stage} {}%", percent.floor()));
        } else if self.json {
            let is_wanted = std::env::var_os(PROGRESS_VARIABLE).is_some_and(|value| value == PROGRESS_LINES);
            if is_wanted && self.entry.is_none() {
                let report = json!({ "code": stage, "pct": percent });
                let _ = writeln!(io::stderr(), "@hf-progress {report}");
            }
        } else {
            match self.log.is_due(stage, Instant::now()) {
                Due::Begun => self.log_line(stage),
                Due::Again => self.log_line(&format!("{stage} {}%", percent.floor())),
                Due::No => {}
            }
        }
    }

    /// Prints a line about progress to the log.
    fn log_line(&self, text: &str) {
        let elapsed = self.began.elapsed().as_secs();
        self.line(&format!("  {DIM}[{elapsed:>4}s] {}{RESET}", plain(text)));
    }

    /// Removes the bar.
    pub(crate) fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Writes lines to standard error.
    fn line(&self, text: &str) {
        if self.json {
            return;
        }
        let mut lines = String::new();
        match &self.entry {
            // A single write, so that the lines of several entries do not mix.
            Some(entry) => {
                let line = |line| format!("{DIM}{entry} |{RESET} {line}\n");
                lines.extend(text.lines().map(line));
            }
            None => lines = format!("{text}\n"),
        }
        let write = || {
            // A closed standard error is not an error of the command.
            let _ = anstream::stderr().write_all(lines.as_bytes());
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Prints a result for people to standard output.
    pub(crate) fn result(&mut self, text: &str) {
        self.end_bar();
        if !self.json && self.entry.is_none() {
            self.print(|| {
                let mut stdout = anstream::stdout().lock();
                stdout.write_all(text.as_bytes())?;
                stdout.flush()
            });
        }
    }

    /// Prints a JSON document, for people and programs.
    pub(crate) fn document(&mut self, value: &Value) {
        self.print(|| print_line(&disarm_json(&format!("{value:#}"))));
    }

    /// Prints a result for programs to standard output.
    pub(crate) fn json(&mut self, value: &Value) {
        self.end_bar();
        if self.json && self.entry.is_none() {
            self.print(|| print_line(&disarm_json(&format!("{value:#}"))));
        }
    }

    /// Prints a typed result for programs to standard output.
    pub(crate) fn outcome(&mut self, outcome: &impl serde::Serialize) {
        if self.json {
            self.json(&serde_json::json!(outcome));
        }
    }

    /// Prints one of several results for programs, on one line.
    pub(crate) fn outcome_line(&mut self, outcome: &impl serde::Serialize) {
        if self.json && self.entry.is_none() {
            let line = disarm_json(&serde_json::json!(outcome).to_string());
            self.print(|| print_line(&line));
        }
    }

    fn print(&mut self, print: impl FnOnce() -> io::Result<()>) {
        if let Err(error) = print() {
            self.output_error.get_or_insert(error);
        }
    }

    /// Takes the first error of writing to standard output. A closed pipe is not an error, since readers such as `head` close it.
    pub(crate) fn take_output_error(&mut self) -> Option<OutputError> {
        let error = self.output_error.take();
        error.filter(|error| error.kind() != io::ErrorKind::BrokenPipe).map(OutputError)
    }

    /// Prints an error: the JSON envelope for programs, or the message and the help for people.
    pub(crate) fn failure(&mut self, error: &Error) {
        self.end_bar();
        if self.json {
            if self.entry.is_none() {
                let _ = writeln!(io::stderr(), "{}", disarm_json(&error.to_json().to_string()));
            }
            return;
        }
        if let Some(findings) = error.findings() {
            self.findings(findings);
        }
        self.line(&format!("{RED}{BOLD}error{RESET}{BOLD}:{RESET} {}", plain(&error.to_string())));
        if let Some(help) = error.help() {
            self.line(&format!("  {CYAN}help:{RESET} {}", plain(&help)));
        }
    }
}

/// Writes a line to standard output at once.
fn print_line(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// Standard output could not be written.
#[derive(Debug)]
pub(crate) struct OutputError(pub(crate) io::Error);

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write the result to standard output: {}", self.0)
    }
}

impl Fault for OutputError {
    fn code(&self) -> &str {
        "output_not_writable"
    }

    fn help(&self) -> Option<String> {
        Some(
            "check the free space and the permissions of the target; the command itself succeeded".to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gets_a_line_for_each_phase_and_then_one_every_ten_seconds() {
        let began = Instant::now();
        let mut log = ProgressLog::default();
        let mut due = |phase, milliseconds| log.is_due(phase, began + Duration::from_millis(milliseconds));
        assert_eq!(due("packing", 0), Due::Begun);
        assert_eq!([100, 900, 9_999].map(|at| due("packing", at)), [Due::No; 3]);
        assert_eq!([10_000, 10_001, 19_999].map(|at| due("packing", at)), [Due::Again, Due::No, Due::No]);
        assert_eq!(due("uploading", 20_000), Due::Begun);
        assert_eq!(due("uploading", 29_999), Due::No);
    }
}
