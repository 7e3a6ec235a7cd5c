//! Plays a story: runs the command against the server, with signals and damaged files, until it succeeds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, kill_process};

use crate::faults::Signal;
use crate::server::{KEY, Server, Tally, lock, title, video};
use crate::story::{Damage, Decision, Story};

/// How many times faster pauses pass.
const TIME_SCALE: &str = "100";

/// How long a render must be unknown before it counts as deleted, in seconds; not scaled.
const GONE_GRACE: &str = "3";

/// How long the server may be silent, in seconds: the least that the program takes.
const IDLE_TIMEOUT: &str = "1";

/// `--max-wait` in minutes, for stories that may use all of it and for others.
const MAX_WAIT: [(&str, f64); 2] = [("0.02", 1.2), ("10", 600.0)];

/// A process that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(40);

/// A process that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) output: String,
    pub(crate) took: Duration,
}

/// One run of the command: a process, or two at the same time.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) processes: Vec<Ended>,
    /// Faults that its requests met, signals, and other things that may keep it from succeeding.
    pub(crate) met: u64,
    /// Whether the server showed a failed render.
    pub(crate) saw_failure: bool,
}

/// What remains of a story.
#[derive(Clone)]
pub(crate) struct Evidence {
    pub(crate) runs: Vec<Run>,
    /// Charged renders by row: those that fail, and the others.
    pub(crate) charged: BTreeMap<String, (u64, u64)>,
    pub(crate) assets: u64,
    /// Assets that the server dropped after they were charged.
    pub(crate) dropped: u64,
    /// What was wrong with files while the story went on.
    pub(crate) bad_files: Vec<String>,
    /// Rows whose video is in place.
    pub(crate) delivered: u64,
    /// Files that nobody asked for.
    pub(crate) leftovers: Vec<String>,
    /// Files that contain a secret.
    pub(crate) leaks: Vec<String>,
    pub(crate) tally: Tally,
    pub(crate) killed: u64,
    pub(crate) max_wait: Duration,
}

/// Where a story is played.
struct Stage<'a> {
    story: &'a Story,
    project: tempfile::TempDir,
    home: tempfile::TempDir,
    server: Server,
    children: Arc<Mutex<Vec<Child>>>,
    bad_files: Vec<String>,
    /// Videos that were checked, by their size and time.
    checked: BTreeMap<PathBuf, (u64, std::time::SystemTime)>,
}

/// Plays `story`.
pub(crate) fn play(story: &Story) -> Evidence {
    play_and(story, |_| {})
}

/// Plays `story`, and does something to the server before the end is looked at.
pub(crate) fn play_and(story: &Story, last: impl FnOnce(&Server)) -> Evidence {
    let mut stage = Stage::new(story);
    let (mut runs, mut is_done) = (Vec::new(), false);
    for number in 0..story.most_runs() {
        stage.damage(number);
        let run = stage.run(number);
        let succeeded = run.processes.iter().all(|process| process.code == Some(0));
        let hangs = run.processes.iter().any(|ended| ended.took > LONGEST);
        runs.push(run);
        if hangs {
            break;
        }
        if succeeded
            && !story.is_detached(number)
            && (is_done || !story.has(|decision| *decision == Decision::Again))
        {
            break;
        }
        is_done |= succeeded;
    }
    last(&stage.server);
    stage.evidence(runs)
}

impl<'a> Stage<'a> {
    fn new(story: &'a Story) -> Self {
        let (project, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let children = Arc::new(Mutex::new(Vec::<Child>::new()));
        let own = Arc::clone(&children);
        let server =
            Server::start(story, move |signal| lock(&own).iter_mut().for_each(|child| send(child, signal)));
        fs::create_dir(project.path().join(".git")).unwrap();
        fs::create_dir(home.path().join("tmp")).unwrap();
        let page = "<html data-composition-variables='[{\"id\":\"title\",\"label\":\"Title\",\"type\":\"string\",\
            \"default\":\"x\"}]'><div data-composition-id=\"main\" data-width=\"1280\" data-height=\"720\" \
            data-start=\"0\" data-duration=\"1\" data-no-timeline><b data-var-text=\"title\"></b></div></html>";
        fs::write(project.path().join("index.html"), page).unwrap();
        let rows = (0..story.shape.rows.unwrap_or_default())
            .map(|row| format!("{{\"title\": \"{}\"}}\n", title(row)));
        let copies = (0..story.shape.copies).map(|copy| {
            format!(
                "{{\"variables\": {{\"title\": \"{}\"}}, \"output\": \"out/copy {copy}.mp4\"}}\n",
                title(0)
            )
        });
        fs::write(project.path().join("rows.jsonl"), rows.chain(copies).collect::<String>()).unwrap();
        Self { story, project, home, server, children, bad_files: Vec::new(), checked: BTreeMap::new() }
    }

    fn ledger(&self) -> PathBuf {
        self.home.path().join("ledger.jsonl")
    }

    /// Damages files as the story says.
    fn damage(&self, number: u64) {
        for decision in &self.story.decisions {
            match decision {
                Decision::Ledger { run, damage } if *run == number => damage_file(&self.ledger(), *damage),
                Decision::Manifest { run, damage } if *run == number => {
                    damage_file(&self.project.path().join("out/rows.manifest.jsonl"), *damage);
                }
                Decision::AssetsDropped { run } if *run == number => {
                    self.server.cloud().drop_assets(number.is_multiple_of(2));
                }
                _ => {}
            }
        }
    }

    /// The row of each output.
    fn outputs(&self) -> Vec<(PathBuf, String)> {
        let folder = self.project.path().join("out");
        match self.story.shape.rows {
            None => vec![(folder.join("v.mp4"), title(0))],
            Some(rows) => {
                let rows = (0..rows).map(|row| (format!("{}.mp4", title(row)), title(row)));
                let copies = (0..self.story.shape.copies).map(|copy| (format!("copy {copy}.mp4"), title(0)));
                rows.chain(copies).map(|(name, row)| (folder.join(name), row)).collect()
            }
        }
    }

    fn command(&self, number: u64) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hyperframes-ci"));
        let home = self.home.path();
        command.env_clear().current_dir(self.project.path()).stdin(Stdio::null());
        command.envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
        command
            .env("HOME", home)
            .env("TMPDIR", home.join("tmp"))
            .env("HYPERFRAMES_CI_CACHE", home.join("cache"));
        command.env("HEYGEN_API_URL", &self.server.url).env("HEYGEN_API_KEY", KEY);
        command.env("HYPERFRAMES_CI_TIME_SCALE", TIME_SCALE).env("HYPERFRAMES_CI_GONE_GRACE", GONE_GRACE);
        command.env("HYPERFRAMES_CI_TIMEOUT", IDLE_TIMEOUT).env("HYPERFRAMES_CI_LEDGER", self.ledger());
        let shape = self.story.shape;
        let (max_wait, _) = MAX_WAIT[usize::from(!shape.is_impatient)];
        command.args(["render", "--upload", shape.upload, "--max-wait", max_wait]);
        if shape.rows.is_some() {
            command.args(["--batch", "rows.jsonl", "-o", "out/{title}.{ext}"]);
            command.args(["--manifest", "out/rows.manifest.jsonl"]);
            if number > 0 {
                command.arg("--retry-failed");
            }
        } else {
            let output: &[&str] =
                if self.story.is_detached(number) { &["--no-wait"] } else { &["-o", "out/v.mp4"] };
            command.args(output);
            command.args(["--variables", &format!("{{\"title\": \"{}\"}}", title(0))]);
        }
        if let Some(concurrency) = shape.concurrency {
            command.arg(format!("--concurrency={concurrency}"));
        }
        if shape.has_chosen_key {
            command.args(["--idempotency-key", "chosen-by-the-user"]);
        }
        if shape.has_min_balance {
            command.args(["--min-balance", "5"]);
        }
        command
    }

    /// Runs the command once, or twice at the same time.
    fn run(&mut self, number: u64) -> Run {
        let faults = self.server.faults();
        self.server.note(format!("run {number}"));
        {
            let mut cloud = self.server.cloud();
            let endless =
                |decision: &Decision| matches!(decision, Decision::Endless { runs } if number < *runs);
            cloud.is_endless = self.story.has(endless);
            (cloud.has_shown_failure, cloud.has_shown_quirk) = (false, false);
        }
        let twin = self.story.decisions.iter().find_map(|decision| match decision {
            Decision::Twin { run, shares_ledger } if *run == number => Some(*shares_ledger),
            _ => None,
        });
        let is_held = self.story.has(|decision| *decision == Decision::LockHeld { run: number });
        let held = is_held.then(|| {
            let ledger = File::options().append(true).create(true).open(self.ledger()).unwrap();
            ledger.lock().unwrap();
            ledger
        });
        let mut logs = Vec::new();
        for index in 0..1 + usize::from(twin.is_some()) {
            let mut command = self.command(number);
            if index > 0 && twin == Some(false) {
                command.env("HYPERFRAMES_CI_LEDGER", self.home.path().join("other.jsonl"));
            }
            let log = self.home.path().join(format!("log.{number}.{index}"));
            let file = File::create(&log).unwrap();
            command.stdout(file.try_clone().unwrap()).stderr(file);
            lock(&self.children).push(command.spawn().unwrap());
            logs.push(log);
        }
        let (ended, signals) = self.wait(number);
        drop(held);
        self.server.settle();
        self.check_files();
        let processes = ended.into_iter().zip(&logs).map(|((status, took), log)| Ended {
            code: status.code(),
            signal: status.signal(),
            output: String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned(),
            took,
        });
        let processes = processes.collect::<Vec<_>>();
        for Ended { code, signal, output, took } in &processes {
            self.server.note(format!("ended with {code:?}, {signal:?} after {took:?}: {output}"));
        }
        let cloud = self.server.cloud();
        let quirks = [cloud.has_shown_quirk, cloud.is_endless, is_held].map(u64::from).iter().sum::<u64>();
        Run {
            processes,
            met: self.server.faults() - faults + signals + quirks,
            saw_failure: cloud.has_shown_failure,
        }
    }

    /// Waits for the processes, sends the signals that are due, and looks at the outputs meanwhile.
    fn wait(&mut self, number: u64) -> (Vec<(ExitStatus, Duration)>, u64) {
        let began = Instant::now();
        let mut due = self.story.decisions.iter().filter_map(|decision| match decision {
            Decision::Signal { run, milliseconds, signal } if *run == number => {
                Some((*milliseconds, *signal))
            }
            _ => None,
        });
        let mut due = due.by_ref().collect::<Vec<_>>();
        let (mut ended, mut signals) = (vec![None; lock(&self.children).len()], 0);
        while ended.iter().any(Option::is_none) {
            let elapsed = began.elapsed();
            {
                let mut children = lock(&self.children);
                for (child, ended) in children.iter_mut().zip(&mut ended) {
                    if ended.is_none() {
                        *ended = child.try_wait().unwrap().map(|status| (status, elapsed));
                    }
                    if ended.is_none() && elapsed > LONGEST {
                        let _ = child.kill();
                    }
                }
                due.retain(|(milliseconds, signal)| {
                    let is_due = elapsed >= Duration::from_millis(*milliseconds);
                    if is_due {
                        children.iter_mut().for_each(|child| send(child, *signal));
                        signals += 1;
                    }
                    !is_due
                });
            }
            self.check_files();
            std::thread::sleep(Duration::from_millis(2));
        }
        lock(&self.children).clear();
        (ended.into_iter().flatten().collect(), signals)
    }

    /// Whatever has the final name must be a whole video of its row.
    fn check_files(&mut self) {
        for (path, row) in self.outputs() {
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let version = (metadata.len(), metadata.modified().unwrap());
            if self.checked.get(&path) == Some(&version) {
                continue;
            }
            let Ok(bytes) = fs::read(&path) else { continue };
            let newest = self.server.cloud().version(&row);
            if (0..=newest).all(|version| bytes != video(&row, version)) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.bad_files.push(format!("{name} has {} bytes that are not its video", bytes.len()));
            }
            self.checked.insert(path, version);
        }
    }

    fn evidence(self, runs: Vec<Run>) -> Evidence {
        let outputs = self.outputs();
        let delivered = outputs.iter().filter(|(path, _)| path.is_file()).count() as u64;
        let mut charged = BTreeMap::<String, (u64, u64)>::new();
        let cloud = self.server.cloud();
        for render in &cloud.renders {
            let (failing, fine) = charged.entry(render.row.clone()).or_default();
            *(if render.fails { failing } else { fine }) += 1;
        }
        let (assets, dropped) = (cloud.ready_assets(), cloud.dropped);
        drop(cloud);
        let is_expected = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            outputs.iter().any(|(output, _)| output == path) || name == "rows.manifest.jsonl"
        };
        let mut leftovers = files(&self.project.path().join("out"));
        leftovers.extend(files(&self.home.path().join("tmp")));
        leftovers.retain(|path| !is_expected(path));
        let leaks = [files(self.home.path()), files(&self.project.path().join("out"))].concat();
        let leaks = leaks.into_iter().filter(|path| {
            let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
            text.contains(KEY) || text.contains(crate::server::SIGNATURE)
        });
        let names = |paths: Vec<PathBuf>| {
            paths
                .into_iter()
                .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
                .collect()
        };
        let killed =
            runs.iter().flat_map(|run| &run.processes).filter(|ended| ended.signal.is_some()).count();
        Evidence {
            runs,
            charged,
            assets,
            dropped,
            bad_files: self.bad_files.clone(),
            delivered,
            leftovers: names(leftovers),
            leaks: names(leaks.collect()),
            tally: self.server.tally(),
            killed: killed as u64,
            max_wait: Duration::from_secs_f64(MAX_WAIT[usize::from(!self.story.shape.is_impatient)].1),
        }
    }
}

/// All files below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] })
        .collect()
}

/// Sends a signal to a process that has not been waited for.
fn send(child: &mut Child, signal: Signal) {
    let signal = match signal {
        Signal::Kill => rustix::process::Signal::KILL,
        Signal::Term => rustix::process::Signal::TERM,
        Signal::Int => rustix::process::Signal::INT,
    };
    if matches!(child.try_wait(), Ok(None)) {
        let _ = kill_process(Pid::from_child(child), signal);
    }
}

fn damage_file(path: &Path, damage: Damage) {
    let Ok(mut bytes) = fs::read(path) else { return };
    match damage {
        Damage::Deleted => return fs::remove_file(path).unwrap(),
        Damage::Truncated => bytes.truncate(bytes.len() / 2),
        Damage::Garbage => {
            let at = bytes.len() / 3;
            bytes.splice(at..at, *b"\xff\xfe\0 garbage \n{\"at\": 1");
        }
    }
    File::create(path).and_then(|mut file| file.write_all(&bytes)).unwrap();
}
