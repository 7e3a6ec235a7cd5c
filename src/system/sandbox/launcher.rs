//! `hyperframes-ci __contain POLICY PROGRAM…`: restricts this process and then becomes the program. `__relay POLICY` is the
//! process next to it that leads to the filtering proxy.
//!
//! A process of its own, since restrictions cannot be taken back, and since code between `fork` and `exec` would be
//! unsafe.

use std::ffi::OsString;
#[cfg(target_os = "linux")]
use std::path::Path;
#[cfg(target_os = "linux")]
use std::process::Command;
use std::process::ExitCode;

#[cfg(target_os = "linux")]
use super::restriction::Restriction;

/// The first argument.
const ARGUMENT: &str = "__contain";

/// Exit code if the restrictions cannot be applied; the program does not run then.
const NOT_CONTAINED: u8 = 126;

/// Returns the command that starts `program` behind the launcher, which is started by `outer` if there is one.
#[cfg(target_os = "linux")]
pub(super) fn command(outer: Option<Command>, policy: &Path, program: &Path) -> Command {
    // Also if the file of this program was replaced meanwhile.
    let mut command = outer.unwrap_or_else(|| Command::new("/proc/self/exe"));
    command.arg(ARGUMENT).arg(policy).arg(program);
    command
}

/// Runs the program of `arguments` if they start with [`ARGUMENT`], and returns the exit code if that is not possible.
/// On success it does not return.
pub(crate) fn launch(arguments: &[OsString]) -> Option<ExitCode> {
    let ended = match arguments.get(1)?.to_str()? {
        ARGUMENT => become_program(&arguments[2..]),
        #[cfg(target_os = "linux")]
        super::relay::ARGUMENT => relay(&arguments[2..]),
        _ => return None,
    };
    let message = match ended {
        Ok(never) => match never {},
        Err(message) => message,
    };
    use std::io::Write;
    // The parent reads it as the output of the engine.
    let _ = writeln!(std::io::stderr(), "cannot contain the engine: {message}");
    Some(ExitCode::from(NOT_CONTAINED))
}

#[cfg(target_os = "linux")]
fn become_program(arguments: &[OsString]) -> Result<std::convert::Infallible, String> {
    use std::os::unix::process::CommandExt;

    let [policy, program, arguments @ ..] = arguments else { return Err("no program".to_owned()) };
    let restriction = read(policy)?;
    if let Some(relay) = &restriction.relay {
        relay.start(policy.as_ref()).map_err(|error| format!("the way to the proxy: {error}"))?;
    }
    super::landlock::apply(&restriction)?;
    Err(Command::new(program).args(arguments).exec().to_string())
}

/// Passes connections of a network namespace to the filtering proxy.
#[cfg(target_os = "linux")]
fn relay(arguments: &[OsString]) -> Result<std::convert::Infallible, String> {
    let [policy] = arguments else { return Err("no policy".to_owned()) };
    let restriction = read(policy)?;
    let Some(relay) = &restriction.relay else { return Err("no relay".to_owned()) };
    let folder = relay.socket.parent().map(Path::to_owned);
    let own = Restriction {
        readable: Vec::new(),
        writable: folder.into_iter().collect(),
        ports: None,
        ..restriction.clone()
    };
    super::landlock::apply(&own)?;
    relay.run().map_err(|error| error.to_string())
}

#[cfg(target_os = "linux")]
fn read(policy: &OsString) -> Result<Restriction, String> {
    let policy = std::fs::read(policy).map_err(|error| error.to_string())?;
    serde_json::from_slice(&policy).map_err(|error| error.to_string())
}

#[cfg(not(target_os = "linux"))]
fn become_program(_: &[OsString]) -> Result<std::convert::Infallible, String> {
    Err("not supported on this system".to_owned())
}
