//! `diff` against renders of the official engine: edits of compositions, with what they should be found to be.
//!
//! `tests/visual` has the compositions, and `cases.json` the edits: `replace` in the page, other `flags` of the render, or
//! other `media`. `expect` is `unchanged`, `changed`, `visible` (changed or faint) or `any` (only listed). Nothing outside
//! of `times`, in seconds, may differ. Cases that are `held` were not used to choose the thresholds, and of `fresh`
//! compositions none was. With `noise`, ranges may last longer than the edit: that of a draft is above the thresholds. A
//! golden file must find what is changed or visible, unless `golden` says that it does not.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::proof::engine;
use crate::real::provisioned;
use crate::support::{Ran, command, root, run_in};

/// Flags of every render.
const FLAGS: &[&str] = &[
    "--quality=standard",
    "--workers=1",
    "--no-browser-gpu",
    "--player-ready-timeout=3000",
    "--frames-cache-dir=off",
];

/// Renders at the same time.
const WORKERS: usize = 2;

/// Seconds that a range may begin before or end after its edit: frames are compared over half a second.
const SLACK: f64 = 0.07;

struct Cases {
    media: Value,
    /// Flags of a composition.
    flags: Value,
    fresh: Vec<Value>,
    cases: Vec<Value>,
}

impl Cases {
    fn read() -> Self {
        let text = fs::read_to_string(root().join("tests/visual/cases.json")).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        let list = |name: &str| json[name].as_array().unwrap().clone();
        let [fresh, cases] = ["fresh", "cases"].map(list);
        Self { media: json["media"].clone(), flags: json["flags"].clone(), fresh, cases }
    }
}

fn text<'a>(case: &'a Value, member: &str) -> &'a str {
    case[member].as_str().unwrap_or_else(|| panic!("{member} in {case}"))
}

/// Returns the page of a composition with the replacements of a case.
fn page(composition: &str, case: Option<&Value>) -> String {
    let mut page = fs::read_to_string(root().join(format!("tests/visual/{composition}.html"))).unwrap();
    for pair in case.and_then(|case| case["replace"].as_array()).into_iter().flatten() {
        let (from, to) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        assert!(page.contains(from), "{composition}: {from:?} not found");
        page = page.replacen(from, to, if from.starts_with("context.fillStyle") { 2 } else { 1 });
    }
    page
}

/// The cache of this machine.
fn cache() -> PathBuf {
    let probe = command();
    let set = probe.get_envs().find(|(name, _)| *name == "HYPERFRAMES_CI_CACHE");
    let set = set.and_then(|(_, value)| value.map(PathBuf::from));
    set.or_else(|| std::env::var_os("HYPERFRAMES_CI_CACHE").map(PathBuf::from)).unwrap().join("visual")
}

/// Returns the video of a composition, with the edits of a case. What was rendered before is kept by its digest.
fn video(cases: &Cases, composition: &str, case: Option<&Value>) -> PathBuf {
    let page = page(composition, case);
    let mut media = cases.media[composition].as_object().cloned().unwrap_or_default();
    media.extend(case.and_then(|case| case["media"].as_object()).cloned().unwrap_or_default());
    let own = case.and_then(|case| case["flags"].as_array()).or(cases.flags[composition].as_array());
    let own = own.into_iter().flatten().map(|flag| flag.as_str().unwrap()).collect::<Vec<_>>();
    let name = |flag: &str| flag.split('=').next().unwrap().to_owned();
    let replaced = own.iter().map(|flag| name(flag)).collect::<BTreeSet<_>>();
    let kept = FLAGS.iter().copied().filter(|flag| !replaced.contains(&name(flag)));
    let flags = kept.chain(own).collect::<Vec<_>>();
    // Another render of the same page.
    let run = case.filter(|case| case["name"] == "rerun").map_or("first", |_| "second");
    let mut digest = Sha256::new();
    digest.update(format!("{page}\n{media:?}\n{flags:?}\n{run}\n"));
    digest.update(fs::read(root().join("src/engine/lock/package-lock.json")).unwrap());
    let digest = digest.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let kept = cache().join(format!("{}.mp4", &digest[..32]));
    if kept.is_file() {
        return kept;
    }
    fs::create_dir_all(cache()).unwrap();
    let work = tempfile::tempdir().unwrap();
    let project = work.path().join("project");
    fs::create_dir_all(&project).unwrap();
    let temporary = work.path().join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    fs::write(project.join("index.html"), &page).unwrap();
    if page.contains("gsap.js") {
        let gsap = std::env::var_os("HYPERFRAMES_CI_TEST_GSAP").expect("cargo xtask test visual sets it");
        fs::copy(gsap, project.join("gsap.js")).unwrap();
    }
    for (name, recipe) in &media {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-bitexact"]).args(recipe.as_str().unwrap().split_whitespace());
        assert!(ffmpeg.arg(project.join(name)).status().unwrap().success(), "{composition}: {name}");
    }
    let (node, script) = provisioned();
    let made = work.path().join("video.mp4");
    let mut command = engine(&node, &script, &temporary);
    command.arg("render").arg(&project).arg("--output").arg(&made).args(&flags).current_dir(&project);
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 0, "{composition}: {}{}", ran.stdout, ran.stderr);
    let part = kept.with_extension("part");
    fs::copy(&made, &part).unwrap();
    fs::rename(part, &kept).unwrap();
    kept
}

/// Compares a case with its base; returns a row of the table, and what is wrong.
fn judge(cases: &Cases, case: &Value) -> (String, Option<String>) {
    let composition = text(case, "composition");
    let (base, head) = (video(cases, composition, None), video(cases, composition, Some(case)));
    let work = tempfile::tempdir().unwrap();
    let ran = run_in(work.path(), &["diff", base.to_str().unwrap(), head.to_str().unwrap(), "--json"]).ok();
    let found = ran.json()["comparisons"][0].clone();
    let status = text(&found, "status");
    let mut problems = Vec::new();
    let is_right = match text(case, "expect") {
        "visible" => ["changed", "faint"].contains(&status),
        "any" => true,
        expected => expected == status,
    };
    if !is_right {
        problems.push(format!("is {status}"));
    }
    if let Some(differences) = case["differences"].as_array() {
        let missing =
            differences.iter().filter(|name| !found["differences"].as_array().unwrap().contains(name));
        problems.extend(missing.map(|name| format!("{name} is not found to differ")));
    }
    let ranges = found["picture"]["ranges"].as_array().cloned().unwrap_or_default();
    if let Some(times) = case["times"].as_array() {
        let (from, to) = (times[0].as_f64().unwrap() - SLACK, times[1].as_f64().unwrap() + SLACK);
        let to = if case["noise"] == true { f64::INFINITY } else { to };
        let outside =
            |range: &&Value| range["start"].as_f64().unwrap() < from || range["end"].as_f64().unwrap() > to;
        problems.extend(
            ranges
                .iter()
                .find(outside)
                .map(|range| format!("differs at {}–{} s", range["start"], range["end"])),
        );
    }
    // The same by a golden file, which does not tell what is faint from what is changed.
    let golden = |flag: &str, video: &Path| {
        fs::copy(video, work.path().join("video.mp4")).unwrap();
        run_in(work.path(), &["diff", flag, "golden", "video.mp4", "--json"]).ok().json()["status"].clone()
    };
    golden("--update", &base);
    let golden = golden("--against", &head);
    let expected = match text(case, "expect") {
        _ if case["golden"].is_string() => case["golden"].as_str(),
        "unchanged" => Some("unchanged"),
        "any" => None,
        _ => Some("changed"),
    };
    if expected.is_some_and(|expected| golden != expected) {
        problems.push(format!("is {} by the golden file", golden.as_str().unwrap_or_default()));
    }
    let figure = |part: &str, name: &str| {
        found[part][name].as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
    };
    let row = format!(
        "{composition:<10} {:<36} {:<4} {:<9} {:<9} {:<9} {:<7} {:>7} {:>7} {:>6}  {}",
        text(case, "name"),
        if case["held"] == true { "held" } else { "" },
        text(case, "expect"),
        status,
        golden.as_str().unwrap_or("-"),
        found["method"].as_str().unwrap_or("-"),
        figure("picture", "instant"),
        figure("picture", "sustained"),
        figure("sound", "difference"),
        problems.join("; "),
    );
    let name = format!("{composition}, {}", text(case, "name"));
    let problem = (!problems.is_empty()).then(|| format!("{name}: {}", problems.join("; ")));
    (row, problem)
}

#[test]
fn cases_have_names_of_their_own_and_edit_their_page() {
    let Cases { media, cases, fresh, .. } = Cases::read();
    let names =
        cases.iter().map(|case| (text(case, "composition"), text(case, "name"))).collect::<BTreeSet<_>>();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 60 && cases.iter().filter(|case| case["held"] == true).count() >= 20);
    let compositions = names.iter().map(|(composition, _)| *composition).collect::<BTreeSet<_>>();
    assert!(
        compositions.len() >= 8
            && media.as_object().unwrap().keys().all(|name| compositions.contains(&**name))
    );
    let of_fresh = cases.iter().filter(|case| fresh.contains(&case["composition"])).collect::<Vec<_>>();
    assert!(fresh.len() >= 3 && of_fresh.len() >= 20 && of_fresh.iter().all(|case| case["held"] == true));
    for case in &cases {
        let edited = page(text(case, "composition"), Some(case));
        let is_other_page = edited != page(text(case, "composition"), None);
        let is_edited = is_other_page || case.get("flags").is_some() || case.get("media").is_some();
        assert!(is_edited || case["name"] == "rerun", "{case}");
    }
}

#[test]
#[ignore = "renders for minutes; the suite visual runs it"]
fn edits_are_found_and_noise_is_not() {
    let cases = Cases::read();
    provisioned();
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.cases.get(index) else { return };
                    let row = judge(&cases, case);
                    rows.lock().unwrap().push((index, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap();
    rows.sort_by_key(|(index, _)| *index);
    let mut table = format!(
        "{:<10} {:<36} {:<4} {:<9} {:<9} {:<9} {:<7} {:>7} {:>7} {:>6}\n",
        "page", "edit", "", "expected", "found", "golden", "method", "instant", "sustain", "dB"
    );
    for (_, (row, _)) in &rows {
        table.push_str(row.trim_end());
        table.push('\n');
    }
    let folder: &Path = &root().join("target/tables");
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("visual.txt"), table).unwrap();
    let problems = rows.into_iter().filter_map(|(_, (_, problem))| problem).collect::<Vec<_>>();
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), cases.cases.len(), problems.join("\n"));
}
