//! The console: standard output for results, standard error for everything on the way.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use hyperframes_ci_core::findings::Findings;
use hyperframes_ci_core::report::ReportFormat;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::plain;
use crate::fault::Error;

/// How a command talks.
#[derive(Debug)]
pub(crate) struct Console {
    json: bool,
    interactive: bool,
    bar: Option<ProgressBar>,
    /// The last line of a log, so that equal lines are not repeated.
    last: String,
    began: Instant,
    /// The entry that it speaks for, beside others: its lines have its name, and results are for whoever asked.
    entry: Option<String>,
}

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const RESET: &str = "\u{1b}[0m";

impl Console {
    /// A console that is silent but for JSON, or one for people.
    pub(crate) fn new(json: bool) -> Self {
        // A log keeps every frame of a bar; bars are for terminals that somebody watches.
        let interactive = !json && io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        Self { json, interactive, bar: None, last: String::new(), began: Instant::now(), entry: None }
    }

    /// A console that says nothing.
    pub(crate) fn silent() -> Self {
        Self::new(true).for_entry("")
    }

    /// A console for one of several things that happen at the same time.
    pub(crate) fn for_entry(&self, name: &str) -> Self {
        Self {
            json: self.json,
            interactive: false,
            bar: None,
            last: String::new(),
            began: self.began,
            entry: Some(name.to_owned()),
        }
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A step begins.
    pub(crate) fn step(&mut self, text: &str) {
        self.end_bar();
        self.line(&format!("{CYAN}◆{RESET} {BOLD}{}{RESET}", plain(text)));
    }

    /// Something worth knowing about the step.
    pub(crate) fn detail(&mut self, text: &str) {
        self.line(&format!("  {DIM}{}{RESET}", plain(text)));
    }

    /// Something is done.
    pub(crate) fn done(&mut self, text: &str) {
        self.end_bar();
        self.line(&format!("{GREEN}✓{RESET} {}", plain(text)));
    }

    /// Findings, on the way to something else.
    pub(crate) fn findings(&mut self, findings: &Findings) {
        self.end_bar();
        let text = hyperframes_ci_core::report::render(findings, ReportFormat::Human, true);
        if !text.is_empty() {
            self.line(text.trim_end());
        }
    }

    /// An advice that is no finding in a file.
    pub(crate) fn warning(&mut self, text: &str) {
        self.line(&format!("{YELLOW}{BOLD}warning{RESET}{BOLD}:{RESET} {}", plain(text)));
    }

    /// Progress of a step that has an end: a bar on a terminal, every tenth of the way in a log.
    pub(crate) fn progress(&mut self, what: &str, done: u64, total: u64, sizes: bool) {
        if self.json {
            return;
        }
        if !self.interactive {
            let tenth = done.saturating_mul(10).checked_div(total).unwrap_or(10);
            let amount = if sizes { format!(" of {}", super::bytes(total)) } else { String::new() };
            self.change(&format!("{what} {}%{amount}", tenth * 10));
            return;
        }
        let template = if sizes {
            "  {msg:12} {bar:32} {bytes}/{total_bytes}  {bytes_per_sec}"
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

    /// A state that changes: a live line on a terminal, one line per change in a log.
    pub(crate) fn status(&mut self, text: &str) {
        if self.json {
            return;
        }
        if !self.interactive {
            self.change(text);
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

    /// A state and how far the whole is, 0 to 100: in full on a terminal, in tenths in a log.
    pub(crate) fn percent(&mut self, stage: &str, percent: f64) {
        let shown = if self.interactive { percent.floor() } else { (percent / 10.0).floor() * 10.0 };
        if self.interactive || !self.last.ends_with(&format!(" {shown}%")) {
            self.status(&format!("{stage} {shown}%"));
        }
    }

    fn change(&mut self, text: &str) {
        if self.last != text {
            text.clone_into(&mut self.last);
            let elapsed = self.began.elapsed().as_secs();
            self.line(&format!("  {DIM}[{elapsed:>4}s] {}{RESET}", plain(text)));
        }
    }

    /// Takes the bar away.
    pub(crate) fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        if self.json {
            return;
        }
        let mut lines = String::new();
        match &self.entry {
            // One write, so that lines of several entries stay whole.
            Some(entry) => {
                let line = |line| format!("{DIM}{entry} |{RESET} {line}\n");
                lines.extend(text.lines().map(line));
            }
            None => lines = format!("{text}\n"),
        }
        let write = || {
            // Whoever closed standard error does not want to read it.
            let _ = anstream::stderr().write_all(lines.as_bytes());
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// A result for people, on standard output.
    pub(crate) fn result(&mut self, text: &str) {
        self.end_bar();
        if !self.json && self.entry.is_none() {
            let _ = write!(anstream::stdout(), "{text}");
        }
    }

    /// A document that is the result, for people and programs alike.
    pub(crate) fn document(&mut self, value: &Value) {
        let _ = writeln!(io::stdout(), "{value:#}");
    }

    /// A result for programs, on standard output.
    pub(crate) fn json(&mut self, value: &Value) {
        self.end_bar();
        if self.json && self.entry.is_none() {
            let _ = writeln!(io::stdout(), "{value:#}");
        }
    }

    /// A typed result for programs, on standard output.
    pub(crate) fn outcome(&mut self, outcome: &impl serde::Serialize) {
        if self.json {
            self.json(&serde_json::json!(outcome));
        }
    }

    /// One of many results for programs, on a line of its own.
    pub(crate) fn outcome_line(&mut self, outcome: &impl serde::Serialize) {
        if self.json && self.entry.is_none() {
            let _ = writeln!(io::stdout(), "{}", serde_json::json!(outcome));
        }
    }

    /// The end, badly: the envelope for programs, or a message with its remedy for people.
    pub(crate) fn failure(&mut self, error: &Error) {
        self.end_bar();
        if self.json {
            if self.entry.is_none() {
                let _ = writeln!(io::stderr(), "{}", error.to_json());
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
