//! Benchmarks: our binary and a reference on the same input, in turns, as a ratio.
//!
//! A table for people, and `target/bench.json` for programs. Nothing fails for being slow: machines differ, and the ratio
//! of two sides in one run is what can be compared.

mod check;
mod flow;
mod inputs;
mod pack;
mod size;
mod values;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::npm;
use crate::provision::{npm_tool, root};
use crate::{release, say};

/// How often each side runs; the median counts.
const ROUNDS: usize = 5;

/// The official command line that is compared with.
const OFFICIAL: &str = "0.8.170";

struct Bench {
    name: &'static str,
    run: fn() -> Result<Vec<Row>>,
}

const ALL: &[Bench] = &[
    Bench { name: "pack-media", run: pack::media },
    Bench { name: "pack-text", run: pack::text },
    Bench { name: "pack-memory", run: pack::memory },
    Bench { name: "start", run: check::start },
    Bench { name: "check-1000", run: check::thousand },
    Bench { name: "check-5mb", run: check::linear },
    Bench { name: "values-1000", run: values::rows },
    Bench { name: "flow", run: flow::render },
    Bench { name: "batch-20", run: flow::batch },
    Bench { name: "size", run: size::all },
];

/// A line of the table.
struct Row {
    /// What was compared, in words.
    what: String,
    ours: f64,
    reference: f64,
    unit: &'static str,
}

impl Row {
    fn times(what: impl Into<String>, (ours, reference): (Duration, Duration)) -> Self {
        Self { what: what.into(), ours: ours.as_secs_f64(), reference: reference.as_secs_f64(), unit: "s" }
    }
}

/// Runs the benchmarks called `names`, or all.
pub(crate) fn run(names: &[&str]) -> Result<bool> {
    if let Some(unknown) = names.iter().find(|name| !ALL.iter().any(|bench| bench.name == **name)) {
        let known = ALL.iter().map(|bench| bench.name).collect::<Vec<_>>();
        bail!("there is no benchmark {unknown}; there are {}", known.join(", "));
    }
    if let Some(lacking) = &release::program()?.lacking {
        say(lacking);
    }
    let mut lines = Vec::new();
    say(&format!("{:<12} {:>11} {:>11} {:>7}", "", "ours", "reference", "ratio"));
    for bench in ALL.iter().filter(|bench| names.is_empty() || names.contains(&bench.name)) {
        for Row { what, ours, reference, unit } in (bench.run)()? {
            let ratio = reference / ours;
            say(&format!(
                "{:<12} {ours:>9.3} {unit} {reference:>9.3} {unit} {ratio:>6.2}x  {what}",
                bench.name
            ));
            lines.push(format!(
                "  {{ \"name\": \"{}\", \"what\": \"{what}\", \"unit\": \"{unit}\", \"ours\": {ours}, \"reference\": {reference}, \
                 \"ratio\": {ratio:.3} }}",
                bench.name,
            ));
        }
    }
    fs::write(root().join("target/bench.json"), format!("[\n{}\n]\n", lines.join(",\n")))?;
    Ok(true)
}

/// The program, as the action downloads it.
fn program() -> Result<Command> {
    Ok(Command::new(&release::program()?.path))
}

/// The official command line, which neither looks for updates nor tells anybody.
fn official(arguments: &[&str]) -> Result<Command> {
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
fn folder(name: &str) -> Result<PathBuf> {
    let folder = root().join("target/bench").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join(".git"))?;
    Ok(folder)
}

/// Both sides in turns, so that whatever else the machine does hits both; the medians.
fn in_turns(
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

fn median(mut times: Vec<Duration>) -> Result<Duration> {
    times.sort();
    times.get(times.len() / 2).copied().context("no run")
}

fn quiet(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    ensure!(status.success(), "{} failed", Path::new(command.get_program()).display());
    Ok(())
}
