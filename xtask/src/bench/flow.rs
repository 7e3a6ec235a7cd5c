//! Rendering, beside the official command line, each against an emulator of its own.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::inputs::composition;
use super::measure::{Row, folder, in_turns, official, program, quiet};

fn project(name: &str) -> Result<std::path::PathBuf> {
    let project = folder(name)?;
    fs::write(project.join("index.html"), composition(0, ""))?;
    fs::create_dir_all(project.join("assets"))?;
    fs::write(project.join("assets/a.png"), "\u{89}PNG")?;
    Ok(project)
}

/// From start to file in hand, with a render that takes no time and with one that takes 3 s.
pub(super) fn render() -> Result<Vec<Row>> {
    let project = project("flow")?;
    let mut rows = Vec::new();
    for (seconds, what) in [("0", "a render that takes no time"), ("3", "a render of 3 s")] {
        let (mut polls, mut official_polls) = (0, 0);
        let times = in_turns(
            &mut || {
                let emulator = Emulator::start(&["--render-seconds", seconds])?;
                let mut command = emulator.client(program()?);
                command.env("HYPERFRAMES_CI_LEDGER", project.join(".ledger")).arg("render").arg("--no-reuse");
                quiet(command.args([".", "-o", "renders/ours.mp4"]).current_dir(&project))?;
                polls = emulator.polls()?;
                Ok(())
            },
            &mut || {
                let emulator = Emulator::start(&["--render-seconds", seconds])?;
                let mut command =
                    emulator.client(official(&["cloud", "render", "-o", "renders/theirs.mp4"])?);
                quiet(command.current_dir(&project))?;
                official_polls = emulator.polls()?;
                Ok(())
            },
        )?;
        rows.push(Row::times(format!("{what}: {polls} and {official_polls} polls"), times));
    }
    Ok(rows)
}

/// A batch of 20 rows, and a loop over the official command line; each against an emulator of its own.
pub(super) fn batch() -> Result<Vec<Row>> {
    const ROWS: u32 = 20;
    let project = project("batch-20")?;
    let rows = (0..ROWS).map(|row| format!("{{\"title\":\"film {row}\"}}\n")).collect::<String>();
    fs::write(project.join("rows.jsonl"), rows)?;
    let (mut totals, mut official_totals) = (Totals::default(), Totals::default());
    let times = in_turns(
        &mut || {
            let emulator = Emulator::start(&[])?;
            let mut command = emulator.client(program()?);
            command.env("HYPERFRAMES_CI_LEDGER", project.join(".ledger"));
            command.args(["render", ".", "--batch", "rows.jsonl", "-o", "renders/{title}.mp4"]);
            let _ = fs::remove_dir_all(project.join("renders"));
            quiet(command.current_dir(&project))?;
            totals = emulator.totals()?;
            Ok(())
        },
        &mut || {
            let emulator = Emulator::start(&[])?;
            for row in 0..ROWS {
                let values = format!("{{\"title\":\"film {row}\"}}");
                let flags = [
                    "cloud",
                    "render",
                    "--poll-interval",
                    "1",
                    "--variables",
                    &values,
                    "-o",
                    "renders/theirs.mp4",
                ];
                let mut command = emulator.client(official(&flags)?);
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
    Ok(vec![Row::times(what, times)])
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
    fn start(flags: &[&str]) -> Result<Self> {
        let mut child = program()?
            .args(["emulator", "--placeholder", "--json", "--api-key", "bench"])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut text = String::new();
        let mut output = std::io::BufReader::new(child.stdout.take().context("no output")?);
        while !text.contains('}') && std::io::BufRead::read_line(&mut output, &mut text)? > 0 {}
        let url = text.split("\"url\": \"").nth(1).and_then(|rest| rest.split('"').next());
        Ok(Self { url: url.context("the emulator did not print its URL")?.to_owned(), child })
    }

    fn client(&self, mut command: Command) -> Command {
        command.env("HEYGEN_API_URL", &self.url).env("HEYGEN_API_KEY", "bench");
        command
    }

    fn stats(&self) -> Result<String> {
        let mut command = Command::new("curl");
        let output = command
            .args(["--silent", "--fail", "--header", "x-api-key: bench"])
            .arg(format!("{}/_emulator/stats", self.url))
            .output()?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// How often it was asked about the render.
    fn polls(&self) -> Result<usize> {
        Ok(self.stats()?.matches("[\"GET\",\"/v3/hyperframes/renders/").count())
    }

    fn totals(&self) -> Result<Totals> {
        let text = self.stats()?;
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
