//! Benchmarks: our binary and a reference on the same input, in turns, as a ratio.
//!
//! A table for people, and `target/bench.json` for programs. No time is too long, since machines differ: only the ratio of
//! two sides in one run can be compared, and some have bounds.

mod check;
mod diff;
mod flow;
mod inputs;
mod local;
mod measure;
mod pack;
mod sandbox;
mod size;
mod values;

use std::fs;

use anyhow::{Result, bail};

use crate::command::{root, say};
use crate::release;
use measure::Row;

struct Bench {
    name: &'static str,
    run: fn() -> Result<Vec<Row>>,
}

/// The benchmarks whose ratio has bounds: the checks are at least 30 times as fast as the official linter, and take at most
/// three times as long for twice the page.
const BOUNDS: &[(&str, f64, f64)] = &[("check-1000", 30.0, f64::INFINITY), ("check-5mb", 0.0, 3.0)];

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
    Bench { name: "diff", run: diff::minute },
    Bench { name: "local", run: local::renders },
    Bench { name: "sandbox", run: sandbox::render },
    Bench { name: "size", run: size::all },
];

/// Runs the benchmarks called `names`, or all; returns whether the ratios are within their bounds.
pub(crate) fn run(names: &[&str]) -> Result<bool> {
    if let Some(unknown) = names.iter().find(|name| !ALL.iter().any(|bench| bench.name == **name)) {
        let known = ALL.iter().map(|bench| bench.name).collect::<Vec<_>>();
        bail!("unknown benchmark {unknown}; the benchmarks are {}", known.join(", "));
    }
    if let Some(lacking) = &release::program()?.lacking {
        say(lacking);
    }
    let mut lines = Vec::new();
    let mut is_within = true;
    say(&format!("{:<12} {:>11} {:>11} {:>7}", "", "ours", "reference", "ratio"));
    for bench in ALL.iter().filter(|bench| names.is_empty() || names.contains(&bench.name)) {
        for Row { what, ours, reference, unit } in (bench.run)()? {
            let ratio = reference / ours;
            say(&format!(
                "{:<12} {ours:>9.3} {unit} {reference:>9.3} {unit} {ratio:>6.2}x  {what}",
                bench.name
            ));
            let bound = BOUNDS.iter().find(|(name, ..)| *name == bench.name);
            if let Some((_, least, most)) =
                bound.filter(|(_, least, most)| !(*least..=*most).contains(&ratio))
            {
                say(&format!("{}: the ratio must be from {least} to {most}", bench.name));
                is_within = false;
            }
            lines.push(format!(
                "  {{ \"name\": \"{}\", \"what\": \"{what}\", \"unit\": \"{unit}\", \"ours\": {ours}, \"reference\": {reference}, \
                 \"ratio\": {ratio:.3} }}",
                bench.name,
            ));
        }
    }
    fs::write(root().join("target/bench.json"), format!("[\n{}\n]\n", lines.join(",\n")))?;
    Ok(is_within)
}
