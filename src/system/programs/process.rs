//! Child processes: run without secrets, read line by line, and ended with everything that they start.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::system::deadline::Deadline;
#[cfg(unix)]
use crate::system::interrupt::{self, Guard};
#[cfg(unix)]
use crate::system::process_tree::ProcessTree;

/// Number of lines that are kept to explain a failure.
const MAX_TAIL_LINES: usize = 40;

/// Bytes of a line that are read at a time, and characters of one that explains a failure: a page can have the engine print without end.
const MAX_LINE: usize = 16 * 1024 * 1024;
const MAX_TAIL_LINE: usize = 64 * 1024;

/// How often the exit of a child is checked while its output stays open.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Variables that a child inherits. Secrets cannot be listed, since their names are unknown, and compositions are
/// untrusted code; so the list is of allowed variables.
const ALLOWED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SHELL",
    "TERM",
    "CI",
    "SYSTEMROOT",
    "WINDIR",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "USERPROFILE",
    "COMSPEC",
    "PATHEXT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "FONTCONFIG_FILE",
    "FONTCONFIG_PATH",
    "LD_LIBRARY_PATH",
    "HYPERFRAMES_BROWSER_PATH",
    "HYPERFRAMES_EXTRACT_CACHE_DIR",
    "DEBIAN_FRONTEND",
];

/// Prefixes of further variables that a child inherits.
const ALLOWED_PREFIXES: &[&str] =
    &["LC_", "XDG_", "PRODUCER_", "NPM_CONFIG_CA", "NPM_CONFIG_REGISTRY", "NPM_CONFIG_USERCONFIG"];

/// Limits the inherited environment of `command` to allowed variables.
pub(crate) fn without_secrets(command: Command) -> Command {
    with_variables(command, &[])
}

/// Limits the inherited environment of `command` to allowed variables and those with one of `prefixes`, such as the
/// credentials of a service.
pub(crate) fn with_variables(mut command: Command, prefixes: &[&str]) -> Command {
    let inherited = std::env::vars_os().filter(|(name, _)| {
        let is_inherited =
            |name: &str| is_allowed(name) || prefixes.iter().any(|prefix| name.starts_with(prefix));
        name.to_str().is_some_and(is_inherited)
    });
    let inherited = inherited.collect::<Vec<_>>();
    // Variables that were set on the command itself take precedence.
    let own = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect::<Vec<_>>();
    command.env_clear().envs(inherited).envs(own);
    command
}

fn is_allowed(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    ALLOWED.contains(&upper.as_str()) || ALLOWED_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
}

/// The exit of a process.
pub(crate) struct Exited {
    pub(crate) status: ExitStatus,
    /// The last lines of the output that explain a failure, without escape sequences.
    pub(crate) output: Vec<String>,
}

/// Runs `command` to its end. `line` is called with every line of both outputs, without escape sequences, and returns
/// whether the line may explain a failure. At `deadline` the command is ended with everything that it started.
///
/// # Errors
/// Returns an error if the command cannot be started, and one of the kind `TimedOut` at `deadline`.
pub(crate) fn run(
    command: Command,
    deadline: Deadline,
    line: &mut dyn FnMut(&str) -> bool,
) -> std::io::Result<Exited> {
    run_while(command, deadline, &mut |_| true, line)
}

/// Runs `command` as [`run`] does. `may_continue` is called again and again; once it returns false, the command is ended
/// with everything that it started.
///
/// # Errors
/// As [`run`], and one of the kind `QuotaExceeded` once `may_continue` returns false.
pub(crate) fn run_while(
    command: Command,
    deadline: Deadline,
    may_continue: &mut dyn FnMut(&RunningProcess) -> bool,
    line: &mut dyn FnMut(&str) -> bool,
) -> std::io::Result<Exited> {
    let mut running = RunningProcess::start(command, Stdio::null())?;
    let mut output = OutputTail::default();
    let status = loop {
        if !may_continue(&running) {
            return Err(std::io::ErrorKind::QuotaExceeded.into());
        }
        match running.next_event_by(deadline)? {
            ProcessEvent::Stdout(text) | ProcessEvent::Stderr(text) if line(&text) => output.push(&text),
            ProcessEvent::Stdout(_) | ProcessEvent::Stderr(_) | ProcessEvent::Idle => {}
            ProcessEvent::Exited(status) => break status,
        }
    };
    Ok(Exited { status, output: output.into_lines() })
}

/// Runs `command` to its end, or until `deadline`, and returns its whole standard output; standard error may explain a
/// failure.
///
/// # Errors
/// As [`run`].
pub(crate) fn capture(command: Command, deadline: Deadline) -> std::io::Result<(Exited, String)> {
    let mut running = RunningProcess::start(command, Stdio::null())?;
    let (mut output, mut errors) = (String::new(), OutputTail::default());
    let status = loop {
        match running.next_event_by(deadline)? {
            ProcessEvent::Stdout(text) => output.extend([text.as_str(), "\n"]),
            ProcessEvent::Stderr(text) => errors.push(&text),
            ProcessEvent::Idle => {}
            ProcessEvent::Exited(status) => break status,
        }
    };
    Ok((Exited { status, output: errors.into_lines() }, output))
}

/// The last lines of an output.
#[derive(Default)]
pub(crate) struct OutputTail(VecDeque<String>);

impl OutputTail {
    /// Returns the last lines of `text`.
    pub(crate) fn of(text: &str) -> Self {
        let mut tail = Self::default();
        text.lines().for_each(|line| tail.push(line));
        tail
    }

    /// Adds a line, unless it is blank or the frame of a spinner or a progress bar.
    pub(crate) fn push(&mut self, line: &str) {
        if line.trim().is_empty() || is_animation(line) {
            return;
        }
        if self.0.len() == MAX_TAIL_LINES {
            self.0.pop_front();
        }
        let line = line.trim_end();
        self.0.push_back(line.chars().take(MAX_TAIL_LINE).collect());
    }

    /// Returns the lines.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.0.into()
    }
}

/// Returns whether a line is a frame of a spinner or a progress bar: it starts with a braille pattern, a half circle or a
/// block.
fn is_animation(line: &str) -> bool {
    let first = line.trim_start().chars().next();
    first.is_some_and(
        |first| matches!(first, '\u{2800}'..='\u{28ff}' | '◐'..='◓' | '◴'..='◷' | '\u{2580}'..='\u{259f}'),
    )
}

/// An event of a running process.
pub(crate) enum ProcessEvent {
    /// A line of its standard output, without escape sequences.
    Stdout(String),
    /// A line of its standard error, without escape sequences.
    Stderr(String),
    /// Nothing happened within the timeout.
    Idle,
    /// It has ended, and all its output was returned.
    Exited(ExitStatus),
}

/// A running process whose output is read. Dropping it ends it and everything that it started.
pub(crate) struct RunningProcess {
    group: Group,
    lines: Receiver<ProcessEvent>,
}

impl RunningProcess {
    /// Starts `command`.
    ///
    /// # Errors
    /// Returns an error if the command cannot be started.
    pub(crate) fn start(mut command: Command, input: Stdio) -> std::io::Result<Self> {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::start(&mut command)?;
        let (sender, lines) = mpsc::channel();
        // Not scoped: a grandchild may keep a pipe open, and must not block this thread.
        if let Some(pipe) = group.child.stdout.take() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                read_lines(pipe, &|line| sender.send(ProcessEvent::Stdout(line)).is_ok());
            });
        }
        if let Some(pipe) = group.child.stderr.take() {
            std::thread::spawn(move || {
                read_lines(pipe, &|line| sender.send(ProcessEvent::Stderr(line)).is_ok());
            });
        }
        Ok(Self { group, lines })
    }

    /// Returns its standard input, if it is a pipe and was not taken before.
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.group.child.stdin.take()
    }

    /// Returns the number of its processes and the memory that they do not share, in bytes; zero where the system does
    /// not tell.
    pub(crate) fn usage(&self) -> (usize, u64) {
        #[cfg(unix)]
        return self.group.tree.usage();
        #[cfg(not(unix))]
        (0, 0)
    }

    /// Waits for the next event, not longer than [`POLL_INTERVAL`].
    fn next_event_by(&mut self, deadline: Deadline) -> std::io::Result<ProcessEvent> {
        match self.next_event(deadline.limit(POLL_INTERVAL))? {
            ProcessEvent::Exited(status) => Ok(ProcessEvent::Exited(status)),
            _ if deadline.is_over() => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "timed out")),
            event => Ok(event),
        }
    }

    /// Waits up to `timeout` for the next event.
    ///
    /// # Errors
    /// Returns an error if the system does not know the process.
    pub(crate) fn next_event(&mut self, timeout: Duration) -> std::io::Result<ProcessEvent> {
        match self.lines.recv_timeout(timeout) {
            Ok(event) => Ok(event),
            Err(RecvTimeoutError::Disconnected) => self.group.child.wait().map(ProcessEvent::Exited),
            Err(RecvTimeoutError::Timeout) => match self.group.child.try_wait()? {
                None => Ok(ProcessEvent::Idle),
                Some(status) => Ok(self.lines.try_recv().unwrap_or(ProcessEvent::Exited(status))),
            },
        }
    }
}

/// A child and its descendants; dropping it ends them.
pub(super) struct Group {
    pub(super) child: Child,
    #[cfg(unix)]
    tree: ProcessTree,
    #[cfg(unix)]
    _guard: Guard,
}

impl Group {
    #[cfg(unix)]
    pub(super) fn start(command: &mut Command) -> std::io::Result<Self> {
        let mut tree = ProcessTree::prepare(command);
        let child = command.spawn()?;
        tree.started(child.id());
        let guard = interrupt::guard_processes(&tree);
        Ok(Self { child, tree, _guard: guard })
    }

    #[cfg(not(unix))]
    pub(super) fn start(command: &mut Command) -> std::io::Result<Self> {
        Ok(Self { child: command.spawn()? })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        self.tree.kill();
        #[cfg(not(unix))]
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Calls `on_line` with each line until it returns false. A carriage return ends a line as well: progress bars use it.
pub(super) fn read_lines(output: impl Read, on_line: &dyn Fn(String) -> bool) {
    let mut reader = BufReader::new(output);
    let mut bytes = Vec::new();
    let limit = MAX_LINE as u64;
    while reader.by_ref().take(limit).read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        for part in String::from_utf8_lossy(&bytes).trim_end_matches('\n').split('\r') {
            if !on_line(strip_escapes(part)) {
                return;
            }
        }
        bytes.clear();
    }
}

/// Returns the text without terminal escape sequences.
fn strip_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
            continue;
        }
        // A control sequence lasts to its final byte; source: ECMA-48, section 5.4.
        if characters.next() == Some('[') {
            for following in characters.by_ref() {
                if ('@'..='~').contains(&following) {
                    break;
                }
            }
        }
    }
    plain
}

#[cfg(all(test, unix))]
mod tests;
