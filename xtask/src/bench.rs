//! Benchmarks: our binary and a reference on the same input, in turns, as a ratio.
//!
//! A table for people, and `target/bench.json` for programs. Nothing fails for being slow: machines differ.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::npm;
use crate::provision::{binary, npm_tool, root};
use crate::say;
use crate::suites::{cargo, succeed};

/// How often each side runs; the median counts.
const ROUNDS: usize = 5;

/// The official command line that is compared with.
const OFFICIAL: &str = "0.8.170";

struct Bench {
    name: &'static str,
    run: fn() -> Result<Figures>,
}

const ALL: &[Bench] = &[Bench { name: "check-1000", run: check }, Bench { name: "batch-20", run: batch }];

/// What a benchmark found.
struct Figures {
    /// What was compared, in words.
    what: String,
    ours: Duration,
    reference: Duration,
}

/// Runs the benchmarks called `names`, or all.
pub(crate) fn run(names: &[&str]) -> Result<bool> {
    if let Some(unknown) = names.iter().find(|name| !ALL.iter().any(|bench| bench.name == **name)) {
        let known = ALL.iter().map(|bench| bench.name).collect::<Vec<_>>();
        bail!("there is no benchmark {unknown}; there are {}", known.join(", "));
    }
    succeed(&mut cargo(&["build", "--release", "--quiet", "--bin", "hyperframes-ci"]))?;
    let mut lines = Vec::new();
    say(&format!("{:<14} {:>10} {:>10} {:>8}", "", "ours", "reference", "ratio"));
    for bench in ALL.iter().filter(|bench| names.is_empty() || names.contains(&bench.name)) {
        let Figures { what, ours, reference } = (bench.run)()?;
        let ratio = reference.as_secs_f64() / ours.as_secs_f64();
        say(&format!(
            "{:<14} {:>9.3}s {:>9.3}s {ratio:>7.1}x  {what}",
            bench.name,
            ours.as_secs_f64(),
            reference.as_secs_f64()
        ));
        lines.push(format!(
            "  {{ \"name\": \"{}\", \"what\": \"{what}\", \"ours_seconds\": {}, \"reference_seconds\": {}, \"ratio\": {ratio:.2} }}",
            bench.name,
            ours.as_secs_f64(),
            reference.as_secs_f64()
        ));
    }
    fs::write(root().join("target/bench.json"), format!("[\n{}\n]\n", lines.join(",\n")))?;
    Ok(true)
}

/// `check` and the official `lint` over one project of 1,000 compositions.
fn check() -> Result<Figures> {
    let project = folder("check-1000")?;
    fs::create_dir_all(project.join("compositions"))?;
    fs::create_dir_all(project.join("assets"))?;
    fs::write(project.join("assets/a.png"), "\u{89}PNG")?;
    for number in 0..1000 {
        let (path, up) = match number {
            0 => ("index.html".to_owned(), ""),
            _ => (format!("compositions/c{number:04}.html"), "../"),
        };
        fs::write(project.join(path), composition(number, up))?;
    }
    let node = npm::node(npm::NODES[npm::NODES.len() - 1])?;
    let official = npm_tool("hyperframes", OFFICIAL, "dist/cli.js")?;
    let (ours, reference) =
        in_turns(&mut || quiet(Command::new(binary("release")).arg("check").arg(&project)), &mut || {
            let mut lint = Command::new(&node);
            lint.arg(&official).arg("lint").arg(&project);
            quiet(
                lint.env("HYPERFRAMES_NO_UPDATE_CHECK", "1")
                    .env("HYPERFRAMES_NO_TELEMETRY", "1")
                    .env("DO_NOT_TRACK", "1"),
            )
        })?;
    let what = "check and hyperframes lint, 1,000 compositions of 8 KB".to_owned();
    Ok(Figures { what, ours, reference })
}

/// A batch of 20 rows, and a loop over the official command line; each against an emulator of its own.
fn batch() -> Result<Figures> {
    const ROWS: u32 = 20;
    let project = folder("batch-20")?;
    fs::write(project.join("index.html"), composition(0, ""))?;
    fs::create_dir_all(project.join("assets"))?;
    fs::write(project.join("assets/a.png"), "\u{89}PNG")?;
    let rows = (0..ROWS).map(|row| format!("{{\"title\":\"film {row}\"}}\n")).collect::<String>();
    fs::write(project.join("rows.jsonl"), rows)?;
    let node = npm::node(npm::NODES[npm::NODES.len() - 1])?;
    let official = npm_tool("hyperframes", OFFICIAL, "dist/cli.js")?;
    let (mut totals, mut official_totals) = (Totals::default(), Totals::default());
    let (ours, reference) = in_turns(
        &mut || {
            let emulator = Emulator::start()?;
            let mut command = emulator.client(Command::new(binary("release")));
            command.env("HYPERFRAMES_CI_LEDGER", project.join(".ledger"));
            command.args(["render", ".", "--batch", "rows.jsonl", "-o", "renders/{title}.mp4"]);
            let _ = fs::remove_dir_all(project.join("renders"));
            quiet(command.current_dir(&project))?;
            totals = emulator.totals()?;
            Ok(())
        },
        &mut || {
            let emulator = Emulator::start()?;
            for row in 0..ROWS {
                let mut command = emulator.client(Command::new(&node));
                command.arg(&official).args(["cloud", "render", "--poll-interval", "1", "--variables"]);
                command.arg(format!("{{\"title\":\"film {row}\"}}"));
                command.args(["-o", "renders/theirs.mp4"]).env("DO_NOT_TRACK", "1");
                command.env("HYPERFRAMES_NO_UPDATE_CHECK", "1").env("HYPERFRAMES_NO_TELEMETRY", "1");
                quiet(command.current_dir(&project))?;
            }
            official_totals = emulator.totals()?;
            Ok(())
        },
    )?;
    let what = format!(
        "{ROWS} rows, and a loop over hyperframes cloud render: {} and {} requests, {} and {} bytes uploaded",
        totals.requests, official_totals.requests, totals.bytes, official_totals.bytes
    );
    Ok(Figures { what, ours, reference })
}

/// What an emulator has seen.
#[derive(Default)]
struct Totals {
    requests: usize,
    bytes: u64,
}

/// An emulator with placeholder clips.
struct Emulator {
    child: std::process::Child,
    url: String,
}

impl Emulator {
    fn start() -> Result<Self> {
        let mut child = Command::new(binary("release"))
            .args(["emulator", "--placeholder", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut text = String::new();
        let mut output = std::io::BufReader::new(child.stdout.take().context("no output")?);
        while !text.contains('}') && std::io::BufRead::read_line(&mut output, &mut text)? > 0 {}
        let url = text.split("\"url\": \"").nth(1).and_then(|rest| rest.split('"').next());
        Ok(Self { url: url.context("the emulator says not where it is")?.to_owned(), child })
    }

    fn client(&self, mut command: Command) -> Command {
        command.env("HEYGEN_API_URL", &self.url).env("HEYGEN_API_KEY", "bench");
        command
    }

    fn totals(&self) -> Result<Totals> {
        let mut command = Command::new("curl");
        let output =
            command.args(["--silent", "--fail"]).arg(format!("{}/_emulator/stats", self.url)).output()?;
        let text = String::from_utf8(output.stdout)?;
        let bytes = text.split("\"bytes_uploaded\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
        Ok(Totals {
            requests: text.matches("/v3/").count()
                + text.matches("[\"PUT\"").count()
                + text.matches(".mp4\"").count(),
            bytes: bytes.and_then(|bytes| bytes.trim().parse().ok()).context("no figures")?,
        })
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A composition of 30 clips.
fn composition(number: u32, up: &str) -> String {
    let clip = |index: u32| {
        let start = f64::from(index) / 10.0;
        format!(
            "  <div class=\"clip\" id=\"e{index}\" data-start=\"{start}\" data-duration=\"1\" data-track-index=\"{index}\">\
             <h2 data-var-text=\"title\">Text {index}</h2><img src=\"{up}assets/a.png\" alt=\"\"></div>\n"
        )
    };
    format!(
        "<!doctype html>\n<html lang=\"en\" data-composition-variables='[{{\"id\":\"title\",\"label\":\"Title\",\"type\":\"string\",\
         \"default\":\"Hi\"}},{{\"id\":\"ink\",\"label\":\"Ink\",\"type\":\"color\",\"default\":\"#123456\"}}]'>\n\
         <head><meta charset=\"utf-8\"><style>#r {{ color: var(--ink); position: relative }}</style></head><body>\n\
         <div id=\"r\" data-composition-id=\"c{number}\" data-width=\"1920\" data-height=\"1080\" data-start=\"0\" data-duration=\"5\">\n\
         {}</div>\n<script>window.__timelines = window.__timelines || {{}};</script></body></html>\n",
        (0..30).map(clip).collect::<String>()
    )
}

/// An empty folder for input.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = root().join("target/bench").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
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
