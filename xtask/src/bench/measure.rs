//! Both sides of a benchmark, their inputs and their times.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::command::root;
use crate::npm;
use crate::provision::npm_tool;
use crate::release;

/// How often each side runs; the median counts.
const ROUNDS: usize = 5;

/// The official command line that is compared with.
const OFFICIAL: &str = "0.8.170";

/// A line of the table.
pub(super) struct Row {
    /// What was compared, in words.
    pub(super) what: String,
    pub(super) ours: f64,
    pub(super) reference: f64,
    pub(super) unit: &'static str,
}

impl Row {
    pub(super) fn times(what: impl Into<String>, (ours, reference): (Duration, Duration)) -> Self {
        Self { what: what.into(), ours: ours.as_secs_f64(), reference: reference.as_secs_f64(), unit: "s" }
    }
}

/// The program, as the action downloads it.
pub(super) fn program() -> Result<Command> {
    Ok(Command::new(&release::program()?.path))
}

/// The official command line, which neither looks for updates nor tells anybody.
pub(super) fn official(arguments: &[&str]) -> Result<Command> {
    let node = npm::node(npm::NODES[npm::NODES.len() - 1])?;
    let mut command = Command::new(node);
    command.arg(npm_tool("hyperframes", OFFICIAL, "dist/cli.js")?).args(arguments);
    command
        .env("HYPERFRAMES_NO_UPDATE_CHECK", "1")
        .env("HYPERFRAMES_NO_TELEMETRY", "1")
        .env("DO_NOT_TRACK", "1");
    Ok(command)
}

/// An empty folder for input, which is a repository of its own.
pub(super) fn folder(name: &str) -> Result<PathBuf> {
    let folder = root().join("target/bench").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join(".git"))?;
    Ok(folder)
}

/// Both sides in turns, so that whatever else the machine does hits both; the medians.
pub(super) fn in_turns(
    ours: &mut dyn FnMut() -> Result<()>,
    reference: &mut dyn FnMut() -> Result<()>,
) -> Result<(Duration, Duration)> {
    let time = |work: &mut dyn FnMut() -> Result<()>| -> Result<Duration> {
        let began = Instant::now();
        work()?;
        Ok(began.elapsed())
    };
    // The first run warms the file cache.
    time(ours)?;
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        times.0.push(time(ours)?);
        times.1.push(time(reference)?);
    }
    Ok((median(times.0)?, median(times.1)?))
}

/// Does some work, and adds the processor time of the programs that it starts and waits for.
pub(super) fn processor_time(times: &mut Vec<Duration>, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let before = children_time()?;
    work()?;
    times.push(children_time()?.saturating_sub(before));
    Ok(())
}

/// Returns the processor time of the programs that have ended, and of theirs.
fn children_time() -> Result<Duration> {
    // A tick has been 10 ms on all machines with Linux for as long as there are ticks.
    const TICK: Duration = Duration::from_millis(10);
    let text = fs::read_to_string("/proc/self/stat").context("processor time is measured on Linux only")?;
    let members = text.rsplit_once(')').map_or("", |(_, members)| members).split_whitespace();
    let ticks = members.skip(13).take(2).map(|ticks| ticks.parse::<u32>().context("not a number"));
    Ok(TICK * ticks.sum::<Result<u32>>()?)
}

pub(super) fn median(mut times: Vec<Duration>) -> Result<Duration> {
    times.sort();
    times.get(times.len() / 2).copied().context("no run")
}

pub(super) fn quiet(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    ensure!(status.success(), "{} failed", Path::new(command.get_program()).display());
    Ok(())
}
