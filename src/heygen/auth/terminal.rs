//! The person at the terminal, where there is one.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::process::{Command, Stdio};

use super::Secret;

/// A key is not longer, in bytes.
const LONGEST: u64 = 16 * 1024;

/// Whether somebody is there to answer: no CI, and a terminal to read from and to write to.
pub(crate) fn is_attended(environment: &dyn Fn(&str) -> Option<String>) -> bool {
    !is_set("CI", environment) && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether a browser on this machine is not one that its user sees.
pub(crate) fn is_remote(environment: &dyn Fn(&str) -> Option<String>) -> bool {
    const SIGNS: &[&str] = &[
        "SSH_CONNECTION",
        "SSH_CLIENT",
        "SSH_TTY",
        "CODESPACES",
        "REMOTE_CONTAINERS",
        "GITPOD_WORKSPACE_ID",
    ];
    SIGNS.iter().any(|name| is_set(name, environment))
}

fn is_set(name: &str, environment: &dyn Fn(&str) -> Option<String>) -> bool {
    let value = environment(name).unwrap_or_default();
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "no")
}

/// Opens `url` in the user's browser; whether that worked. `BROWSER` names a program, or `none`.
pub(crate) fn open_browser(url: &str, environment: &dyn Fn(&str) -> Option<String>) -> bool {
    let chosen = environment("BROWSER").filter(|name| !name.is_empty());
    if chosen.as_deref() == Some("none") || is_set("HF_NO_BROWSER", environment) {
        return false;
    }
    let usual: &[&str] = match std::env::consts::OS {
        "macos" => &["open"],
        // Not through a shell: a URL holds `&`.
        "windows" => &["rundll32", "url.dll,FileProtocolHandler"],
        _ => &["xdg-open"],
    };
    let (program, arguments) = match &chosen {
        Some(program) => (program.as_str(), &[][..]),
        None => (usual[0], &usual[1..]),
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}

/// Reads a line from standard input, which is no terminal.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read_line() -> io::Result<Secret> {
    let mut line = String::new();
    io::stdin().lock().take(LONGEST).read_line(&mut line)?;
    Ok(Secret::new(line.trim().to_owned()))
}

/// Asks for a line that is not shown.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn ask_hidden(question: &str) -> io::Result<Secret> {
    let hidden = Hidden::new()?;
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{question}");
    let _ = stderr.flush();
    let line = read_line();
    let _ = writeln!(stderr);
    drop(hidden);
    line
}

/// Asks whether something is to be done.
pub(crate) fn confirm(question: &str) -> bool {
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{question} [y/N] ");
    let _ = stderr.flush();
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// A terminal that does not show what is typed.
struct Hidden {
    #[cfg(unix)]
    _guard: crate::system::interrupt::Guard,
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

impl Hidden {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        // Whoever interrupts gets a terminal back that shows what is typed.
        let _guard = crate::system::interrupt::guard_terminal(&before);
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self { _guard, before })
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Err(io::Error::other("the key would be shown here: hand it over on standard input"))
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}
