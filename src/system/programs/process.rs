//! A child process and everything it starts: ended together, heard line by line, and told no secrets.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

#[cfg(unix)]
use crate::system::interrupt;
use crate::system::interrupt::{Guard, ProcessTree};

/// Lines of output that are kept to explain a failure.
const KEPT_LINES: usize = 40;

/// How often it is looked whether the child has ended while its output stays open.
const TICK: Duration = Duration::from_millis(200);

/// Variables that a child gets. A list of what is allowed rather than of what is secret: nobody knows all the
/// names that secrets have, and a composition is other people's code.
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

/// Families of variables that a child gets.
const ALLOWED_PREFIXES: &[&str] =
    &["LC_", "XDG_", "PRODUCER_", "NPM_CONFIG_CA", "NPM_CONFIG_REGISTRY", "NPM_CONFIG_USERCONFIG"];

/// `command` with the allowed part of the environment only.
pub(crate) fn without_secrets(command: Command) -> Command {
    with_variables(command, &[])
}

/// `command` with the allowed part of the environment, and with what a service of the user's needs: variables whose names
/// begin like this.
pub(crate) fn with_variables(mut command: Command, prefixes: &[&str]) -> Command {
    let inherited = std::env::vars_os().filter(|(name, _)| {
        let is_wanted =
            |name: &str| is_allowed(name) || prefixes.iter().any(|prefix| name.starts_with(prefix));
        name.to_str().is_some_and(is_wanted)
    });
    let inherited = inherited.collect::<Vec<_>>();
    // Variables that were set on the command itself come last and stay.
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

/// How a process ended, and the end of what it said.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The last lines of both outputs, without colors.
    pub(crate) output: Vec<String>,
}

/// Runs `command` to its end; `line` hears every line of both outputs, without colors, and says whether it is worth
/// keeping to explain a failure.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn run(command: Command, line: &mut dyn FnMut(&str) -> bool) -> std::io::Result<Ended> {
    let mut running = Running::start(command, Stdio::null())?;
    let mut output = Tail::default();
    let status = loop {
        match running.hear(TICK)? {
            Heard::Output(text) | Heard::Error(text) if line(&text) => output.keep(&text),
            Heard::Output(_) | Heard::Error(_) | Heard::Nothing => {}
            Heard::End(status) => break status,
        }
    };
    Ok(Ended { status, output: output.lines() })
}

/// Runs `command` to its end and gives back its standard output, whole; what it says on standard error may explain a
/// failure.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn capture(command: Command) -> std::io::Result<(Ended, String)> {
    let mut running = Running::start(command, Stdio::null())?;
    let (mut output, mut errors) = (String::new(), Tail::default());
    let status = loop {
        match running.hear(TICK)? {
            Heard::Output(text) => output.extend([text.as_str(), "\n"]),
            Heard::Error(text) => errors.keep(&text),
            Heard::Nothing => {}
            Heard::End(status) => break status,
        }
    };
    Ok((Ended { status, output: errors.lines() }, output))
}

/// The last lines of an output.
#[derive(Default)]
pub(crate) struct Tail(VecDeque<String>);

impl Tail {
    /// Keeps a line, unless it is blank.
    pub(crate) fn keep(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.0.len() == KEPT_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line.trim_end().to_owned());
    }

    /// The lines.
    pub(crate) fn lines(self) -> Vec<String> {
        self.0.into()
    }
}

/// What a process says.
pub(crate) enum Heard {
    /// A line of its standard output, without colors.
    Output(String),
    /// A line of its standard error, without colors.
    Error(String),
    /// Nothing, for as long as was waited.
    Nothing,
    /// It has ended, and everything that it said was heard.
    End(ExitStatus),
}

/// A process that is heard while it runs. Dropping it ends it and everything that it started.
pub(crate) struct Running {
    group: Group,
    lines: Receiver<Heard>,
}

impl Running {
    /// Starts `command`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(mut command: Command, input: Stdio) -> std::io::Result<Self> {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::start(&mut command)?;
        let (sender, lines) = mpsc::channel();
        // Not scoped: a stray grandchild may hold a pipe open, and must not hold us.
        if let Some(pipe) = group.child.stdout.take() {
            let sender = sender.clone();
            std::thread::spawn(move || read_lines(pipe, &|line| sender.send(Heard::Output(line)).is_ok()));
        }
        if let Some(pipe) = group.child.stderr.take() {
            std::thread::spawn(move || read_lines(pipe, &|line| sender.send(Heard::Error(line)).is_ok()));
        }
        Ok(Self { group, lines })
    }

    /// Where it is spoken to, if that was asked for and not taken yet.
    pub(crate) fn input(&mut self) -> Option<ChildStdin> {
        self.group.child.stdin.take()
    }

    /// Waits for a line.
    ///
    /// # Errors
    /// When the system does not know the process.
    pub(crate) fn hear(&mut self, patience: Duration) -> std::io::Result<Heard> {
        match self.lines.recv_timeout(patience) {
            Ok(heard) => Ok(heard),
            Err(RecvTimeoutError::Disconnected) => self.group.child.wait().map(Heard::End),
            Err(RecvTimeoutError::Timeout) => match self.group.child.try_wait()? {
                None => Ok(Heard::Nothing),
                Some(status) => Ok(self.lines.try_recv().unwrap_or(Heard::End(status))),
            },
        }
    }
}

/// A child and everything it starts; dropping it ends whatever is left of them.
struct Group {
    child: Child,
    #[cfg(unix)]
    tree: ProcessTree,
    #[cfg(unix)]
    _guard: Guard,
}

impl Group {
    #[cfg(unix)]
    fn start(command: &mut Command) -> std::io::Result<Self> {
        let mut tree = ProcessTree::prepare(command);
        let child = command.spawn()?;
        tree.started(child.id());
        let guard = interrupt::guard_processes(&tree);
        Ok(Self { child, tree, _guard: guard })
    }

    #[cfg(not(unix))]
    fn start(command: &mut Command) -> std::io::Result<Self> {
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

/// Tells each line, where a carriage return ends a line as well: progress is drawn over itself.
fn read_lines(output: impl Read, tell: &dyn Fn(String) -> bool) {
    let mut reader = BufReader::new(output);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        for part in String::from_utf8_lossy(&bytes).trim_end_matches('\n').split('\r') {
            if !tell(strip_escapes(part)) {
                return;
            }
        }
        bytes.clear();
    }
}

/// The text without terminal escape sequences.
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
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_of_both_outputs_are_heard_without_colors() {
        let mut heard = Vec::new();
        let ended =
            run(shell("printf 'a\\rb\\n'; printf '\\033[31mred\\033[0m\\n' >&2; exit 3"), &mut |line| {
                heard.push(line.to_owned());
                line != "a"
            })
            .expect("started");
        heard.sort();
        assert_eq!(heard, ["a", "b", "red"]);
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!(ended.output.len(), 2);
    }

    #[test]
    fn grandchildren_end_with_the_child() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        // The grandchild keeps the output open, as a browser does, and would live for a minute.
        // It leaves the process group and its parent, as browsers and their helpers do.
        let script = format!("(setsid sleep 60 & echo $! > {})", file.display());
        run(shell(&script), &mut |_| true).expect("started");
        let pid = std::fs::read_to_string(file).expect("a pid").trim().to_owned();
        let gone = || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Err(_) => true,
            Ok(stat) => stat.contains(") Z "),
        };
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !gone() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(gone(), "process {pid} lives on");
    }

    #[test]
    fn an_answer_is_told_from_what_explains_a_failure() {
        let (ended, output) = capture(shell("echo one; echo why >&2; echo two; exit 4")).expect("started");
        assert_eq!((ended.status.code(), output.as_str()), (Some(4), "one\ntwo\n"));
        assert_eq!(ended.output, ["why"]);
    }

    #[test]
    fn a_service_gets_its_own_variables_and_no_others() {
        let wanted = |name: &str| std::env::vars().any(|(known, _)| known == name);
        assert!(wanted("CARGO_PKG_NAME"), "cargo sets it");
        let names = |command: Command| capture(command).expect("started").1;
        let seen = names(with_variables(shell("env"), &["CARGO_PKG_"]));
        assert!(seen.contains("CARGO_PKG_NAME=") && !seen.contains("CARGO_MANIFEST_DIR="), "{seen}");
        assert!(!names(without_secrets(shell("env"))).contains("CARGO_PKG_NAME="));
    }

    #[test]
    fn only_what_is_allowed_is_inherited() {
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
        run(command, &mut |line| {
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
