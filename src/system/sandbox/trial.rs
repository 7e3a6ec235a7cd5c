//! A first start of each program: shows whether it finds its files in the layers, and its version.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[cfg(target_os = "linux")]
use super::contained::Contained;
#[cfg(target_os = "linux")]
use super::layer::Layer;
use super::readable::ContainedPrograms;
use crate::system::deadline::Deadline;
use crate::system::programs::process::{self, Exited};

/// Time limit of a program that prints its version.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The versions of the programs, as each prints them; `None` for a program that does not print one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProgramVersions {
    /// Node, such as `v24.21.0`.
    pub(crate) node: Option<String>,
    /// The browser, such as `Chromium 156.0.8078.108 built on Debian GNU/Linux 12 (bookworm)`.
    pub(crate) browser: Option<String>,
    /// FFmpeg, such as `ffmpeg version 5.1.9-0+deb12u1`.
    pub(crate) ffmpeg: Option<String>,
}

impl ProgramVersions {
    /// Asks the programs without any layer, until `deadline`.
    pub(super) fn outside(programs: &ContainedPrograms, deadline: Deadline) -> Self {
        Self::ask(programs, &|program, argument| Ok::<_, String>(version_line(program, argument, deadline)))
            .unwrap_or_default()
    }

    /// Asks all programs at the same time, by `version` of a program and the argument that makes it print its version.
    fn ask<E: Send>(
        programs: &ContainedPrograms,
        version: &(impl Fn(&Path, &str) -> Result<Option<String>, E> + Sync),
    ) -> Result<Self, E> {
        std::thread::scope(|scope| {
            let browser = scope.spawn(|| version(&programs.browser, "--version"));
            let ffmpeg = scope.spawn(|| version(&programs.ffmpeg, "-version"));
            Ok(Self {
                node: version(&programs.node, "--version")?,
                browser: browser.join().unwrap_or(Ok(None))?,
                ffmpeg: ffmpeg.join().unwrap_or(Ok(None))?,
            })
        })
    }
}

/// Starts each program in layers, of which `added` may be the reason that one does not start, until `deadline`.
///
/// # Errors
/// Returns why a program does not start there.
#[cfg(target_os = "linux")]
pub(super) fn try_programs(
    contained: &Contained,
    programs: &ContainedPrograms,
    added: Layer,
    deadline: Deadline,
) -> Result<ProgramVersions, String> {
    ProgramVersions::ask(programs, &|program, argument| {
        let failed =
            |reason: String| format!("{} does not start in {}: {reason}", program.display(), added.title());
        let mut command = process::without_secrets(contained.launch(program));
        contained.set_environment(&mut command);
        command.arg(argument);
        let (exited, output) =
            process::capture(command, within(deadline)).map_err(|error| failed(error.to_string()))?;
        match exited.status.success() {
            true => Ok(first_line(&exited, &output)),
            false => {
                let last = exited.output.last().cloned();
                Err(failed(last.unwrap_or_else(|| exited.status.to_string())))
            }
        }
    })
}

/// Returns the earlier one of `deadline` and the time limit of a program that prints its version.
fn within(deadline: Deadline) -> Deadline {
    Deadline::after(deadline.limit(TIMEOUT))
}

/// Returns what a program prints about its version, until `deadline`, if it gets `argument`.
pub(crate) fn version_line(program: &Path, argument: &str, deadline: Deadline) -> Option<String> {
    let mut command = process::without_secrets(Command::new(program));
    command.arg(argument);
    let (exited, output) = process::capture(command, within(deadline)).ok()?;
    first_line(&exited, &output)
}

/// Returns the first line of the output of a successful program, without a copyright.
fn first_line(exited: &Exited, output: &str) -> Option<String> {
    let line = output.lines().next()?;
    let line = line.split_once(" Copyright ").map_or(line, |(version, _)| version).trim();
    (exited.status.success() && !line.is_empty()).then(|| line.to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_line_without_a_copyright() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let (exited, output) = process::capture(command, Deadline::NEVER).expect("started");
            first_line(&exited, &output)
        };
        let printed = "echo 'ffmpeg version 5.1.9 Copyright (c) 2000-2026'; echo built";
        assert_eq!(shell(printed).as_deref(), Some("ffmpeg version 5.1.9"));
        assert_eq!(shell("echo v24.21.0").as_deref(), Some("v24.21.0"));
        for wrong in ["echo 1.0; exit 1", "true", "echo"] {
            assert_eq!(shell(wrong), None, "{wrong}");
        }
    }
}
