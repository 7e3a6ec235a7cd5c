//! The interactive terminal and the browser.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::process::{Command, Stdio};

use crate::system::programs::process::with_variables;
use crate::system::secret::Secret;

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 16 * 1024;

/// Returns whether a user can answer questions: not in CI, not with `HEYGEN_NONINTERACTIVE`, and standard input and error are terminals.
pub(crate) fn is_attended(environment: &dyn Fn(&str) -> Option<String>) -> bool {
    !is_set("CI", environment)
        && !refuses_questions(environment)
        && io::stdin().is_terminal()
        && io::stderr().is_terminal()
}

/// Returns whether `HEYGEN_NONINTERACTIVE` forbids questions.
pub(crate) fn refuses_questions(environment: &dyn Fn(&str) -> Option<String>) -> bool {
    is_set("HEYGEN_NONINTERACTIVE", environment)
}

/// Returns whether the session is remote, so that the user does not see a browser of this machine.
pub(crate) fn is_remote(environment: &dyn Fn(&str) -> Option<String>) -> bool {
    const VARIABLES: &[&str] = &[
        "SSH_CONNECTION",
        "SSH_CLIENT",
        "SSH_TTY",
        "CODESPACES",
        "REMOTE_CONTAINERS",
        "GITPOD_WORKSPACE_ID",
    ];
    VARIABLES.iter().any(|name| is_set(name, environment))
}

fn is_set(name: &str, environment: &dyn Fn(&str) -> Option<String>) -> bool {
    let value = environment(name).unwrap_or_default();
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "no")
}

/// Opens `url` in the user's browser. Returns whether a program was started. `BROWSER` names a program, or `none`.
pub(crate) fn open_browser(url: &str, environment: &dyn Fn(&str) -> Option<String>) -> bool {
    let chosen = environment("BROWSER").filter(|name| !name.is_empty());
    let is_refused = ["HEYGEN_NO_BROWSER", "HF_NO_BROWSER"].iter().any(|name| is_set(name, environment));
    if chosen.as_deref() == Some("none") || is_refused {
        return false;
    }
    let default: &[&str] = match std::env::consts::OS {
        "macos" => &["open"],
        // Not through a shell: a URL contains `&`.
        "windows" => &["rundll32", "url.dll,FileProtocolHandler"],
        _ => &["xdg-open"],
    };
    let (program, arguments) = match &chosen {
        Some(program) => (program.as_str(), &[][..]),
        None => (default[0], &default[1..]),
    };
    // What a browser needs to find the desktop.
    const DESKTOP: &[&str] = &[
        "DISPLAY",
        "WAYLAND_",
        "XAUTHORITY",
        "DBUS_",
        "DESKTOP_",
        "GNOME_",
        "KDE_",
        "BROWSER",
        "WSL",
        "__CF",
    ];
    let mut command = with_variables(Command::new(program), DESKTOP);
    command.args(arguments).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}

/// Reads a line from standard input, without surrounding white space.
///
/// # Errors
/// Returns an error if standard input cannot be read.
pub(crate) fn read_line() -> io::Result<Secret> {
    let mut line = String::new();
    io::stdin().lock().take(MAX_LINE).read_line(&mut line)?;
    Ok(Secret::new(line.trim().to_owned()))
}

/// Asks for a line without echoing it.
///
/// # Errors
/// Returns an error if the echo cannot be switched off, or standard input cannot be read.
pub(crate) fn ask_hidden(question: &str) -> io::Result<Secret> {
    let hidden = NoEcho::new()?;
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{question}");
    let _ = stderr.flush();
    let line = read_line();
    let _ = writeln!(stderr);
    drop(hidden);
    line
}

/// Asks a yes-or-no question. The default is no.
pub(crate) fn confirm(question: &str) -> bool {
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{question} [y/N] ");
    let _ = stderr.flush();
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// A terminal that does not echo. Dropping it restores the echo.
struct NoEcho {
    #[cfg(unix)]
    _guard: crate::system::interrupt::Guard,
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

impl NoEcho {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        // An interrupt restores the echo as well.
        let _guard = crate::system::interrupt::guard_terminal(&before);
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self { _guard, before })
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Err(io::Error::other("cannot hide the input on this terminal; pipe the key to standard input"))
    }
}

#[cfg(unix)]
impl Drop for NoEcho {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn variables_forbid_browsers_and_questions() {
        let set = |name: &'static str, value: &'static str| {
            move |asked: &str| match asked {
                "BROWSER" => Some("true".to_owned()),
                asked => (asked == name).then(|| value.to_owned()),
            }
        };
        for (name, value, is_opened) in [
            ("HEYGEN_NO_BROWSER", "1", false),
            ("HF_NO_BROWSER", "true", false),
            ("HEYGEN_NO_BROWSER", "0", true),
            ("HEYGEN_OTHER", "1", true),
        ] {
            assert_eq!(open_browser("https://example.com", &set(name, value)), is_opened, "{name}={value}");
        }
        assert!(refuses_questions(&set("HEYGEN_NONINTERACTIVE", "yes")));
        assert!(!refuses_questions(&set("HEYGEN_NONINTERACTIVE", "no")));
        assert!(!is_attended(&set("HEYGEN_NONINTERACTIVE", "1")));
    }
}
