//! A local render in the sandbox, beside the same render without one.

use anyhow::Result;

use super::measure::{Row, folder, in_turns, program, quiet};
use crate::command::root;
use crate::provision;

/// A render of the example `launch-card`, about 10 s of work on two cores. The reference has no layer.
pub(super) fn render() -> Result<Vec<Row>> {
    provision::packages(&["chromium", "ffmpeg", "nodejs", "npm"])?;
    let folder = folder("sandbox")?;
    let example = root().join("examples/launch-card");
    let render = |flags: &[&str]| {
        let mut command = program()?;
        command.env("HYPERFRAMES_CI_LEDGER", folder.join(".ledger"));
        command.args(["render", "--renderer", "local", "--no-reuse", "-o"]).arg(folder.join("v.mp4"));
        quiet(command.args(flags).arg(&example).current_dir(&folder))
    };
    let times = in_turns(&mut || render(&[]), &mut || render(&["--allow-unsandboxed"]))?;
    Ok(vec![Row::times("a local render in all layers, and without a sandbox", times)])
}
