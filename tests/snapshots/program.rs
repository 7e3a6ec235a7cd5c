//! Runs the binary with a clean environment, in a log or on a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use snapbox::Data;
use snapbox::data::DataFormat;

/// Columns of the terminal, and of the longest line of help.
pub(crate) const COLUMNS: u16 = 100;

/// Lines of the terminal; flows print fewer.
const LINES: u16 = 200;

/// Returns the binary with an empty home below `home` and nothing inherited but `PATH`.
pub(crate) fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hyperframes-ci"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", home).env("HYPERFRAMES_CI_CACHE", home.join("cache"));
    command.env("HYPERFRAMES_CI_LEDGER", home.join("ledger.jsonl"));
    command.stdin(Stdio::null());
    command
}

/// Runs a command, and returns standard output, standard error and the exit code as sections of a text.
pub(crate) fn in_log(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let section = |name: &str, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        if text.is_empty() { String::new() } else { format!("--- {name}\n{}\n", text.trim_end()) }
    };
    let code = output.status.code().unwrap_or(-1);
    format!(
        "{}{}--- exit code: {code}\n",
        section("stdout", &output.stdout),
        section("stderr", &output.stderr)
    )
}

/// Runs a command on a terminal, and returns the screen that it leaves behind, without colors.
pub(crate) fn on_terminal(command: Command) -> String {
    answering(command, "")
}

/// Runs a command on a terminal on which `answers` are typed.
pub(crate) fn answering(mut command: Command, answers: &str) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let size = Winsize { ws_row: LINES, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&slave, size).unwrap();
    command.env("TERM", "xterm-256color");
    command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
    let mut master = File::from(master);
    // Typed ahead: the terminal echoes them before the program prints.
    master.write_all(answers.as_bytes()).unwrap();
    let mut child = command.spawn().unwrap();
    // The terminal ends with its last user.
    drop(command);
    let mut terminal = vt100::Parser::new(NonZero::new(LINES).unwrap(), NonZero::new(COLUMNS).unwrap(), 0);
    let mut bytes = [0; 4096];
    // Reading fails once the program has closed the terminal.
    while let Ok(count) = master.read(&mut bytes) {
        if count == 0 {
            break;
        }
        terminal.process(&bytes[..count]);
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    let screen = terminal.screen().contents();
    let lines = screen.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>();
    format!("{}\n--- exit code: {code}\n", lines.trim_end())
}

/// Compares a text with the file `name` of the snapshots, or writes it there with `SNAPSHOTS=overwrite`.
pub(crate) fn check(name: &str, text: String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    let expected = Data::read_from(&path, Some(DataFormat::Text)).raw();
    snapbox::Assert::new().action_env("SNAPSHOTS").eq(text, expected);
}
