//! Every fault at every step of the flow: our binary, and the official CLI beside it.
//!
//! `BLESS=1` writes the tables of `docs/faults.md`, which the test otherwise expects to be true.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::official;
use crate::support::{Emulator, names, project, root, show};

const STEPS: [&str; 7] = ["list", "create_upload", "put", "complete", "submit", "poll", "download"];

/// A connection without a word is given up after so many seconds in these tests.
const SILENCE: &str = "3";

/// Whoever takes longer than that hangs: the slowest run of ours takes half of it.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Happens once, and the video must arrive.
    Once,
    /// Happens always, and the flow must end at once.
    Always,
}

struct Fault {
    name: &'static str,
    kind: Kind,
    /// As the emulator's script has it.
    script: String,
}

fn faults() -> Vec<Fault> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let date = hyperframes_ci_core::time::format_http_date(i64::try_from(now).unwrap() + 1);
    let once = |name, script: &str| Fault { name, kind: Kind::Once, script: script.to_owned() };
    let always =
        |name, status: u16| Fault { name, kind: Kind::Always, script: format!(r#"{{"status": {status}}}"#) };
    vec![
        once("connection refused", r#"{"refuse_ms": 400}"#),
        once("connection reset", r#""drop_before""#),
        once("reset after the work", r#""drop_after""#),
        once("no answer", r#""stall_before""#),
        once("no answer after the work", r#""stall_after""#),
        once("408", r#"{"status": 408}"#),
        once("425", r#"{"status": 425}"#),
        once("429, seconds", r#"{"status": 429, "retry_after": "1"}"#),
        once("429, date", &format!(r#"{{"status": 429, "retry_after": "{date}"}}"#)),
        once("500", r#"{"status": 500}"#),
        once("502, HTML", r#"{"status": 502, "body": "<html>bad gateway", "content_type": "text/html"}"#),
        once("503", r#"{"status": 503}"#),
        once("body cut", r#"{"truncate": 10}"#),
        once("body stalls", r#"{"stall": 10}"#),
        once("unknown host", r#""bad_host""#),
        once("200, HTML", r#""html""#),
        always("400", 400),
        always("401", 401),
        always("402", 402),
        always("403", 403),
        always("404", 404),
        always("413", 413),
        always("422", 422),
    ]
}

/// How a run ended, and what it cost.
struct Cell {
    code: Option<i32>,
    has_video: bool,
    requests: usize,
    assets: u64,
    renders: u64,
    uploaded: u64,
    seconds: f64,
}

impl Cell {
    /// In short, as far as it is the same in every run: polls are not.
    fn text(&self, archive: u64) -> String {
        let mut text = match (self.has_video, self.code) {
            (true, Some(0)) => "✓".to_owned(),
            (_, None) => "hangs".to_owned(),
            (false, Some(0)) => "exit 0, a page as video".to_owned(),
            (_, Some(code)) => format!("exit {code}"),
        };
        if self.code != Some(0) && self.renders == 1 {
            text += ", billed";
        }
        for (count, what) in
            [(self.uploaded / archive, "uploads"), (self.assets, "assets"), (self.renders, "renders")]
        {
            if count > 1 {
                text += &format!(", {count} {what}");
            }
        }
        text
    }
}

/// Who is put to the test.
type Client = fn(&Emulator, &Path) -> Command;

fn ours(emulator: &Emulator, folder: &Path) -> Command {
    let mut command = emulator.command();
    command.args(["render", "-o", "v.mp4", "--max-wait", "0.3"]).current_dir(folder);
    command.env("HYPERFRAMES_CI_TIMEOUT", SILENCE).env("HEYGEN_MAX_RETRIES", "2");
    command
}

fn theirs(emulator: &Emulator, folder: &Path) -> Command {
    let arguments = ["render", "--json", "-o", "v.mp4", "--poll-interval", "1"];
    official::command(emulator, &arguments, folder)
}

fn run(client: Client, patience: Duration, step: &str, fault: &Fault) -> Cell {
    let emulator = Emulator::placeholder(&[]);
    let times = if fault.kind == Kind::Once { 1 } else { 99 };
    let script = &fault.script;
    emulator.script(&format!(r#"{{"rules": [{{"on": "{step}", "times": {times}, "do": {script}}}]}}"#));
    let folder = project();
    let began = Instant::now();
    let mut command = client(&emulator, folder.path());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if began.elapsed() > patience {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let left = names(folder.path());
    assert!(left.iter().all(|name| !name.ends_with(".part")) || status.is_none(), "{step}: {left:?}");
    let has_video = fs::read(folder.path().join("v.mp4")).is_ok_and(|video| video.get(4..8) == Some(b"ftyp"));
    let (assets, renders) = emulator.created();
    Cell {
        code: status.map(|status| status.code().unwrap_or(-1)),
        has_video,
        requests: emulator.requests().len(),
        assets,
        renders,
        uploaded: emulator.stats()["bytes_uploaded"].as_u64().unwrap(),
        seconds: began.elapsed().as_secs_f64(),
    }
}

/// Whether the fault can happen at the step: only two answers hold presigned URLs.
fn applies(step: &str, fault: &Fault) -> bool {
    fault.name != "unknown host" || matches!(step, "create_upload" | "poll")
}

/// Runs every cell, a few at a time: most of them wait.
fn matrix(
    client: Client,
    patience: Duration,
    steps: &[&str],
    at_once: usize,
) -> BTreeMap<(usize, usize), Cell> {
    let faults = faults();
    let cells = (0..faults.len()).flat_map(|fault| (0..steps.len()).map(move |step| (fault, step)));
    let cells = cells.filter(|(fault, step)| applies(steps[*step], &faults[*fault])).collect::<Vec<_>>();
    let (queue, done) = (Mutex::new(cells.into_iter()), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((fault, step)) = next else { break };
                    let cell = run(client, patience, steps[step], &faults[fault]);
                    done.lock().unwrap().insert((fault, step), cell);
                }
            });
        }
    });
    done.into_inner().unwrap()
}

fn archive_size() -> u64 {
    let folder = project();
    let ran = crate::support::run_in(folder.path(), &["pack", "--json"]).ok().json();
    ran["archive"]["size_bytes"].as_u64().unwrap()
}

/// One row for each fault, one column for each step.
fn table(cells: &BTreeMap<(usize, usize), Cell>, steps: &[&str], archive: u64) -> String {
    let mut text = format!("| | {} |\n|---|{}\n", steps.join(" | "), "---|".repeat(steps.len()));
    for (row, fault) in faults().iter().enumerate() {
        let cells = (0..steps.len())
            .map(|step| cells.get(&(row, step)).map_or_else(|| "–".to_owned(), |cell| cell.text(archive)));
        text += &format!("| {} | {} |\n", fault.name, cells.collect::<Vec<_>>().join(" | "));
    }
    text
}

/// All figures, for whoever reads the log.
fn figures(who: &str, cells: &BTreeMap<(usize, usize), Cell>, steps: &[&str]) -> String {
    let mut text = format!("{who:44} | exit  video requests assets renders   bytes seconds\n");
    let faults = faults();
    for ((fault, step), cell) in cells {
        let code = cell.code.map_or_else(|| "hangs".to_owned(), |code| code.to_string());
        text += &format!(
            "{:28} {:15} | {code:5} {:5} {:8} {:6} {:7} {:7} {:7.1}\n",
            faults[*fault].name,
            steps[*step],
            cell.has_video,
            cell.requests,
            cell.assets,
            cell.renders,
            cell.uploaded,
            cell.seconds
        );
    }
    text
}

#[test]
fn every_fault_at_every_step() {
    let archive = archive_size();
    let cells = matrix(ours, PATIENCE, &STEPS, 8);
    let mut all = figures("hyperframes-ci", &cells, &STEPS);
    show("faults.txt", &all);
    for ((row, column), cell) in &cells {
        let (fault, step) = (&faults()[*row], STEPS[*column]);
        let what = format!("{} at {step}: {}", fault.name, cell.text(archive));
        assert!(cell.assets <= 1 && cell.renders <= 1, "nothing is made twice: {what}");
        assert_eq!(cell.has_video, cell.code == Some(0), "{what}");
        // Somebody who signs in between, or a wrong address, is no fault that passes.
        let is_page = fault.name == "200, HTML" && matches!(step, "create_upload" | "complete" | "submit");
        let is_fatal = match (fault.kind, step, fault.name) {
            (Kind::Once, ..) => is_page,
            (_, "list", name) => matches!(name, "401" | "403"),
            (_, "create_upload", "404") => false,
            (Kind::Always, ..) => true,
        };
        let is_authentication = matches!(fault.name, "401" | "403") && !matches!(step, "put" | "download");
        let expected = match (is_fatal, is_authentication && fault.kind == Kind::Always) {
            (false, _) => 0,
            (true, true) => 3,
            // Not the API's own answer that there is no such render: it is asked again until the time is over.
            _ if (step, fault.name) == ("poll", "404") => 4,
            (true, false) => 1,
        };
        assert_eq!(cell.code, Some(expected), "{what}");
        let is_submitted = !is_fatal || matches!(step, "poll" | "download");
        assert_eq!(cell.renders, u64::from(is_submitted), "{what}");
    }
    // The official client waits for answers as long as Node does; it has no list to look at.
    let steps = &STEPS[1..];
    let official = matrix(theirs, Duration::from_secs(12), steps, 4);
    all = format!("{all}\n{}", figures("hyperframes cloud", &official, steps));
    show("faults.txt", &all);
    // The official client's table is written, and not held: it depends on the version that npm has.
    let path = root().join("docs/faults.md");
    let present = fs::read_to_string(&path).unwrap();
    let document = put(&present, "## hyperframes-ci", &table(&cells, &STEPS, archive));
    if std::env::var_os("BLESS").is_some() {
        let heading = format!("## The official CLI ({})", official::VERSION);
        fs::write(&path, put(&document, &heading, &table(&official, steps, archive))).unwrap();
    }
    let ours = |text: &str| text.split("## The official CLI").next().unwrap().to_owned();
    assert_eq!(ours(&fs::read_to_string(&path).unwrap()), ours(&document), "BLESS=1 writes docs/faults.md");
}

/// Returns a page with another table in the section of `heading`.
fn put(text: &str, heading: &str, table: &str) -> String {
    let (before, rest) = text.split_once(&format!("{heading}\n\n")).unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    format!("{before}{heading}\n\n{}\n\n{after}", table.trim_end())
}
