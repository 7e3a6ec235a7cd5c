//! The checks against the official engine: what a rule calls an error is rendered, and so is its corrected twin.
//!
//! A case in `tests/proof` is named after the rule that it breaks; further cases of a rule have a second name after a dot.
//! Its header says what the engine does:
//!
//! - `fails`: the render ends with an error, and `says` is a part of it;
//! - `waits`: the renderer waits for a timeline until its limit, 45 seconds by default;
//! - `differs`: the video differs from that of the twin, by pixels, sound or length;
//! - `none`: the case is not rendered, and `effect` says why.
//!
//! The twin has the sections marked `fixed` instead of those marked `broken`, and the replacements of `replace`. Cases in
//! `tests/proof/accepted` must render: without errors of the checks, and equal to their twin if there is one.

mod official;
mod seek;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyperframes_ci_core::findings::{Rule, Severity};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::real::provisioned;
use crate::support::{Ran, clean, names, root, run_in, show, write};

/// The version of the engine, for the documentation.
const ENGINE: &str = "0.8.170";

/// Flags of every render: small, and without a search for a graphics card. A page without its timeline ends sooner.
const FLAGS: &[&str] = &[
    "--quality=draft",
    "--fps=5",
    "--workers=1",
    "--no-browser-gpu",
    "--player-ready-timeout=3000",
    "--frames-cache-dir=off",
];

/// Frames are compared at this size, in pixels.
const SIZE: (usize, usize) = (160, 90);

/// Mean difference of two frames, of 255, that counts: encoders add noise.
const NOISE: f64 = 0.4;

/// Renders at the same time.
const WORKERS: usize = 2;

/// A case, read.
pub(crate) struct Case {
    /// The rule, or the name of an accepted project.
    pub(crate) name: String,
    header: Value,
    /// Name, marks and text of each section.
    sections: Vec<(String, Vec<String>, String)>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let source = fs::read_to_string(path).unwrap();
        let mut header = String::new();
        let mut sections = Vec::<(String, Vec<String>, String)>::new();
        for line in source.split_inclusive('\n') {
            let title = line.trim_end().strip_prefix("-- ").and_then(|line| line.strip_suffix(" --"));
            match (title, sections.last_mut()) {
                (Some(title), _) => {
                    let (name, marks) = title.split_once(" (").unwrap_or((title, ""));
                    let marks = marks.trim_end_matches(')').split_whitespace().map(str::to_owned).collect();
                    sections.push((name.to_owned(), marks, String::new()));
                }
                (None, Some((_, _, text))) => text.push_str(line),
                (None, None) => header.push_str(line),
            }
        }
        let header =
            serde_json::from_str(&header).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name: path.file_stem().unwrap().to_str().unwrap().to_owned(), header, sections }
    }

    /// Returns the outcome that the header names.
    pub(crate) fn engine(&self) -> &str {
        self.header["engine"].as_str().unwrap_or("accepted")
    }

    /// Returns what people read about it.
    pub(crate) fn effect(&self) -> &str {
        self.header["effect"].as_str().unwrap_or_else(|| panic!("{}: effect", self.name))
    }

    /// Returns the rule that the case breaks.
    pub(crate) fn rule(&self) -> &str {
        self.name.split_once('.').map_or(&*self.name, |(rule, _)| rule)
    }

    fn has_twin(&self) -> bool {
        self.header.get("replace").is_some()
            || self.sections.iter().any(|(_, marks, _)| marks.iter().any(|mark| mark == "fixed"))
    }

    /// Writes the files of the case or of its twin below `folder`, a repository; returns the project's directory.
    pub(crate) fn unpack(&self, folder: &Path, fixed: bool) -> PathBuf {
        fs::create_dir_all(folder.join(".git")).unwrap();
        let replacements = self.header["replace"].as_array().filter(|_| fixed).map_or(&[][..], Vec::as_slice);
        let mut unused = replacements.iter().map(|pair| pair[0].as_str().unwrap()).collect::<BTreeSet<_>>();
        for (name, marks, text) in &self.sections {
            let has = |mark: &str| marks.iter().any(|other| other == mark);
            if has(if fixed { "broken" } else { "fixed" }) {
                continue;
            }
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if has("hex") {
                let digits = text.trim().as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
                let bytes = digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect::<Vec<_>>();
                fs::write(path, bytes).unwrap();
            } else if has("ffmpeg") {
                let mut command = Command::new("ffmpeg");
                command.args(["-v", "error", "-bitexact"]).args(text.split_whitespace());
                assert!(command.arg(&path).status().unwrap().success(), "{}: {name}", self.name);
            } else if has("gsap") {
                let gsap =
                    std::env::var_os("HYPERFRAMES_CI_TEST_GSAP").expect("cargo xtask test proof sets it");
                fs::copy(gsap, path).unwrap();
            } else if has("link") {
                #[cfg(unix)]
                std::os::unix::fs::symlink(text.trim(), path).unwrap();
            } else {
                let mut text = text.clone();
                for pair in replacements {
                    let (from, to) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
                    if text.contains(from) {
                        unused.remove(from);
                        text = text.replace(from, to);
                    }
                }
                write(folder, name, &text);
            }
        }
        assert!(unused.is_empty(), "{}: {unused:?}", self.name);
        folder.join(self.header["project"].as_str().unwrap_or_default())
    }

    /// The flags of `check` and `pack` that name the composition.
    fn composition(&self) -> Vec<String> {
        let composition = self.header["composition"].as_str();
        composition.map(|path| format!("--composition={path}")).into_iter().collect()
    }

    /// Returns the values of the variables.
    fn values(&self, fixed: bool) -> Option<&Value> {
        let fixed = self.header.get("fixed-variables").filter(|_| fixed);
        fixed.or_else(|| self.header.get("variables"))
    }

    /// Returns whether the checks of a render pass.
    fn is_accepted(&self, project: &Path) -> bool {
        run_in(project, &["pack", "--output=../checked.zip"]).code == 0
    }

    /// Returns the codes of the errors that the checks find.
    fn errors(&self, project: &Path, fixed: bool) -> BTreeSet<String> {
        let mut arguments = vec!["check".to_owned(), "--json".to_owned()];
        arguments.extend(self.composition());
        if let Some(values) = self.values(fixed) {
            arguments.push(format!("--variables={values}"));
        }
        let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
        let found = run_in(project, &arguments).json();
        let errors = found["diagnostics"].as_array().unwrap().iter();
        let errors = errors.filter(|found| found["severity"] == "error");
        errors.map(|found| found["code"].as_str().unwrap().to_owned()).collect()
    }
}

/// Reads the cases of a directory, by name.
pub(crate) fn cases(folder: &str) -> Vec<Case> {
    let folder = root().join("tests/proof").join(folder);
    let names = names(&folder).into_iter().filter(|name| name.ends_with(".txt"));
    names.map(|name| Case::read(&folder.join(name))).collect()
}

/// Returns the part of `docs/checks.md` about the cases, which the suite `proof` holds against the engine.
pub(crate) fn table() -> String {
    let mut text = format!(
        "\n## Proven by rendering\n\n\
         Every error is rendered by the official engine {ENGINE}, next to a corrected twin. A finding is an error because\n\
         the render fails, waits 45 seconds for a timeline, or produces a different video. The official linter is quoted\n\
         with what it finds in the project, but not in the twin.\n\n\
         | check | the official linter | the engine | effect |\n|---|---|---|---|\n"
    );
    let official = official::found();
    for case in cases("") {
        let engine = match case.engine() {
            "fails" => "fails",
            "waits" => "waits 45 s",
            "differs" => "renders a different video",
            _ => "not rendered",
        };
        let official = official.get(&case.name).map_or("", String::as_str);
        let _ = writeln!(text, "| [`{0}`](#{0}) | {official} | {engine} | {1} |", case.rule(), case.effect());
    }
    text.push_str(
        "\nThe following are accepted, because the engine renders them as intended. The official linter is quoted with its\n\
         errors.\n\n| accepted | the official linter |\n|---|---|\n",
    );
    for case in cases("accepted") {
        let official = official.get(&format!("accepted/{}", case.name)).map_or("", String::as_str);
        let _ = writeln!(text, "| {} | {official} |", case.effect());
    }
    text
}

/// What a render came to.
#[derive(Clone)]
struct Render {
    /// The engine's output if it failed.
    failure: Option<String>,
    has_waited: bool,
    /// Pixels of all frames, three bytes each.
    frames: Vec<u8>,
    /// Samples of the sound; empty without any.
    sound: Vec<u8>,
}

impl Render {
    /// Returns how it differs from another one.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.frames.len() != other.frames.len() {
            return Some("length");
        }
        let frame = SIZE.0 * SIZE.1 * 3;
        let pairs = self.frames.chunks(frame).zip(other.frames.chunks(frame));
        let differs = |(one, two): (&[u8], &[u8])| {
            let sum = one.iter().zip(two).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
            sum / f64::from(u32::try_from(frame).unwrap()) > NOISE
        };
        if pairs.into_iter().any(differs) {
            return Some("picture");
        }
        (self.sound != other.sound).then_some("sound")
    }
}

/// The cache of this machine.
fn cache() -> PathBuf {
    let probe = crate::support::command();
    let set = probe.get_envs().find(|(name, _)| *name == "HYPERFRAMES_CI_CACHE");
    let set = set.and_then(|(_, value)| value.map(PathBuf::from));
    set.or_else(|| std::env::var_os("HYPERFRAMES_CI_CACHE").map(PathBuf::from)).unwrap().join("proof")
}

/// Renders what would be uploaded of a project, or returns what the same render came to before.
fn render(case: &Case, project: &Path, work: &Path, fixed: bool) -> Render {
    let archive = work.join("project.zip");
    let errors = Rule::ALL.iter().filter(|rule| rule.severity() == Severity::Error);
    let allow = errors.map(|rule| rule.code()).collect::<Vec<_>>().join(",");
    let packed = run_in(project, &["pack", "--allow", &allow, "-o", archive.to_str().unwrap()]);
    assert_eq!(packed.code, 0, "{}: {}", case.name, packed.stderr);
    let mut digest = Sha256::new();
    digest.update(fs::read(&archive).unwrap());
    digest.update(fs::read(root().join("src/engine/lock/package-lock.json")).unwrap());
    let mut flags = FLAGS.iter().map(|flag| (*flag).to_owned()).chain(case.composition()).collect::<Vec<_>>();
    // The engine only looks at declarations and values with this flag.
    flags.extend(case.header.get("strict-variables").map(|_| "--strict-variables".to_owned()));
    digest.update(format!("{flags:?} {:?}", case.values(fixed)));
    let digest = digest.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let kept = cache().join(&digest[..32]);
    if !kept.is_dir() {
        fs::create_dir_all(cache()).unwrap();
        let made = tempfile::tempdir_in(cache()).unwrap();
        render_now(&archive, &flags, case.values(fixed), work, made.path());
        // Another run may have been faster.
        let _ = fs::rename(made.keep(), &kept);
    }
    let text = |name: &str| fs::read_to_string(kept.join(name)).unwrap();
    let output = text("output.txt");
    let read = |name: &str| fs::read(kept.join(name)).unwrap_or_default();
    Render {
        has_waited: output.contains("timelines not registered after") || output.contains("(timeout)"),
        failure: (text("status.txt") != "0").then_some(output),
        frames: read("frames.rgb"),
        sound: read("sound.pcm"),
    }
}

/// Returns a command of the official engine; its arguments are to be added.
pub(crate) fn engine(node: &Path, script: &Path, temporary: &Path) -> Command {
    let mut command = Command::new(node);
    clean(&mut command);
    let inherited = std::env::var_os("PATH").unwrap();
    let path = [node.parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&inherited));
    command.env("PATH", std::env::join_paths(path).unwrap()).env("TMPDIR", temporary);
    let silent =
        ["HYPERFRAMES_NO_UPDATE_CHECK", "HYPERFRAMES_NO_TELEMETRY", "DO_NOT_TRACK", "NO_COLOR", "CI"];
    command.envs(silent.map(|name| (name, "1"))).env("HYPERFRAMES_RENDER_DETACHED", "1");
    if std::env::var_os("HYPERFRAMES_BROWSER_PATH").is_none() {
        let browsers = ["chromium", "chromium-browser", "google-chrome"];
        let found = std::env::split_paths(&inherited)
            .flat_map(|folder| browsers.map(|name| folder.join(name)))
            .find(|path| path.is_file());
        command.env("HYPERFRAMES_BROWSER_PATH", found.expect("a browser"));
    }
    command.arg(script);
    command
}

fn render_now(archive: &Path, flags: &[String], values: Option<&Value>, work: &Path, into: &Path) {
    let (node, script) = provisioned();
    let project = work.join("unpacked");
    zip::ZipArchive::new(fs::File::open(archive).unwrap()).unwrap().extract(&project).unwrap();
    let video = work.join("video.mp4");
    let temporary = work.join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let mut command = engine(&node, &script, &temporary);
    command.arg("render").arg(&project).arg("--output").arg(&video).args(flags);
    command.current_dir(&project);
    if let Some(values) = values {
        fs::write(work.join("values.json"), values.to_string()).unwrap();
        command.arg("--variables-file").arg(work.join("values.json"));
    }
    let ran = Ran::from(command.output().unwrap());
    // Directories differ from run to run.
    let output = format!("{}{}", ran.stdout, ran.stderr).replace(&work.display().to_string(), "…");
    fs::write(into.join("output.txt"), output).unwrap();
    fs::write(into.join("status.txt"), ran.code.to_string()).unwrap();
    if ran.code != 0 {
        return;
    }
    let decode = |arguments: &[&str], name: &str| {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-i"]).arg(&video).args(arguments).arg(into.join(name));
        command.output().unwrap().status.success()
    };
    let scale = format!("scale={}:{}", SIZE.0, SIZE.1);
    assert!(decode(&["-vf", &scale, "-pix_fmt", "rgb24", "-f", "rawvideo"], "frames.rgb"));
    decode(&["-vn", "-ac", "1", "-ar", "8000", "-f", "s16le"], "sound.pcm");
}

/// The files of a case are rendered; returns what is wrong about it.
fn judge(case: &Case) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let run = |fixed: bool| {
        let work = folder.path().join(if fixed { "fixed" } else { "broken" });
        let project = case.unpack(&work.join("repo"), fixed);
        let errors = case.errors(&project, fixed);
        let is_accepted = errors.is_empty() || (case.engine() == "accepted" && case.is_accepted(&project));
        (is_accepted, errors, render(case, &project, &work, fixed))
    };
    let mut problems = Vec::new();
    let (passes, errors, broken) = run(false);
    let is_accepted = case.engine() == "accepted";
    if is_accepted != passes || (!is_accepted && !errors.contains(case.rule())) {
        problems.push(format!("the checks find {errors:?}"));
    }
    let twin = (case.has_twin() || !is_accepted).then(|| run(true));
    if let Some((passes, errors, twin)) = &twin {
        if !passes {
            problems.push(format!("the checks find {errors:?} in the twin"));
        }
        if let Some(output) = &twin.failure {
            problems.push(format!("the twin fails:\n{}", tail(output)));
        } else if twin.has_waited {
            problems.push("the twin waits".to_owned());
        }
    }
    let difference = twin.as_ref().and_then(|(.., twin)| broken.difference(twin));
    let engine = match (&broken.failure, broken.has_waited, difference) {
        (Some(output), ..) => {
            if let Some(says) = case.header["says"].as_str().filter(|says| !output.contains(says)) {
                problems.push(format!("the engine does not say {says:?}"));
            }
            if problems.is_empty() && case.header.get("says").is_none() {
                problems.push(format!("\"says\" is missing; the engine says:\n{}", tail(output)));
            }
            "fails"
        }
        (None, true, _) => "waits",
        (None, false, Some(_)) => "differs",
        (None, false, None) => "accepted",
    };
    if engine != case.engine() {
        let output = broken.failure.as_deref().map(tail).unwrap_or_default();
        problems.push(format!("the engine: {engine} ({difference:?}), expected {}\n{output}", case.engine()));
    }
    problems
}

/// Returns the lines after the failure heading.
fn tail(output: &str) -> String {
    let lines = output.lines().collect::<Vec<_>>();
    let first = lines.iter().rposition(|line| line.contains('✗')).unwrap_or(lines.len().saturating_sub(8));
    lines[first..].join("\n")
}

#[test]
#[ignore = "renders about a hundred videos: cargo xtask test proof"]
fn every_error_is_proven_by_rendering() {
    let only = std::env::var("PROOF").unwrap_or_default();
    let mut all = cases("");
    all.extend(cases("accepted"));
    all.retain(|case| case.engine() != "none" && case.name.contains(&only));
    provisioned();
    let next = AtomicUsize::new(0);
    let began = std::time::Instant::now();
    let judged = std::thread::scope(|scope| {
        let workers = (0..WORKERS).map(|_| {
            scope.spawn(|| {
                let mut judged = Vec::new();
                while let Some(case) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let problems = std::panic::catch_unwind(|| judge(case));
                    judged.push((&case.name, problems.unwrap_or_else(|_| vec!["panicked".to_owned()])));
                }
                judged
            })
        });
        let workers = workers.collect::<Vec<_>>();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<BTreeMap<_, _>>()
    });
    let seconds = began.elapsed().as_secs();
    let mut counts = BTreeMap::<&str, usize>::new();
    all.iter().for_each(|case| *counts.entry(case.engine()).or_default() += 1);
    show("proof.txt", &format!("{counts:?} in {seconds} s\n"));
    let wrong = judged.iter().filter(|(_, problems)| !problems.is_empty());
    let wrong =
        wrong.map(|(name, problems)| format!("{name}: {}", problems.join("\n  "))).collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

#[test]
fn every_error_has_a_case_for_the_engine() {
    let lock = fs::read_to_string(root().join("src/engine/lock/package.json")).unwrap();
    assert!(lock.contains(&format!("\"hyperframes\": \"{ENGINE}\"")), "{lock}");
    let cases = cases("").iter().map(|case| case.rule().to_owned()).collect::<BTreeSet<_>>();
    let errors = Rule::ALL.iter().filter(|rule| rule.severity() == Severity::Error);
    let errors = errors.map(|rule| rule.code().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(cases, errors);
}
