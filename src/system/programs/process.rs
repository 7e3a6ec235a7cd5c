//! Child processes: run without secrets, read line by line, and ended with everything that they start.

use std::collections::VecDeque;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use super::lines::{Drained, MAX_LINE, read_lines};
use crate::system::deadline::Deadline;
#[cfg(unix)]
use crate::system::interrupt::{self, Guard};
#[cfg(unix)]
use crate::system::process_tree::ProcessTree;

/// Number of lines that are kept to explain a failure.
const MAX_TAIL_LINES: usize = 40;

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
    // Lists of Git are one line.
    let mut running = RunningProcess::start_with(command, Stdio::null(), u64::MAX)?;
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
        self.0.push_back(line.trim_end().to_owned());
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
    /// Whether each output was read to its end so far.
    drained: Vec<Arc<AtomicBool>>,
    /// Whether it was seen to have ended.
    has_ended: bool,
}

impl RunningProcess {
    /// Starts `command`.
    ///
    /// # Errors
    /// Returns an error if the command cannot be started.
    pub(crate) fn start(command: Command, input: Stdio) -> std::io::Result<Self> {
        Self::start_with(command, input, MAX_LINE)
    }

    /// Starts `command`, whose lines are read up to `max_line` bytes.
    fn start_with(mut command: Command, input: Stdio, max_line: u64) -> std::io::Result<Self> {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::start(&mut command)?;
        let (sender, lines) = mpsc::channel();
        let mut drained = Vec::new();
        // Not scoped: a grandchild may keep a pipe open, and must not block this thread.
        if let Some(pipe) = group.child.stdout.take() {
            let (sender, pipe) = (sender.clone(), Drained::new(pipe, &mut drained));
            std::thread::spawn(move || {
                read_lines(pipe, max_line, &|line| sender.send(ProcessEvent::Stdout(line)).is_ok());
            });
        }
        if let Some(pipe) = group.child.stderr.take() {
            let pipe = Drained::new(pipe, &mut drained);
            std::thread::spawn(move || {
                read_lines(pipe, max_line, &|line| sender.send(ProcessEvent::Stderr(line)).is_ok());
            });
        }
        Ok(Self { group, lines, drained, has_ended: false })
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
                // What it has printed may still be on its way; a grandchild may keep the outputs open.
                Some(status) => {
                    let is_drained = self.drained.iter().all(|drained| drained.load(Ordering::SeqCst));
                    let is_over = std::mem::replace(&mut self.has_ended, true) && is_drained;
                    let last = if is_over { ProcessEvent::Exited(status) } else { ProcessEvent::Idle };
                    Ok(self.lines.try_recv().unwrap_or(last))
                }
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn frames_of_spinners_and_progress_bars_are_not_kept() {
        let output =
            "⠙ resolving\n◒  Uploading\n  ████░░ 40%\n░░░ 0%\n▌ 1\n│  Error: no such bucket\n- a detail";
        assert_eq!(OutputTail::of(output).into_lines(), ["│  Error: no such bucket", "- a detail"]);
    }

    #[test]
    fn lines_of_both_outputs_are_read_without_colors() {
        let mut lines = Vec::new();
        let exited = run(
            shell("printf 'a\\rb\\n'; printf '\\033[31mred\\033[0m\\n' >&2; exit 3"),
            Deadline::NEVER,
            &mut |line| {
                lines.push(line.to_owned());
                line != "a"
            },
        )
        .expect("started");
        lines.sort();
        assert_eq!(lines, ["a", "b", "red"]);
        assert_eq!(exited.status.code(), Some(3));
        assert_eq!(exited.output.len(), 2);
    }

    #[test]
    fn the_rest_of_a_long_line_is_left_out_unless_all_of_it_is_asked_for() {
        let script = "head -c 3000000 /dev/zero | tr '\\0' a; echo; echo end";
        let mut lines = Vec::new();
        run(shell(script), Deadline::NEVER, &mut |line| {
            lines.push(line.len());
            false
        })
        .expect("started");
        assert_eq!(lines, [1 << 20, 3]);
        let (_, output) = capture(shell(script), Deadline::NEVER).expect("started");
        assert_eq!(output.len(), 3_000_005);
    }

    #[test]
    fn a_command_is_ended_at_its_deadline() {
        // One that is silent, and one that never stops talking.
        for script in ["sleep 60", "while :; do echo on; done"] {
            let (began, limit) = (std::time::Instant::now(), Duration::from_millis(300));
            let error = run(shell(script), Deadline::after(limit), &mut |_| false).err().expect("ended");
            assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
            assert!(began.elapsed() < Duration::from_secs(5), "{script}: {:?}", began.elapsed());
        }
    }

    #[test]
    fn grandchildren_end_with_the_child() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        // The grandchild keeps the output open, as a browser does, and would live for a minute.
        // It leaves the process group and its parent, as browsers and their helpers do.
        let script = format!("(setsid sleep 60 & echo $! > {})", file.display());
        run(shell(&script), Deadline::NEVER, &mut |_| true).expect("started");
        let pid = std::fs::read_to_string(file).expect("a pid").trim().to_owned();
        let gone = || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Err(_) => true,
            Ok(stat) => stat.contains(") Z "),
        };
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !gone() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(gone(), "process {pid} still runs");
    }

    #[test]
    fn standard_output_and_standard_error_are_kept_apart() {
        let (exited, output) =
            capture(shell("echo one; echo why >&2; echo two; exit 4"), Deadline::NEVER).expect("started");
        assert_eq!((exited.status.code(), output.as_str()), (Some(4), "one\ntwo\n"));
        assert_eq!(exited.output, ["why"]);
    }

    #[test]
    fn variables_with_a_prefix_are_inherited() {
        let wanted = |name: &str| std::env::vars().any(|(known, _)| known == name);
        assert!(wanted("CARGO_PKG_NAME"), "cargo sets it");
        let names = |command: Command| capture(command, Deadline::NEVER).expect("started").1;
        let seen = names(with_variables(shell("env"), &["CARGO_PKG_"]));
        assert!(seen.contains("CARGO_PKG_NAME=") && !seen.contains("CARGO_MANIFEST_DIR="), "{seen}");
        assert!(!names(without_secrets(shell("env"))).contains("CARGO_PKG_NAME="));
    }

    /// Returns the Rust files in `folder`.
    fn sources(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).expect("listed").flatten().map(|entry| entry.path());
        let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
        files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
    }

    #[test]
    fn every_child_of_the_program_gets_an_allowed_environment() {
        // The processes of the engine limit the environment of these; the launcher becomes the program, with what it was given.
        let elsewhere = ["sandbox/bubblewrap.rs", "sandbox/contained.rs", "sandbox/launcher.rs"];
        let of_tests = ["tests.rs", "trust_tests.rs", "differential.rs"];
        let mut count = 0;
        for path in sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
            let text = std::fs::read_to_string(&path).expect("a source");
            let program = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
            let program = program.split("\n#[cfg(all(test").next().unwrap_or_default();
            let started = program.matches("Command::new(").count();
            if started == 0 || elsewhere.iter().chain(&of_tests).any(|file| path.ends_with(file)) {
                continue;
            }
            count += started;
            let limits = ["without_secrets(", "with_variables(", ".env_clear()"];
            let limited = limits.iter().map(|limit| program.matches(limit).count()).sum::<usize>();
            assert!(started <= limited, "{}: {started} commands, {limited} limits", path.display());
        }
        assert!(count >= 8, "{count} commands found");
    }

    #[test]
    fn only_allowed_variables_are_inherited() {
        for (name, allowed) in [
            ("PATH", true),
            ("lc_all", true),
            ("https_proxy", true),
            ("HEYGEN_API_KEY", false),
            ("GITHUB_TOKEN", false),
            ("ACTIONS_RUNTIME_TOKEN", false),
            ("AWS_SECRET_ACCESS_KEY", false),
            ("MY_PW", false),
        ] {
            assert_eq!(is_allowed(name), allowed, "{name}");
        }
        let mut command = without_secrets(shell("env"));
        command.env("MARK", "1");
        let mut seen = Vec::new();
        run(command, Deadline::NEVER, &mut |line| {
            seen.extend(line.split('=').next().map(str::to_owned));
            true
        })
        .expect("started");
        // The shell adds PWD, SHLVL and _ by itself.
        assert!(seen.contains(&"MARK".to_owned()));
        assert!(
            seen.iter().all(|name| is_allowed(name)
                || ["MARK", "HYPERFRAMES_CI_PROCESS_TREE", "PWD", "OLDPWD", "SHLVL", "_"]
                    .contains(&name.as_str())),
            "{seen:?}"
        );
    }
}
