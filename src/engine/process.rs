//! A child process and everything it starts: ended together, heard line by line, and told no secrets.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

#[cfg(unix)]
use crate::interrupt::{self, Guard, ProcessTree};

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
pub(super) fn without_secrets(mut command: Command) -> Command {
    let allowed =
        std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_allowed)).collect::<Vec<_>>();
    // Variables that were set on the command itself come last and stay.
    let own = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect::<Vec<_>>();
    command.env_clear().envs(allowed).envs(own);
    command
}

fn is_allowed(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    ALLOWED.contains(&upper.as_str()) || ALLOWED_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
}

/// How a process ended, and the end of what it said.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// The last lines of both outputs, without colors.
    pub(super) output: Vec<String>,
}

/// Runs `command` to its end; `line` hears every line of its output, without colors, and says whether it is worth
/// keeping to explain a failure.
///
/// # Errors
/// When it cannot be started.
pub(super) fn run(mut command: Command, line: &mut dyn FnMut(&str) -> bool) -> std::io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::start(&mut command)?;
    let (sender, lines) = mpsc::channel::<String>();
    let outputs: [Option<Box<dyn Read + Send>>; 2] = [
        group.child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        group.child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
    ];
    for output in outputs.into_iter().flatten() {
        let sender = sender.clone();
        // Not scoped: a stray grandchild may hold the pipe open, and must not hold us.
        std::thread::spawn(move || read_lines(output, &sender));
    }
    drop(sender);
    let mut output = VecDeque::with_capacity(KEPT_LINES);
    let mut keep = |text: &str| {
        if line(text) && !text.trim().is_empty() {
            if output.len() == KEPT_LINES {
                output.pop_front();
            }
            output.push_back(text.trim_end().to_owned());
        }
    };
    let status = loop {
        match lines.recv_timeout(TICK) {
            Ok(text) => keep(&text),
            Err(RecvTimeoutError::Disconnected) => break group.child.wait()?,
            Err(RecvTimeoutError::Timeout) => {
                if let Some(status) = group.child.try_wait()? {
                    while let Ok(text) = lines.try_recv() {
                        keep(&text);
                    }
                    break status;
                }
            }
        }
    };
    Ok(Ended { status, output: output.into() })
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

/// Sends each line, where a carriage return ends a line as well: progress is drawn over itself.
fn read_lines(output: Box<dyn Read + Send>, sender: &mpsc::Sender<String>) {
    let mut reader = BufReader::new(output);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        for part in String::from_utf8_lossy(&bytes).trim_end_matches('\n').split('\r') {
            if sender.send(strip_escapes(part)).is_err() {
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
